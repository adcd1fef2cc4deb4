"""Write a map of the evidence for a class: attribute."""

import argparse
from typing import TYPE_CHECKING, Any

from resviz.cli.output import Result, counter, write
from resviz.cli.parsing import (
    add,
    subject,
    with_image,
    with_layer,
    with_model,
    with_out,
    with_target,
)
from resviz.probes.attribution import METHOD_NAMES

if TYPE_CHECKING:
    from PIL import Image
    from torch import Tensor

    from resviz.models.zoo import LoadedModel
    from resviz.probes.attribution.grad_cam import Attribution

OPACITY = 0.7


def attribute(options: argparse.Namespace) -> Result:
    """Write a map of the places that are evidence for a class."""
    from resviz.probes.attribution.methods import attribute as probe

    loaded, picture, x = subject(options)
    target = _likeliest(loaded, x) if options.target is None else options.target
    progress = counter(options.method)
    result = probe(loaded.model, x, options.method, target, options.layer, progress)
    return {
        "model": loaded.name,
        "method": result.method,
        "layer": result.layer,
        "target": target,
        "label": loaded.labels[target],
        "probability": result.probability,
        "shape": result.map.shape,
        "files": _files(options.out, result, loaded.preprocess.view(picture.image)),
    }


def _likeliest(loaded: "LoadedModel", x: "Tensor") -> int:
    from resviz.probes.core.prediction import predict

    return predict(loaded.model, x, loaded.labels).top[0].index


def _files(folder: str, result: "Attribution", photo: "Image.Image") -> list[str]:
    import numpy as np

    from resviz.figures.raster import overlay_png

    name = "-".join(filter(None, (result.method, result.layer, str(result.target))))
    overlay = overlay_png(photo, result.map, OPACITY)
    return [
        write(folder, f"{name}.npy", lambda path: np.save(path, result.map)),
        write(folder, f"{name}.png", lambda path: path.write_bytes(overlay)),
    ]


def add_to(commands: Any) -> None:
    """Add the command of this module to the parser."""
    command = with_out(with_model(with_image(add(commands, attribute))))
    method = f"one of {', '.join(METHOD_NAMES)} (default: %(default)s)"
    command.add_argument("--method", default="grad-cam", metavar="NAME", help=method)
    with_layer(command, help="for methods that look at one (default: the last block with a map)")
    with_target(command)
