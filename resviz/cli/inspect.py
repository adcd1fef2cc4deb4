"""Look at one network as a whole: models, predict, layers."""

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from resviz.cli.output import Result
from resviz.cli.parsing import add, load, subject, whole, with_image, with_model
from resviz.errors import ProbeError, ResvizError

if TYPE_CHECKING:
    from resviz.models.zoo import LoadedModel
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
    answer = probe(loaded.model, x, loaded.labels, options.top, options.activation)
    return {
        "model": loaded.name,
        "top": [asdict(guess) for guess in answer.top],
        "activation": answer.activation,
        "notes": [*loaded.notes, *picture.notes],
    }


def layers(options: argparse.Namespace) -> Result:
    """List a network's layers with shapes, parameters and multiply-adds."""
    loaded = load(options.model)
    size = options.size or loaded.input_size
    rows = [_columns(layer, LAYER_COLUMNS) for layer in _layers(loaded, size)]
    total = {count: sum(row[count] for row in rows) for count in ("parameters", "macs")}
    return {"model": loaded.name, "input_size": size, "layers": rows, "total": total}


def _layers(loaded: "LoadedModel", size: int) -> "tuple[Layer, ...]":
    from resviz.probes.core.layers import layers as probe

    try:
        return probe(loaded.model, size)
    except ProbeError:
        raise ResvizError(
            "{name} cannot take {size} x {size} pixels; choose another --size.",
            name=loaded.name,
            size=size,
        ) from None


def _columns(row: Any, names: tuple[str, ...]) -> Result:
    return {name: getattr(row, name) for name in names}


def add_to(commands: Any) -> None:
    """Add the commands of this module to the parser."""
    add(commands, models)
    command = with_model(with_image(add(commands, predict)))
    classes = "how many classes (default: %(default)s)"
    command.add_argument("--top", type=whole(1, 100_000), default=5, metavar="N", help=classes)
    command.add_argument(
        "--activation",
        choices=("softmax", "sigmoid"),
        metavar="NAME",
        help="softmax where classes exclude each other, sigmoid where each is judged alone "
        "(default: sigmoid for a single output, else softmax)",
    )
    command = with_model(add(commands, layers))
    side = "side of the input in pixels (default: the model's own)"
    command.add_argument("--size", type=whole(1, MAX_SIZE), metavar="PX", help=side)
