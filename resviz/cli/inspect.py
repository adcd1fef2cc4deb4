"""Look inside one network: models, predict, layers, features, attribute."""

import argparse
from dataclasses import asdict
from typing import Any

from resviz.cli.output import Result, counter, write
from resviz.cli.parsing import add, load, subject, whole, with_image, with_model, with_out
from resviz.errors import ResvizError

MAX_SIZE = 4096  # pixels
METHODS = "grad-cam, guided-grad-cam, saliency, integrated-gradients or occlusion"  # without importing torch


def models(options: argparse.Namespace) -> Result:
    """List the models that can be named."""
    from resviz.models import zoo

    kept = ("name", "family", "parameters", "classes", "input_size", "offline")
    return {"models": [{key: getattr(info, key) for key in kept} for info in zoo.catalogue()]}


def predict(options: argparse.Namespace) -> Result:
    """Name what is in a picture."""
    from resviz.probes.core.prediction import predict as probe

    loaded, shown, x = subject(options)
    answer = probe(loaded.model, x, loaded.labels, options.top)
    top = [asdict(guess) for guess in answer.top]
    return {"model": loaded.name, "top": top, "notes": [*loaded.notes, *shown.notes]}


def layers(options: argparse.Namespace) -> Result:
    """List a network's layers with shapes, parameters and multiply-adds."""
    from resviz.probes.core.layers import layers as probe

    loaded = load(options.model)
    size = options.size or loaded.input_size
    try:
        found = probe(loaded.model, size)
    except (
        RuntimeError,
        ValueError,
        AssertionError,
    ):  # what torch says where the input does not fit
        raise ResvizError(
            "{name} cannot take {size} x {size} pixels; choose another --size.",
            name=loaded.name,
            size=size,
        ) from None
    kept = ("name", "kind", "output_shape", "parameters", "macs")
    records = [{key: getattr(layer, key) for key in kept} for layer in found]
    return {"model": loaded.name, "input_size": size, "layers": records}


def features(options: argparse.Namespace) -> Result:
    """Write all channels of a layer as an array and as a picture."""
    import numpy as np

    from resviz.figures.raster import mosaic_png
    from resviz.probes.feature_maps.activations import activations

    loaded, _shown, x = subject(options)
    found = activations(loaded.model, x, [options.layer])[options.layer]
    columns = max(1, round(len(found.values) ** 0.5))
    files = [
        write(options.out, f"{options.layer}.npy", lambda path: np.save(path, found.values)),
        write(
            options.out,
            f"{options.layer}.png",
            lambda path: path.write_bytes(mosaic_png(found.values, columns, False)),
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
    from resviz.probes.attribution.methods import attribute as probe
    from resviz.probes.core.prediction import predict as top

    loaded, shown, x = subject(options)
    target = (
        options.target
        if options.target is not None
        else top(loaded.model, x, loaded.labels).top[0].index
    )
    found = probe(loaded.model, x, options.method, target, options.layer, counter(options.method))
    name = "-".join(filter(None, (found.method, found.layer, str(target))))
    photo = loaded.preprocess.view(shown.image)
    files = [
        write(options.out, f"{name}.npy", lambda path: np.save(path, found.map)),
        write(
            options.out,
            f"{name}.png",
            lambda path: path.write_bytes(overlay_png(photo, found.map, 0.7)),
        ),
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


def add_to(commands: Any) -> None:
    """Add the commands of this module to the parser."""
    add(commands, models)
    command = with_model(with_image(add(commands, predict)))
    command.add_argument(
        "--top",
        type=whole(1, 100_000),
        default=5,
        metavar="N",
        help="how many classes (default: 5)",
    )
    command = with_model(add(commands, layers))
    command.add_argument(
        "--size",
        type=whole(1, MAX_SIZE),
        metavar="PX",
        help="side of the input in pixels (default: the model's own)",
    )
    command = with_out(with_model(with_image(add(commands, features))))
    command.add_argument("--layer", required=True, metavar="L", help="a name that `layers` lists")
    command = with_out(with_model(with_image(add(commands, attribute))))
    command.add_argument(
        "--method", default="grad-cam", metavar="NAME", help=f"{METHODS} (default: %(default)s)"
    )
    command.add_argument(
        "--layer",
        metavar="L",
        help="for methods that look at one (default: the last block with a map)",
    )
    command.add_argument(
        "--target", type=int, metavar="N", help="class number (default: the likeliest)"
    )
