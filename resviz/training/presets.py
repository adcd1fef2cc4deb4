"""Trainings to begin with: several networks, one dataset, one configuration."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from resviz.errors import TrainingError
from resviz.training.config import TrainConfig


@dataclass(frozen=True, slots=True)
class Preset:
    """`families` times `depths` are the networks; `record` as in `record.PRESETS`."""

    families: tuple[str, ...]
    depths: tuple[int, ...]
    dataset: str
    config: TrainConfig
    record: str = "full"


PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        # plain-56 does not get off the ground in this time, residual-56 does
        "race": Preset(
            ("plain", "residual"),
            (56,),
            "digits",
            TrainConfig(epochs=10, batch_size=64, lr=0.1, side=8, augmentation="none"),
        ),
        # He et al. 2015, section 4.2: 64,000 steps of 128 images, a tenth of the rate after one half and three quarters
        "he2015": Preset(
            ("plain", "residual"),
            (20, 56),
            "cifar10",
            TrainConfig(epochs=164, batch_size=128, lr=0.1, schedule="steps", warmup=0.0, weight_decay=1e-4),
        ),
        "quick": Preset(("residual",), (20,), "cifar10", TrainConfig(epochs=24, batch_size=128, lr=0.3), "light"),
    }
)


def preset(name: str) -> Preset:
    """The preset of that name; raises `TrainingError` naming the choices."""
    if name not in PRESETS:
        raise TrainingError(
            "There is no preset {name!r}; choose from {presets}.", name=name, presets=", ".join(PRESETS)
        )
    return PRESETS[name]
