"""What runs recorded of their gradients: which there are, one quantity by step and layer."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from resviz.models.spec import ModelSpec
from resviz.training.runs import reader
from resviz.training.runs.reader import RunInfo
from resviz.ui.services.run_names import run_title, spec_of

COLUMNS = 300  # steps drawn; a screen has no more room
QUANTITIES = ("weight_gradient", "block_gradient", "update_ratio", "activation_deviation")
CLASSIFIER = "fc"  # in all our networks
GATE = ".gate"  # ends the name of a convolution that only weighs the signal
TWINS = ("plain", "residual")


@dataclass(frozen=True, slots=True)
class Recorded:
    """What one run recorded of a quantity: values (steps, layers)."""

    info: RunInfo
    steps: np.ndarray
    values: np.ndarray
    layers: tuple[str, ...]

    @property
    def title(self) -> str:
        """The run's network and its data."""
        return f"{run_title(self.info)} · {self.info.dataset}"

    def nearest(self, step: int) -> int:
        """Index of the recorded step that is nearest."""
        return int(np.abs(self.steps - step).argmin())

    def ends(self, values: np.ndarray) -> tuple[float, float] | None:
        """Values at the first and the last layer that have some, None where there are not two.

        Gates are left out: they weigh the signal, which does not pass them.
        """
        compared = np.array([not name.endswith(GATE) for name in self.layers])
        active = values[compared & np.isfinite(values) & (values > 0)]
        return (float(active[0]), float(active[-1])) if len(active) > 1 else None


def known_runs() -> dict[str, RunInfo]:
    """Runs that have recorded more than one step, the newest first."""
    return {info.id: info for info in reader.runs() if info.step > 1}


def recorded(info: RunInfo, quantity: str) -> Recorded:
    """One quantity of a run, without the classifier, whose gradient stands apart."""
    run = reader.read(info.id)
    steps, values = run.norms(quantity, COLUMNS)
    layers = run.layers(quantity)
    columns = [i for i, name in enumerate(layers) if name != CLASSIFIER]
    return Recorded(info, steps, values[:, columns], tuple(layers[i] for i in columns))


def twins(known: Mapping[str, RunInfo]) -> list[str]:
    """The newest two runs, plain and residual, that differ in nothing else."""
    pairs: dict[tuple[str, str, ModelSpec], dict[str, str]] = {}
    for name, info in known.items():
        spec = spec_of(info)
        setting = info.group, info.dataset, replace(spec, family="residual")
        pair = pairs.setdefault(setting, {})
        if spec.family in TWINS:
            pair.setdefault(spec.family, name)
        if len(pair) == len(TWINS):
            return [pair[family] for family in TWINS]
    return []
