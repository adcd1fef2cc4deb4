"""Every capability without a browser, with the same numbers. `python -m resviz COMMAND --help` explains each.

With `--json` a command prints one JSON object and nothing else on standard output. A refusal exits with status 2 and
one line on standard error that starts with `resviz: `.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from resviz import __version__
from resviz.errors import ResvizError

if TYPE_CHECKING:
    from torch import Tensor

    from resviz.data.images import Picture
    from resviz.models.zoo import LoadedModel

Result = dict[str, Any]
REFUSED, STOPPED = 2, 130
CLEAR = "\r\033[K"  # back to the start of a terminal's line, and empty it
MAX_SIZE = 4096  # pixels
METHODS = "grad-cam, guided-grad-cam, saliency, integrated-gradients or occlusion"  # without importing torch
EXAMPLE = "example: python -m resviz predict photo.jpg --model bundled/resnet18-imagenette"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    try:
        options = _parser().parse_args(arguments)
        result: Result = options.command(options)
        _print(_as_json(result) if options.json else _as_text(result))
    except ResvizError as refusal:
        _say(" ".join(str(refusal).split()))
        return REFUSED
    except KeyboardInterrupt:
        _say("stopped.")
        return STOPPED
    return 0


def models(options: argparse.Namespace) -> Result:
    """List the models that can be named."""
    from resviz.models import zoo

    kept = ("name", "family", "parameters", "classes", "input_size", "offline")
    return {"models": [{key: getattr(info, key) for key in kept} for info in zoo.catalogue()]}


def predict(options: argparse.Namespace) -> Result:
    """Name what is in a picture."""
    from resviz.probes.prediction import predict as probe

    loaded, _shown, x = _subject(options)
    answer = probe(loaded.model, x, loaded.labels, options.top)
    return {"model": loaded.name, "top": [asdict(guess) for guess in answer.top]}


def layers(options: argparse.Namespace) -> Result:
    """List a network's layers with shapes, parameters and multiply-adds."""
    from resviz.probes.architecture import layers as probe

    loaded = _load(options.model)
    size = options.size or loaded.input_size
    try:
        found = probe(loaded.model, size)
    except (RuntimeError, ValueError, AssertionError):  # what torch says where the input does not fit
        raise ResvizError(f"{loaded.name} cannot take {size} x {size} pixels; choose another --size.") from None
    kept = ("name", "kind", "output_shape", "parameters", "macs")
    records = [{key: getattr(layer, key) for key in kept} for layer in found]
    return {"model": loaded.name, "input_size": size, "layers": records}


def features(options: argparse.Namespace) -> Result:
    """Write all channels of a layer as an array and as a picture."""
    import numpy as np

    from resviz.figures.raster import mosaic_png
    from resviz.probes.activations import activations

    loaded, _shown, x = _subject(options)
    found = activations(loaded.model, x, [options.layer])[options.layer]
    columns = max(1, round(len(found.values) ** 0.5))
    files = [
        _write(options.out, f"{options.layer}.npy", lambda path: np.save(path, found.values)),
        _write(
            options.out, f"{options.layer}.png", lambda path: path.write_bytes(mosaic_png(found.values, columns, False))
        ),
    ]
    return {
        "model": loaded.name,
        "layer": options.layer,
        "shape": found.values.shape,
        "dead_channels": [int(c) for c in found.dead],
        "files": files,
    }


def attribute(options: argparse.Namespace) -> Result:
    """Write a map of the places that speak for a class."""
    import numpy as np

    from resviz.figures.raster import overlay_png
    from resviz.probes.attribution import METHODS, last_spatial
    from resviz.probes.attribution import attribute as probe
    from resviz.probes.prediction import predict as top

    loaded, shown, x = _subject(options)
    target = options.target if options.target is not None else top(loaded.model, x, loaded.labels).top[0].index
    needs_layer = options.method not in METHODS or METHODS[options.method].needs_layer
    layer = (options.layer or last_spatial(loaded.model, loaded.input_size)) if needs_layer else None
    found = probe(loaded.model, x, options.method, target, layer, _counter(options.method))
    name = "-".join(filter(None, (found.method, found.layer, str(target))))
    photo = loaded.preprocess.view(shown.image)
    files = [
        _write(options.out, f"{name}.npy", lambda path: np.save(path, found.map)),
        _write(options.out, f"{name}.png", lambda path: path.write_bytes(overlay_png(photo, found.map, 0.7))),
    ]
    return {
        "model": loaded.name,
        "method": found.method,
        "layer": found.layer,
        "target": target,
        "label": loaded.labels[target],
        "probability": found.probability,
        "shape": found.map.shape,
        "files": files,
    }


def receptive_field(options: argparse.Namespace) -> Result:
    """Tell which pixels a unit of a layer can see: size, stride and start of its field."""
    from resviz.probes.receptive_field import receptive_field as probe

    loaded = _load(options.model)
    found = probe(loaded.model, [options.layer] if options.layer else None, loaded.input_size)
    kept = ("name", "size", "stride", "start", "aligned", "whole_image")
    records = [{key: _single(getattr(field, key)) for key in kept} for field in found]
    return {"model": loaded.name, "input_size": loaded.input_size, "layers": records}


def evaluate(options: argparse.Namespace) -> Result:
    """Measure top-1 accuracy on the test split of a dataset."""
    import torch

    from resviz.data import datasets
    from resviz.device import best
    from resviz.training.loop import evaluate as measure

    loaded = _load(options.model)
    data = datasets.load(options.dataset, loaded.input_size, _progress, loaded.preprocess.view, test_only=True)
    split = datasets.with_labels(data, loaded.labels).test
    statistics = torch.tensor(loaded.preprocess.mean), torch.tensor(loaded.preprocess.std)
    device = best()
    start = time.perf_counter()
    found = measure(loaded.model.to(device.type), split, statistics, device, len(loaded.labels))
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
    """Train a network; a recipe brings the settings of a bundled model."""
    from resviz.training.config import Recipe, TrainConfig, recipe
    from resviz.training.fit import fit
    from resviz.training.loop import EpochEnd

    chosen = recipe(options.recipe) if options.recipe else Recipe("new/residual-20", TrainConfig())
    if options.recipe and options.side is not None:
        raise ResvizError("A recipe brings its own side; leave out --side or --recipe.")
    given = {key: value for key in ("epochs", "seed", "side") if (value := getattr(options, key)) is not None}
    config = replace(chosen.config, **given) if options.recipe else TrainConfig(**given)
    folder = Path(options.out) if options.out else None
    run, events = fit(options.model or chosen.model, options.dataset, config, folder, options.threads, _progress)
    last: EpochEnd | None = None
    for event in events:
        if isinstance(event, EpochEnd):
            last = event
            _note(f"epoch {event.epoch + 1}/{config.epochs}: test accuracy {event.test.accuracy:.4f}")
        else:
            _progress((event.step + 1) / event.steps, f"loss {event.loss:.3f}, {event.seconds:.2f} s a step")
    metrics: Result = asdict(last) if last else {}
    if last:
        metrics["test"]["by_class"] = dict(zip(run.data.labels, last.test.by_class, strict=True))
    return {"run": run.name, "status": "finished", "metrics": metrics, "files": [str(run.weights)]}


def _subject(options: argparse.Namespace) -> "tuple[LoadedModel, Picture, Tensor]":
    """Model, picture and the tensor (1, 3, H, W) that the model receives."""
    from resviz.data.images import open_file

    shown = open_file(Path(options.image))
    loaded = _load(options.model)
    return loaded, shown, loaded.preprocess(shown.image)[None]


def _load(name: str) -> "LoadedModel":
    from resviz.models import zoo

    return zoo.load(name, _progress)


def _single(value: object) -> object:
    """One number for height and width where they are the same."""
    return value[0] if isinstance(value, tuple) and len(set(value)) == 1 else value


def _write(folder: str, name: str, write: Callable[[Path], object]) -> str:
    """Write one file into the folder, which is made if need be; a refusal where that cannot be done."""
    path = Path(folder) / name.replace("/", "_")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path)
    except OSError as reason:
        raise ResvizError(f"{path} cannot be written ({reason.strerror or reason}); choose another --out.") from None
    return str(path)


def _progress(share: float, what: str) -> None:
    """One line on standard error that is written over, on a terminal only."""
    if sys.stderr.isatty():
        print(f"{CLEAR}{share:4.0%} {what}", end="", file=sys.stderr, flush=True)


def _counter(what: str) -> Callable[[float], None]:
    return lambda share: _progress(share, what)


def _note(text: str) -> None:
    """A line on standard error that stays, on a terminal only."""
    if sys.stderr.isatty():
        print(f"{CLEAR}{text}", file=sys.stderr, flush=True)


def _say(text: str) -> None:
    """The one line about why there is no result."""
    print(f"{CLEAR if sys.stderr.isatty() else ''}resviz: {text}", file=sys.stderr)


def _print(text: str) -> None:
    """The result; a reader who has seen enough (`| head`) may close the pipe."""
    if sys.stderr.isatty():
        print(CLEAR, end="", file=sys.stderr, flush=True)
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains when it flushes at exit


def _as_json(result: Result) -> str:
    from resviz.training.store import as_json

    return as_json(result)


def _as_text(result: Result) -> str:
    """The same facts for a person: a table for a list of records, `name: value` for the rest."""
    return "\n".join(_lines(result))


def _lines(result: Result, indent: str = "") -> Iterator[str]:
    for key, value in result.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            yield from _table(value)
        elif isinstance(value, dict):
            yield f"{indent}{key}:"
            yield from _lines(value, indent + "  ")
        else:
            yield f"{indent}{key}: {_text(value)}"


def _table(records: list[Result]) -> list[str]:
    rows = [list(records[0]), *([_text(v) for v in record.values()] for record in records)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _text(value: object) -> str:
    """A tuple is a shape, a list an enumeration."""
    match value:
        case None | [] | ():
            return "-"
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.4g}"
        case tuple():
            return "×".join(map(str, value))
        case list():
            return ", ".join(map(str, value))
    return str(value)


class _Parser(argparse.ArgumentParser):
    """Refuses like everything else here, in one line; COMMAND's parsers are of this class too."""

    def error(self, message: str) -> NoReturn:
        raise ResvizError(f"{message}; `python -m {self.prog} --help` explains.")


def _whole(low: int, high: int) -> Callable[[str], int]:
    """A reader of whole numbers in a range."""

    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = low - 1
        if not low <= number <= high:
            raise argparse.ArgumentTypeError(f"must be a whole number from {low} to {high}, got {text}")
        return number

    return read


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="resviz", description="Look inside residual networks.", epilog=EXAMPLE)
    parser.add_argument("--version", action="version", version=f"resviz {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add(commands, models)
    command = _model(_image(_add(commands, predict)))
    command.add_argument("--top", type=_whole(1, 100_000), default=5, metavar="N", help="how many classes (default: 5)")
    command = _model(_add(commands, layers))
    command.add_argument(
        "--size", type=_whole(1, MAX_SIZE), metavar="PX", help="side of the input in pixels (default: the model's own)"
    )
    command = _out(_model(_image(_add(commands, features))))
    command.add_argument("--layer", required=True, metavar="L", help="a name that `layers` lists")
    command = _out(_model(_image(_add(commands, attribute))))
    command.add_argument("--method", default="grad-cam", metavar="NAME", help=f"{METHODS} (default: %(default)s)")
    command.add_argument(
        "--layer", metavar="L", help="for methods that look at one (default: the last block with a map)"
    )
    command.add_argument("--target", type=int, metavar="N", help="class number (default: the likeliest)")
    command = _model(_add(commands, receptive_field))
    command.add_argument("--layer", metavar="L", help="a name that `layers` lists (default: all that give maps)")
    _dataset(_model(_add(commands, evaluate)))
    _train(_dataset(_add(commands, train)))
    return parser


def _train(command: argparse.ArgumentParser) -> None:
    command.add_argument("--recipe", metavar="NAME", help="settings of a bundled model: imagenette or cifar10")
    command.add_argument(
        "--model", metavar="M", help="new/FAMILY-DEPTH?option=value (default: the recipe's, or new/residual-20)"
    )
    command.add_argument("--epochs", type=int, metavar="E", help="times that every image is seen (default: 20)")
    command.add_argument("--seed", type=int, metavar="S", help="order and augmentation of the images (default: 0)")
    command.add_argument("--side", type=int, metavar="PX", help="side of the images (default: 32, or the recipe's)")
    command.add_argument("--threads", type=_whole(1, 1024), metavar="N", help="threads on a CPU (default: torch's)")
    command.add_argument("--out", metavar="DIR", help="folder of the run (default: a new one among the runs)")


def _add(commands: Any, run: Callable[[argparse.Namespace], Result]) -> argparse.ArgumentParser:
    name = run.__name__.replace("_", "-")
    command: argparse.ArgumentParser = commands.add_parser(name, help=run.__doc__, description=run.__doc__)
    command.add_argument("--json", action="store_true", help="print one JSON object")
    command.set_defaults(command=run)
    return command


def _image(command: argparse.ArgumentParser) -> argparse.ArgumentParser:
    command.add_argument("image", metavar="IMAGE", help="a picture file")
    return command


def _model(command: argparse.ArgumentParser) -> argparse.ArgumentParser:
    command.add_argument("--model", required=True, metavar="M", help="a name that `models` lists, new/... or file/PATH")
    return command


def _dataset(command: argparse.ArgumentParser) -> argparse.ArgumentParser:
    command.add_argument("--dataset", required=True, metavar="D", help="folder:PATH of class folders, or a zip of them")
    return command


def _out(command: argparse.ArgumentParser) -> argparse.ArgumentParser:
    command.add_argument("--out", required=True, metavar="DIR", help="folder for the files")
    return command
