"""The feature maps of a layer, and what each residual block adds: features, residual-parts."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resviz.cli.output import Result, write
from resviz.cli.parsing import add, subject, with_image, with_layer, with_model, with_out
from resviz.errors import ResvizError

if TYPE_CHECKING:
    from torch import nn

    from resviz.probes.feature_maps.activations import Activation
    from resviz.probes.feature_maps.residual import ResidualParts


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


def residual_parts(options: argparse.Namespace) -> Result:
    """Tell what shortcut and branch bring to each residual block: x, F(x) and their sum."""
    from resviz.probes.feature_maps.residual import residual_parts as probe

    loaded, _, x = subject(options)
    blocks = [options.layer] if options.layer else _residual_blocks(loaded.model)
    parts = [probe(loaded.model, x, block) for block in blocks]
    result: Result = {"model": loaded.name, "blocks": [_norms(part) for part in parts]}
    if options.out:
        result["files"] = [_maps(options.out, part) for part in parts]
    return result


def _residual_blocks(model: "nn.Module") -> list[str]:
    """The blocks with a shortcut; raises `ResvizError` where there is none."""
    from resviz.models.architectures.blocks import Residual

    names = [name for name, module in model.named_modules() if isinstance(module, Residual)]
    if not names:
        raise ResvizError(
            "This network has no residual blocks; choose one such as new/residual-20."
        )
    return names


def _norms(parts: "ResidualParts") -> Result:
    """L2 norms, and ||F|| / (||x|| + ||F||)."""
    return {
        "block": parts.block,
        "norm_shortcut": parts.norm_shortcut,
        "norm_branch": parts.norm_branch,
        "norm_sum": parts.norm_total,
        "share_branch": parts.share_branch,
    }


def _maps(folder: str, parts: "ResidualParts") -> str:
    import numpy as np

    def save(path: Path) -> None:
        np.savez_compressed(path, shortcut=parts.shortcut, branch=parts.branch, sum=parts.total)

    return write(folder, f"{parts.block}.npz", save)


def add_to(commands: Any) -> None:
    """Add the commands of this module to the parser."""
    command = with_out(with_model(with_image(add(commands, features))))
    with_layer(command, required=True)
    command = with_model(with_image(add(commands, residual_parts)))
    with_layer(command, help="one residual block (default: all of them)")
    with_out(command, required=False, help="folder for the three maps of each block (NPZ)")
