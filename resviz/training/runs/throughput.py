"""How fast a run goes, and how long it will still take."""

from dataclasses import dataclass
from typing import Any

from resviz.training.runs.reader import RunReader

RECENT = 20.0  # seconds over which it is measured


@dataclass(frozen=True, slots=True)
class Throughput:
    """Training images per second and the seconds that are left; None while nothing is known."""

    images_per_second: float | None
    seconds_left: float | None


UNKNOWN = Throughput(None, None)


def throughput(run: RunReader) -> Throughput:
    """Measure the last seconds since a run was asked for or resumed, the test split included."""
    scalars, info = run.scalars(), run.info()
    steps, at = scalars["step"], scalars["at"]
    if not len(at):
        return UNKNOWN
    # steps from before a pause say nothing about now
    is_recent = at >= max(at[-1] - RECENT, info.place)
    if not is_recent.any() or at[is_recent][0] == at[-1]:
        return UNKNOWN
    seconds = at[-1] - at[is_recent][0]
    steps_per_second = float((steps[-1] - steps[is_recent][0]) / seconds)
    # steps of a halved batch count as they are: the configuration was written again
    config: dict[str, Any] = run.config.get("config", {})
    batch = int(config.get("batch_size", 0))
    left = (info.steps - info.step) / steps_per_second
    return Throughput(steps_per_second * batch, left)
