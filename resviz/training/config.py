"""`TrainConfig`: how a network is trained, as one frozen value; recipes of the bundled models."""

import functools
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from resviz.errors import TrainingError

if TYPE_CHECKING:
    from pydantic import BaseModel

AUGMENTATIONS = ("none", "crop", "resized-crop")
SCHEDULES = ("one-cycle", "cosine", "steps")
PRECISIONS = ("auto", "float32")


CHOICES = {"augmentation": AUGMENTATIONS, "schedule": SCHEDULES, "precision": PRECISIONS}
RANGES: dict[str, tuple[float, float]] = {
    "epochs": (1, 10_000),
    "batch_size": (2, 8192),
    "lr": (0.0, 100.0),
    "warmup": (0.0, 0.9),
    "momentum": (0.0, 0.999),
    "weight_decay": (0.0, 1.0),
    "label_smoothing": (0.0, 0.5),
    "smallest_crop": (0.05, 1.0),
    "side": (8, 512),
    "side_first": (8, 512),
    "side_last": (8, 512),
    "recalibration": (0, 1_000_000),
    "seed": (0, 2**32 - 1),
}


# what each setting is, for the command line and for readers
HELP = {
    "epochs": "times that every image is seen",
    "batch_size": "images in a batch",
    "lr": "the largest learning rate of the schedule",
    "schedule": "how the learning rate falls",
    "warmup": "share of the steps in which the learning rate rises",
    "momentum": "momentum of SGD, in Nesterov's form",
    "weight_decay": "decay of the weights of convolutions and linear layers",
    "label_smoothing": "share of the target that is spread over all classes",
    # crop: pad by an eighth, cut out, flip; resized-crop: Szegedy et al. 2015
    "augmentation": "what is done to training images",
    "smallest_crop": "the smallest share of the area that resized-crop takes",
    "side": "pixels at which images are stored and evaluated",
    "side_first": "pixels in training in the first epoch (0: as --side)",
    "side_last": "pixels in training in the last epoch (0: as --side)",
    "recalibration": "training images that measure BatchNorm's statistics again at the end",
    # auto is half precision where the device gains from it
    "precision": "number format of the layers",
    # minutes at the start, and some numbers differ in their last digits
    "compile": "let torch.compile translate the network",
    "seed": "order and augmentation of the images",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """SGD with Nesterov momentum, its schedule, the augmentation and the images' side.

    `HELP` says what each field is. Raises `TrainingError` for a value that is not allowed.
    """

    epochs: int = 20
    batch_size: int = 128
    lr: float = 0.2
    schedule: str = "one-cycle"
    warmup: float = 0.2
    momentum: float = 0.9
    weight_decay: float = 5e-4
    label_smoothing: float = 0.0
    augmentation: str = "crop"
    smallest_crop: float = 0.35
    side: int = 32
    side_first: int = 0
    side_last: int = 0
    recalibration: int = 0
    precision: str = "auto"
    compile: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        for name, choices in CHOICES.items():
            self._check_choice(name, choices)
        for name in ("side_first", "side_last"):
            object.__setattr__(self, name, getattr(self, name) or self.side)
        for name, (low, high) in RANGES.items():
            self._check_range(name, low, high)

    def _check_choice(self, name: str, choices: tuple[str, ...]) -> None:
        value = getattr(self, name)
        if value not in choices:
            raise TrainingError(
                "{name} must be one of {choices}, got {value!r}.",
                name=name,
                choices=", ".join(choices),
                value=value,
            )

    def _check_range(self, name: str, low: float, high: float) -> None:
        value = getattr(self, name)
        if not low <= value <= high:
            raise TrainingError(
                "{name} must be from {low} to {high}, got {value}.",
                name=name,
                low=low,
                high=high,
                value=value,
            )

    def train_side(self, epoch: int) -> int:
        """Compute the training side of an epoch: early epochs are small and fast."""
        if self.side_first == self.side_last:
            return self.side_first
        share = epoch / max(1, self.epochs - 1)
        side = self.side_first + share * (self.side_last - self.side_first)
        # in steps of 16 pixels: what networks halve four times stays even
        return max(16, round(side / 16) * 16)

    def as_dict(self) -> dict[str, int | float | str]:
        """Plain values, as stored beside weights."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "TrainConfig":
        """The inverse of `as_dict`; what is missing is as usual. Raises `TrainingError`."""
        from resviz.training.strict import checked

        try:
            config = checked(_schema(), values)
        except ValueError as reason:
            raise TrainingError(
                "config.json tells no training that resviz knows ({reason}); start it anew.",
                reason=reason,
            ) from None
        return cls(**config.model_dump())


@functools.cache
def _schema() -> "type[BaseModel]":
    # lazily: the command line asks for the names of the fields alone, in a hundredth of the time
    from resviz.training.strict import schema_of

    return schema_of(TrainConfig)


@dataclass(frozen=True, slots=True)
class Recipe:
    """What trained a bundled model."""

    model: str
    config: TrainConfig


_DIGITS = TrainConfig(epochs=20, batch_size=64, lr=0.1, side=8, augmentation="none")
RECIPES = {
    "imagenette": Recipe(
        "new/residual-18?stem=imagenet&classes=10&init=zero-gamma",
        TrainConfig(
            epochs=30,
            batch_size=64,
            lr=0.1,
            label_smoothing=0.1,
            augmentation="resized-crop",
            side=128,
            side_first=80,
            side_last=112,
            recalibration=4000,
        ),
    ),
    "digits": Recipe("new/residual-20", _DIGITS),
    "digits-plain": Recipe("new/plain-20", _DIGITS),
    "cifar10": Recipe("new/residual-20", TrainConfig(epochs=24, batch_size=128, lr=0.3)),
}


def recipe(name: str) -> Recipe:
    """The recipe of that name; raises `TrainingError` naming the choices."""
    if name not in RECIPES:
        raise TrainingError(
            "There is no recipe {name!r}; choose from {recipes}.",
            name=name,
            recipes=", ".join(RECIPES),
        )
    return RECIPES[name]
