"""Train a network and measure how often it is right."""

import argparse
import os
import signal
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resviz.cli.output import Result, note, progress
from resviz.cli.parsing import add, load, whole, with_dataset, with_model, with_out
from resviz.errors import ResvizError

if TYPE_CHECKING:
    from resviz.training.engine.distributed import Group
    from resviz.training.launch.worker import Events
    from resviz.training.runs.folder import Run

GIVEN = (
    "recipe",
    "model",
    "dataset",
    "epochs",
    "batch_size",
    "seed",
    "side",
    "threads",
    "out",
    "record",
    "compile",
)


def evaluate(options: argparse.Namespace) -> Result:
    """Measure top-1 accuracy on the test split of a dataset."""
    import torch

    from resviz.data import datasets
    from resviz.device import best
    from resviz.training.engine.evaluation import evaluate as measure

    loaded = load(options.model)
    data = datasets.load(
        options.dataset, loaded.input_size, progress, loaded.preprocess.view, test_only=True
    )
    split = datasets.with_labels(data, loaded.labels).test
    statistics = torch.tensor(loaded.preprocess.mean), torch.tensor(loaded.preprocess.std)
    device = best()
    start = time.perf_counter()
    found = measure(loaded.model, split, statistics, device, len(loaded.labels))
    return {
        "model": loaded.name,
        "dataset": options.dataset,
        "images": len(split),
        "accuracy": found.accuracy,
        "loss": found.loss,
        "by_class": dict(zip(loaded.labels, found.by_class, strict=False)),
        "seconds": time.perf_counter() - start,
    }


def train(options: argparse.Namespace) -> Result:
    """Train a network, or go on with a run; a recipe brings the settings of a bundled model."""
    from resviz.training.engine.distributed import joined

    with joined() as group:
        if group.first:
            return _trained(options, group)
        _trained(options, group)
        raise SystemExit(0)  # without a result: the first process prints it


def _trained(options: argparse.Namespace, group: "Group") -> Result:
    from resviz.training.events import EpochEnd
    from resviz.training.launch import queue
    from resviz.training.runs.reader import RunReader

    launched = queue.LOCK_VARIABLE in os.environ
    run, events = _continued(options, group) if options.run else _begun(options, group)
    last: EpochEnd | None = None
    for event in events:
        if not group.first:
            continue
        if isinstance(event, EpochEnd):
            last = event
            note(
                f"epoch {event.epoch + 1}/{run.config.epochs}: test accuracy {event.test.accuracy:.4f}"
            )
        else:
            progress(
                (event.step + 1) / event.steps,
                f"loss {event.loss:.3f}, {event.seconds:.2f} s a step",
            )
    if launched:
        queue.admit()
    metrics: Result = asdict(last) if last else {}
    if last:
        metrics["test"]["by_class"] = dict(zip(run.data.labels, last.test.by_class, strict=True))
    return {
        "run": run.name,
        "status": RunReader(run.folder).status,
        "metrics": metrics,
        "files": [str(run.weights)],
    }


def _begun(options: argparse.Namespace, group: "Group") -> "tuple[Run, Events]":
    """A new run by the options."""
    from resviz.data import datasets
    from resviz.training.config import Recipe, TrainConfig, recipe
    from resviz.training.launch.start import start_run
    from resviz.training.request import MEASURE

    if not options.dataset:
        raise ResvizError(
            "Say what to train on with --dataset; `python -m resviz train --help` explains."
        )
    chosen = recipe(options.recipe) if options.recipe else Recipe("new/residual-20", TrainConfig())
    if options.recipe and options.side is not None:
        raise ResvizError("A recipe brings its own side; leave out --side or --recipe.")
    given = {
        key: value
        for key in ("epochs", "batch_size", "seed", "side", "compile")
        if (value := getattr(options, key)) is not None
    }
    usual = datasets.usual(options.dataset)
    config = (
        replace(chosen.config, **given) if options.recipe else TrainConfig(**{**usual, **given})
    )
    folder = Path(options.out) if options.out else None
    model, record = options.model or chosen.model, options.record or "light"
    threads = MEASURE if options.threads is None else options.threads
    return start_run(model, options.dataset, config, folder, threads, progress, record, group)


def _continued(options: argparse.Namespace, group: "Group") -> "tuple[Run, Events]":
    """The run of that id; a termination of the process that `jobs` started becomes the wish to stop."""
    from resviz.training.launch import queue
    from resviz.training.launch.start import resume_run
    from resviz.training.runs import reader
    from resviz.training.schema import STOP

    if more := [name for name in GIVEN if getattr(options, name) is not None]:
        raise ResvizError(
            "A run goes on as it began; leave out --{more} or --run.",
            more=more[0].replace("_", "-"),
        )
    folder = reader.read(options.run).folder
    lock = os.environ.get(queue.LOCK_VARIABLE)
    if lock is None:
        return resume_run(folder, progress, group=group)
    signal.signal(signal.SIGTERM, lambda *_: (folder / STOP).touch())
    return resume_run(folder, progress, int(lock))


def add_to(commands: Any) -> None:
    """Add the commands of this module to the parser."""
    with_dataset(with_model(add(commands, evaluate)))
    command = with_dataset(add(commands, train), required=False)
    command.add_argument(
        "--recipe",
        metavar="NAME",
        help="settings of a bundled model: imagenette, cifar10, digits or digits-plain",
    )
    with_model(
        command,
        required=False,
        help="new/FAMILY-DEPTH?option=value (default: the recipe's, or new/residual-20)",
    )
    command.add_argument(
        "--epochs", type=int, metavar="E", help="times that every image is seen (default: 20)"
    )
    command.add_argument(
        "--batch-size",
        type=int,
        metavar="N",
        help="images in a batch (default: the recipe's, or 128)",
    )
    command.add_argument(
        "--seed", type=int, metavar="S", help="order and augmentation of the images (default: 0)"
    )
    command.add_argument(
        "--side",
        type=int,
        metavar="PX",
        help="side of the images (default: the dataset's or recipe's)",
    )
    command.add_argument(
        "--threads", type=whole(1, 1024), metavar="N", help="threads on a CPU (default: measured)"
    )
    command.add_argument(
        "--compile",
        action="store_const",
        const=True,
        help="let torch.compile translate the network",
    )
    with_out(
        command,
        required=False,
        help="folder of the run, which goes on if it lies there (default: a new one)",
    )
    command.add_argument(
        "--record",
        metavar="PRESET",
        help="off; light: weights and their gradients; full: blocks and BatchNorm too",
    )
    command.add_argument("--run", metavar="ID", help="go on with a run that was stopped or crashed")
