"""Look inside one network: models, predict, layers, features, attribute."""

import argparse
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resviz.cli.output import Result, counter, write
from resviz.cli.parsing import add, load, subject, whole, with_image, with_model, with_out
from resviz.errors import ResvizError
from resviz.probes.attribution import METHOD_NAMES

if TYPE_CHECKING:
    from numpy import ndarray

    from resviz.probes.core.layers import Layer

MAX_SIZE = 4096  # pixels
MODEL_COLUMNS = ("name", "family", "parameters", "classes", "input_size", "offline")
LAYER_COLUMNS = ("name", "kind", "output_shape", "parameters", "macs")


def models(options: argparse.Namespace) -> Result:
    """List the models that can be named."""
    from resviz.models import zoo

    return {"models": [_columns(info, MODEL_COLUMNS) for info in zoo.catalogue()]}


def predict(options: argparse.Namespace) -> Result:
    """Name what is in a picture."""
    from resviz.probes.core.prediction import predict as probe

    loaded, picture, x = subject(options)
    answer = probe(loaded.model, x, loaded.labels, options.top)
    top = [asdict(guess) for guess in answer.top]
    return {"model": loaded.name, "top": top, "notes": [*loaded.notes, *picture.notes]}


def layers(options: argparse.Namespace) -> Result:
    """List a network's layers with shapes, parameters and multiply-adds."""
    loaded = load(options.model)
    size = options.size or loaded.input_size
    rows = [_columns(layer, LAYER_COLUMNS) for layer in _layers(loaded, size)]
    total = {count: sum(row[count] for row in rows) for count in ("parameters", "macs")}
    return {"model": loaded.name, "input_size": size, "layers": rows, "total": total}


def _layers(loaded: Any, size: int) -> "tuple[Layer, ...]":
    from resviz.probes.core.layers import layers as probe

    try:
        return probe(loaded.model, size)
    except (RuntimeError, ValueError, AssertionError):
        # What torch says where the input does not fit is no sentence for a person.
        raise ResvizError(
            "{name} cannot take {size} x {size} pixels; choose another --size.",
            name=loaded.name,
            size=size,
        ) from None


def features(options: argparse.Namespace) -> Result:
    """Write all channels of a layer as an array and as a picture."""
    from resviz.figures.raster import mosaic_png
    from resviz.probes.feature_maps.activations import activations

    loaded, _picture, x = subject(options)
    activation = activations(loaded.model, x, [options.layer])[options.layer]
    columns = max(1, round(len(activation.values) ** 0.5))
    mosaic = mosaic_png(activation.values, columns, shared=False)
    return {
        "model": loaded.name,
        "layer": options.layer,
        "shape": activation.shape,
        "dead_channels": activation.dead.tolist(),
        "files": _write_both(options.out, options.layer, activation.values, mosaic),
    }


def attribute(options: argparse.Namespace) -> Result:
    """Write a map of the places that are evidence for a class."""
    from resviz.figures.raster import overlay_png
    from resviz.probes.attribution.methods import attribute as probe

    loaded, picture, x = subject(options)
    target = options.target
    if target is None:
        target = _likeliest(loaded, x)
    progress = counter(options.method)
    result = probe(loaded.model, x, options.method, target, options.layer, progress)
    name = "-".join(filter(None, (result.method, result.layer, str(target))))
    overlay = overlay_png(loaded.preprocess.view(picture.image), result.map, 0.7)
    return {
        "model": loaded.name,
        "method": result.method,
        "layer": result.layer,
        "target": target,
        "label": loaded.labels[target],
        "probability": result.probability,
        "shape": result.map.shape,
        "files": _write_both(options.out, name, result.map, overlay),
    }


def _likeliest(loaded: Any, x: Any) -> int:
    from resviz.probes.core.prediction import predict as probe

    return probe(loaded.model, x, loaded.labels).top[0].index


def _write_both(folder: str, name: str, values: "ndarray", picture: bytes) -> list[str]:
    """Write the numbers and their picture; returns the paths."""
    import numpy as np

    files: dict[str, Callable[[Path], object]] = {
        f"{name}.npy": lambda path: np.save(path, values),
        f"{name}.png": lambda path: path.write_bytes(picture),
    }
    return [write(folder, file, save) for file, save in files.items()]


def _columns(row: Any, names: tuple[str, ...]) -> Result:
    return {name: getattr(row, name) for name in names}


def add_to(commands: Any) -> None:
    """Add the commands of this module to the parser."""
    add(commands, models)
    _add_predict(commands)
    _add_layers(commands)
    command = with_out(with_model(with_image(add(commands, features))))
    command.add_argument("--layer", required=True, metavar="L", help="a name that `layers` lists")
    _add_attribute(commands)


def _add_predict(commands: Any) -> None:
    command = with_model(with_image(add(commands, predict)))
    command.add_argument(
        "--top",
        type=whole(1, 100_000),
        default=5,
        metavar="N",
        help="how many classes (default: 5)",
    )


def _add_layers(commands: Any) -> None:
    command = with_model(add(commands, layers))
    command.add_argument(
        "--size",
        type=whole(1, MAX_SIZE),
        metavar="PX",
        help="side of the input in pixels (default: the model's own)",
    )


def _add_attribute(commands: Any) -> None:
    command = with_out(with_model(with_image(add(commands, attribute))))
    command.add_argument(
        "--method",
        default="grad-cam",
        metavar="NAME",
        help=f"one of {', '.join(METHOD_NAMES)} (default: %(default)s)",
    )
    command.add_argument(
        "--layer",
        metavar="L",
        help="for methods that look at one (default: the last block with a map)",
    )
    command.add_argument(
        "--target",
        type=int,
        metavar="N",
        help="number of the class (default: the likeliest)",
    )
