"""Trainings to begin with: several networks, one dataset, one configuration."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import product
from types import MappingProxyType
from typing import Any

from resviz.errors import TrainingError
from resviz.models.spec import WITHOUT_NORM, ModelSpec
from resviz.training.config import TrainConfig
from resviz.training.request import Request

_CROSSED = ("family", "depth", "norm", "init")


@dataclass(frozen=True, slots=True)
class Preset:
    """The networks are `families` times `depths` times `norms` times `inits`.

    `record`: one of `schema.PRESETS`. `network`: what else the networks have, as options of
    `ModelSpec`.
    """

    families: tuple[str, ...]
    depths: tuple[int, ...]
    dataset: str
    config: TrainConfig
    record: str = "full"
    norms: tuple[str, ...] = ("batch",)
    inits: tuple[str, ...] = ("he",)
    network: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        # plain-56 does not get off the ground in this time, residual-56 does
        "race": Preset(
            ("plain", "residual"),
            (56,),
            "digits",
            TrainConfig(epochs=10, batch_size=64, lr=0.1, side=8, augmentation="none"),
        ),
        # He et al. 2015, section 4.2: 64,000 steps of 128 images, a tenth of the rate after one
        # half and three quarters
        "he2015": Preset(
            ("plain", "residual"),
            (20, 56),
            "cifar10",
            TrainConfig(
                epochs=164, batch_size=128, lr=0.1, schedule="steps", warmup=0.0, weight_decay=1e-4
            ),
        ),
        "quick": Preset(
            ("residual",), (20,), "cifar10", TrainConfig(epochs=24, batch_size=128, lr=0.3), "light"
        ),
    }
)


def preset(name: str) -> Preset:
    """The preset of that name; raises `TrainingError` naming the choices."""
    if name not in PRESETS:
        raise TrainingError(
            "There is no preset {name!r}; choose from {choices}.",
            name=name,
            choices=", ".join(PRESETS),
        )
    return PRESETS[name]


def preset_of(request: Request) -> Preset:
    """The preset that repeats a run which was asked for like this."""
    spec = request.spec()
    rest = {name: value for name, value in spec.as_dict().items() if name not in _CROSSED}
    return Preset(
        families=(spec.family,),
        depths=(spec.depth,),
        dataset=request.dataset,
        config=request.config,
        record=request.record,
        norms=(spec.norm,),
        inits=(spec.init,),
        network=rest,
    )


def networks(
    families: Iterable[str],
    depths: Iterable[int],
    norms: Iterable[str],
    inits: Iterable[str],
    rest: Mapping[str, Any],
) -> tuple[ModelSpec, ...]:
    """Combine all choices, each network once. Raises `SpecError`."""
    specs = []
    for depth, norm, init, family in product(depths, norms, inits, families):
        # a family made to do without normalisation has none, whatever is chosen
        own_norm = "none" if family in WITHOUT_NORM else norm
        specs.append(ModelSpec(family=family, depth=depth, norm=own_norm, init=init, **rest))
    return tuple(dict.fromkeys(specs))


def networks_for(preset: Preset, dataset: str) -> tuple[ModelSpec, ...]:
    """The networks of a preset, with as many classes as a dataset has. Raises `SpecError`."""
    from resviz.data.builtin import KNOWN  # lazily: a parser of arguments wants names alone

    options = dict(preset.network)
    if dataset in KNOWN:
        options["classes"] = KNOWN[dataset].classes
    return networks(preset.families, preset.depths, preset.norms, preset.inits, options)


def config_for(preset: Preset, dataset: str) -> TrainConfig:
    """The configuration of a preset, as it suits the pictures of a dataset."""
    from resviz.data.builtin import KNOWN

    if dataset == preset.dataset or dataset not in KNOWN:
        return preset.config
    known = KNOWN[dataset]
    # what no dataset says otherwise suits photos: cut out and flipped
    return changed(preset.config, {"side": known.side, "augmentation": "crop", **known.usual})


def changed(config: TrainConfig, changes: Mapping[str, Any]) -> TrainConfig:
    """A configuration with some other values; another side is that of all epochs."""
    sides = {"side_first": 0, "side_last": 0} if "side" in changes else {}
    return replace(config, **{**sides, **changes})
