"""How fast a run goes, and how long it will still take."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from resviz.training.runs.reader import RunReader

RECENT = 20.0  # seconds over which it is measured


@dataclass(frozen=True, slots=True)
class Throughput:
    """Training images and the seconds that are left; both None as long as nothing can be said."""

    images_per_second: float | None
    seconds_left: float | None


def throughput(record: RunReader) -> Throughput:
    """The throughput of the last seconds since it was asked for or resumed, measurements on the test split included."""
    scalars, info = record.scalars(), record.info()
    steps, at = scalars["step"], scalars["at"]
    recent = at >= max(at[-1] - RECENT, info.place) if len(at) else np.zeros(0, bool)
    if not recent.any() or at[recent][0] == at[-1]:
        return Throughput(None, None)
    per_second = float((steps[-1] - steps[recent][0]) / (at[-1] - at[recent][0]))
    config: dict[str, Any] = record.config.get("config", {})
    return Throughput(
        per_second * int(config.get("batch_size", 0)), (info.steps - info.step) / per_second
    )
