"""Write the feature maps of a layer: features."""

import argparse
from typing import TYPE_CHECKING, Any

from resviz.cli.output import Result, write
from resviz.cli.parsing import add, subject, with_image, with_layer, with_model, with_out

if TYPE_CHECKING:
    from resviz.probes.feature_maps.activations import Activation


def features(options: argparse.Namespace) -> Result:
    """Write all channels of a layer as an array and as a picture."""
    from resviz.probes.feature_maps.activations import activations

    loaded, _, x = subject(options)
    layer = activations(loaded.model, x, [options.layer])[options.layer]
    return {
        "model": loaded.name,
        "layer": options.layer,
        "shape": layer.shape,
        "dead_channels": layer.dead.tolist(),
        "files": _files(options.out, layer),
    }


def _files(folder: str, layer: "Activation") -> list[str]:
    import numpy as np

    from resviz.figures.raster import mosaic_png

    columns = max(1, round(len(layer.values) ** 0.5))  # about a square
    picture = mosaic_png(layer.values, columns, shared=False)
    return [
        write(folder, f"{layer.layer}.npy", lambda path: np.save(path, layer.values)),
        write(folder, f"{layer.layer}.png", lambda path: path.write_bytes(picture)),
    ]


def add_to(commands: Any) -> None:
    """Add the command of this module to the parser."""
    command = with_out(with_model(with_image(add(commands, features))))
    with_layer(command, required=True)
