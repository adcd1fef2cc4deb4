"""From names to a finished run: load the data, build the network, train it, keep what is learnt."""

import time
from collections.abc import Iterator
from pathlib import Path

import torch

from resviz.data import datasets
from resviz.device import best
from resviz.errors import DataError, SpecError
from resviz.models.resnet import build
from resviz.models.spec import ModelSpec
from resviz.training.config import TrainConfig
from resviz.training.loop import EpochEnd, Step, evaluate, train
from resviz.training.store import Run, new_folder, statistics


def fit(
    model: str,
    dataset: str,
    config: TrainConfig,
    folder: Path | None = None,
    threads: int | None = None,
    progress: datasets.Progress = lambda share, what: None,
) -> tuple[Run, Iterator[Step | EpochEnd]]:
    """The run and its events; iterate to train. Weights are saved after each epoch, so a stop loses at most one.

    Raises `SpecError` for a model that is not `new/...` or has another number of classes, `DataError` for the data.
    """
    if not model.startswith("new/"):
        raise SpecError(f"only a new network can be trained, such as new/residual-20, got {model!r}")
    spec = ModelSpec.parse(model.removeprefix("new/"))
    data = datasets.load(dataset, config.side, progress)
    if spec.classes != len(data.labels):
        raise SpecError(
            f"{data.name} has {len(data.labels)} classes: add classes={len(data.labels)} to the model's name"
        )
    _check_trainable(data)
    if threads:
        torch.set_num_threads(threads)
    run = Run(folder or new_folder(spec), spec, config, data)
    return run, _events(run)


def _check_trainable(data: datasets.Dataset) -> None:
    known = set(data.train.targets.tolist())
    absent = [label for i, label in enumerate(data.labels) if i not in known]
    if absent:
        raise DataError(
            f"{data.name} has no training image of {', '.join(absent[:3])}; each class needs some in train/."
        )


def _events(run: Run) -> Iterator[Step | EpochEnd]:
    start = time.perf_counter()
    run.start()
    network, pixels, device = build(run.spec), statistics(run.data), best()
    for event in train(network, run.data, run.config, device, pixels):
        run.log(event)
        if isinstance(event, EpochEnd):
            run.save(network, event.test, time.perf_counter() - start)
        yield event
    final = evaluate(network, run.data.test, pixels, device, len(run.data.labels))  # in float32, as it will be used
    run.save(network, final, time.perf_counter() - start)
