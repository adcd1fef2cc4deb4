"""A small run, written step by step: every number of it is known."""

from pathlib import Path

from resviz.training.events import EpochEnd, Evaluation, Step
from resviz.training.runs.writer import RunWriter
from resviz.training.schema import BLOCKS, QUANTITIES, WEIGHTED

LAYERS = {
    "weighted": [("conv1", "Conv2d"), ("layer1.0.conv1", "Conv2d"), ("fc", "Linear")],
    "block": [("layer1.0", "Residual")],
    "residual": [("layer1.0", "Residual")],
    "batchnorm": [("bn1", "BatchNorm2d"), ("layer1.0.bn1", "BatchNorm2d")],
}


def step(i: int) -> Step:
    """Every number of a step is a function of its index."""
    norms = {
        q: tuple(i + 10.0 * k for k in range(len(LAYERS[QUANTITIES[q]])))
        for q in (*WEIGHTED, *BLOCKS)
    }
    if i % 10 == 0:
        norms |= {"bn_gamma": (i / 2, i / 4)}
    return Step(i, 1000, i // 50, 1 / (i + 1), i / 1000, 0.1, 0.01, norms)


def write(folder: Path, steps: range, **notes: object) -> None:
    """Record these steps and the end of an epoch."""
    notes = {"model": "new/plain-8", **notes}
    with RunWriter(folder) as writer:
        writer.layers(LAYERS)
        writer.note(**{"status": "finished", "batchnorm_every": 10, "steps": 1000, **notes})
        for i in steps:
            writer.step(step(i))
        writer.epoch(EpochEnd(0, 0.4, 0.8, Evaluation(0.3, 0.9, (1.0,))))
