"""Train a network, and measure its accuracy."""

import argparse
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resviz.cli.output import Result, note, progress
from resviz.cli.parsing import add, load, whole, with_dataset, with_model, with_out
from resviz.errors import ResvizError
from resviz.training import schema
from resviz.training.config import CHOICES, HELP, RECIPES, TrainConfig, recipe
from resviz.training.presets import PRESETS, changed, config_for, networks_for, preset

if TYPE_CHECKING:
    from resviz.data.datasets import Dataset
    from resviz.training.engine.distributed import Group
    from resviz.training.launch.worker import Events
    from resviz.training.runs.folder import Run

USUAL_MODEL, USUAL_RECORD = "new/residual-20", "light"
# what a run that goes on cannot be given
GIVEN = ("recipe", "preset", "model", "dataset", "threads", "out", "record", *HELP)


def evaluate(options: argparse.Namespace) -> Result:
    """Measure top-1 accuracy on the test split of a dataset."""
    import torch

    from resviz.data import datasets
    from resviz.device import best
    from resviz.training.engine.evaluation import evaluate as measure

    loaded = load(options.model)
    labels = _labels(options.labels, loaded.labels)
    view = loaded.preprocess.view
    data = datasets.load(options.dataset, loaded.input_size, progress, view, test_only=True)
    split = datasets.with_labels(data, labels).test
    statistics = torch.tensor(loaded.preprocess.mean), torch.tensor(loaded.preprocess.std)
    start = time.perf_counter()
    result = measure(loaded.model, split, statistics, best(), len(labels))
    return {
        "model": loaded.name,
        "dataset": options.dataset,
        "images": len(split),
        "accuracy": result.accuracy,
        "loss": result.loss,
        "by_class": dict(zip(labels, result.by_class, strict=False)),
        "seconds": time.perf_counter() - start,
        **_left_out(data),
    }


def train(options: argparse.Namespace) -> Result:
    """Train a network, or go on with a run; a recipe brings the settings of a bundled model."""
    from resviz.training.engine.distributed import joined

    with joined() as group:
        results = [_trained(run, events, group) for run, events in _runs(options, group)]
        if not group.first:
            raise SystemExit(0)  # without a result: the first process prints it
    return results[0] if len(results) == 1 else {"preset": options.preset, "runs": results}


def _labels(path: str | None, own: tuple[str, ...]) -> tuple[str, ...]:
    """The classes of the model in their order: those of a file, one a line, or its own."""
    if path is None:
        return own
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as reason:
        raise ResvizError(
            "{path} cannot be read ({reason}); give a text file with one label a line.",
            path=path,
            reason=getattr(reason, "strerror", None) or "it is no text",
        ) from None
    labels = tuple(line.strip() for line in lines if line.strip())
    if len(labels) != len(own):
        raise ResvizError(
            "{path} has {count} labels, and the model has {classes} classes; give one a line.",
            path=path,
            count=len(labels),
            classes=len(own),
        )
    return labels


def _left_out(data: "Dataset") -> Result:
    """The files that were no pictures, where there are any."""
    return {"left_out": data.left_out()} if data.skipped else {}


def _trained(run: "Run", events: "Events", group: "Group") -> Result:
    from resviz.training.events import EpochEnd
    from resviz.training.launch import queue
    from resviz.training.runs.reader import RunReader

    last: EpochEnd | None = None
    for event in events:
        if group.first:
            _say(event, run.config.epochs)
        last = event if isinstance(event, EpochEnd) else last
    if queue.LOCK_VARIABLE in os.environ:
        queue.admit()
    metrics: Result = asdict(last) if last else {}
    if last:
        metrics["test"]["by_class"] = dict(zip(run.data.labels, last.test.by_class, strict=True))
    return {
        "run": run.name,
        "status": RunReader(run.folder).status,
        "metrics": metrics,
        "files": [str(run.weights)],
        **_left_out(run.data),
    }


def _say(event: Any, epochs: int) -> None:
    """Say on a terminal how far the training is."""
    from resviz.training.events import EpochEnd

    if isinstance(event, EpochEnd):
        accuracy = event.test.accuracy
        note(f"epoch {event.epoch + 1}/{epochs}: test accuracy {accuracy:.4f}")
    else:
        share = (event.step + 1) / event.steps
        progress(share, f"loss {event.loss:.3f}, {event.seconds:.2f} s a step")


def _runs(options: argparse.Namespace, group: "Group") -> "Iterator[tuple[Run, Events]]":
    """The run that goes on, or those that the options ask for, one after the other."""
    if options.run:
        yield _continued(options, group)
        return
    from resviz.training.launch.start import start_run
    from resviz.training.request import MEASURE

    if options.recipe and options.preset:
        raise ResvizError("A recipe and a preset both bring settings; leave out one of them.")
    models, dataset, config, record = _asked(options)
    folder = Path(options.out) if options.out else None
    if folder and len(models) > 1:
        raise ResvizError(
            "The preset {preset} trains {count} networks, which need a folder each; "
            "leave out --out, or choose one with --model.",
            preset=options.preset,
            count=len(models),
        )
    threads = MEASURE if options.threads is None else options.threads
    for model in models:
        yield start_run(model, dataset, config, folder, threads, progress, record, group)


def _asked(options: argparse.Namespace) -> tuple[list[str], str, TrainConfig, str]:
    """Networks, dataset, configuration and what is recorded, by the options."""
    from resviz.data import datasets

    given = {name: getattr(options, name) for name in HELP if getattr(options, name) is not None}
    record = options.record or USUAL_RECORD
    chosen = preset(options.preset) if options.preset else None
    dataset = options.dataset or (chosen.dataset if chosen else None)
    if not dataset:
        raise ResvizError(
            "Say what to train on with --dataset; `python -m resviz train --help` explains."
        )
    if chosen:
        models = [f"new/{spec}" for spec in networks_for(chosen, dataset)]
        config = changed(config_for(chosen, dataset), given)
        record = options.record or chosen.record
    elif options.recipe:
        models, config = _of_recipe(options, given)
    else:
        models, config = [USUAL_MODEL], TrainConfig(**{**datasets.usual(dataset), **given})
    return [options.model] if options.model else models, dataset, config, record


def _of_recipe(options: argparse.Namespace, given: dict[str, Any]) -> tuple[list[str], TrainConfig]:
    if options.side is not None:
        raise ResvizError("A recipe brings its own side; leave out --side or --recipe.")
    chosen = recipe(options.recipe)
    return [chosen.model], replace(chosen.config, **given)


def _continued(options: argparse.Namespace, group: "Group") -> "tuple[Run, Events]":
    """The run of that id; ending a process of the queue becomes the wish to stop."""
    from resviz.training.launch import queue
    from resviz.training.launch.start import resume_run
    from resviz.training.runs import reader

    if more := [name for name in GIVEN if getattr(options, name) is not None]:
        raise ResvizError(
            "A run goes on as it began; leave out --{more} or --run.",
            more=more[0].replace("_", "-"),
        )
    folder = reader.read(options.run).folder
    lock = os.environ.get(queue.LOCK_VARIABLE)
    if lock is None:
        return resume_run(folder, progress, group=group)
    signal.signal(signal.SIGTERM, lambda *_: (folder / schema.STOP).touch())
    return resume_run(folder, progress, int(lock))


def add_to(commands: Any) -> None:
    """Add the commands of this module to the parser."""
    measuring = with_dataset(with_model(add(commands, evaluate)))
    measuring.add_argument(
        "--labels", metavar="FILE", help="the model's classes, one a line (default: its own)"
    )
    command = with_dataset(add(commands, train), required=False)
    recipes, presets = ", ".join(RECIPES), ", ".join(PRESETS)
    command.add_argument("--recipe", metavar="NAME", help=f"settings of a bundled model: {recipes}")
    command.add_argument(
        "--preset", metavar="NAME", help=f"networks, data and settings of the page: {presets}"
    )
    usual = f"new/FAMILY-DEPTH?option=value (default: the recipe's, or {USUAL_MODEL})"
    with_model(command, required=False, help=usual)
    for field in fields(TrainConfig):
        _add_setting(command, field.name, field.type, field.default)
    command.add_argument(
        "--threads", type=whole(1, 1024), metavar="N", help="threads on a CPU (default: measured)"
    )
    folder = "folder of the run, which goes on if it lies there (default: a new one)"
    with_out(command, required=False, help=folder)
    command.add_argument(
        "--record",
        metavar="PRESET",
        help=f"what is recorded: {', '.join(schema.PRESETS)} (default: {USUAL_RECORD})",
    )
    command.add_argument("--run", metavar="ID", help="go on with a run that was stopped or crashed")


def _add_setting(command: argparse.ArgumentParser, name: str, kind: Any, usual: object) -> None:
    """Add an option for a field of `TrainConfig`; the dataset or recipe knows its default."""
    option = f"--{name.replace('_', '-')}"
    if kind is bool:
        command.add_argument(option, action="store_const", const=True, help=HELP[name])
        return
    choices = f": {', '.join(CHOICES[name])}" if name in CHOICES else ""
    metavar = {int: "N", float: "X", str: "NAME"}[kind]
    text = f"{HELP[name]}{choices} (default: {usual})"
    command.add_argument(option, type=kind, metavar=metavar, help=text)
