"""Receptive fields: what a unit can see, and what moves it."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resviz.cli.output import Result, counter, progress
from resviz.cli.parsing import add, load, whole, with_dataset, with_layer, with_model
from resviz.errors import ResvizError

if TYPE_CHECKING:
    from torch import Tensor

    from resviz.models.zoo import LoadedModel
    from resviz.probes.receptive_field.effective import EffectiveField
    from resviz.probes.receptive_field.input_size import ImageFit
    from resviz.probes.receptive_field.theoretical import ReceptiveField

FIELDS = ("name", "size", "stride", "start", "aligned", "whole_image", "smallest", "largest")
WHOLE = ("through", "local_size", "local_start")
MEASURED = ("effective_size", "ratio", "width", "deviation")
PHOTO_DRAWS = 16  # random signs where one photo is all there is


def receptive_field(options: argparse.Namespace) -> Result:
    """Tell which pixels a unit of a layer can see: size, stride and start of its field."""
    from resviz.probes.receptive_field.input_size import image_fit
    from resviz.probes.receptive_field.theoretical import receptive_field as probe

    _check(options)
    loaded = load(options.model)
    layers = [options.layer] if options.layer else None
    fields = probe(loaded.model, layers, loaded.input_size)
    records = [_record(field) for field in fields]
    result: Result = {"model": loaded.name, "input_size": loaded.input_size, "layers": records}
    if not options.layer:
        result["fit"] = _fit(image_fit(loaded.model, loaded.input_size))
    if options.effective:
        result["inputs"], effective = _effective(options, loaded)
        for record in records:
            record |= _measured(effective[record["name"]])
    return result


def _check(options: argparse.Namespace) -> None:
    """Raise `ResvizError` for options that do not go together."""
    if options.image and options.dataset:
        raise ResvizError(
            "the effective field is measured on one --image or on a --dataset; leave out one of"
            " them."
        )
    if not options.effective and (options.image or options.dataset or options.inputs):
        raise ResvizError(
            "--image, --dataset and --inputs say what the effective field is measured on: add"
            " --effective."
        )


def _record(field: "ReceptiveField") -> Result:
    """One layer; one number for height and width where they are the same.

    How a unit sees the whole image, and what it sees besides, only where it does.
    """
    names = FIELDS + WHOLE if field.through else FIELDS
    return {name: _single(getattr(field, name)) for name in names}


def _single(value: object) -> object:
    return value[0] if isinstance(value, tuple) and len(set(value)) == 1 else value


def _effective(
    options: argparse.Namespace, loaded: "LoadedModel"
) -> "tuple[str, dict[str, EffectiveField | None]]":
    """What was measured on, in words, and the field of each layer."""
    from resviz.device import best
    from resviz.probes.receptive_field.effective import (
        effective_receptive_field,
        effective_receptive_fields,
    )

    inputs, x = _inputs(options, loaded)
    x = x.to(best().type)
    draws = PHOTO_DRAWS if options.image else 1
    if options.layer:
        field = effective_receptive_field(loaded.model, x, options.layer, draws=draws)
        return inputs, {options.layer: field}
    counted = counter("effective fields")
    return inputs, effective_receptive_fields(loaded.model, x, draws=draws, progress=counted)


def _inputs(options: argparse.Namespace, loaded: "LoadedModel") -> "tuple[str, Tensor]":
    """What the effective field is measured on, in words and as a batch."""
    from resviz.data.images import open_file
    from resviz.probes.receptive_field.effective import INPUTS, noise

    count = options.inputs or INPUTS
    if options.image:
        picture = open_file(Path(options.image))
        return options.image, loaded.preprocess(picture.image)[None]
    if options.dataset:
        return options.dataset, _pictures(options.dataset, loaded, count)
    return f"{count} pictures of noise", noise(count, loaded.input_size)


def _pictures(dataset: str, loaded: "LoadedModel", count: int) -> "Tensor":
    """So many pictures of the test split, evenly over its classes."""
    import torch

    from resviz.data import datasets

    view = loaded.preprocess.view
    split = datasets.load(dataset, loaded.input_size, progress, view, test_only=True).test
    count = min(count, len(split))
    evenly = torch.arange(count) * len(split) // count
    return loaded.normalise(split.images[evenly])


def _measured(field: "EffectiveField | None") -> Result:
    """The effective field in numbers; None where nothing moves the unit.

    `effective_size` is the side of a square that holds 95 % of the energy, `ratio` that side over
    the theoretical field's, `width` the standard deviations of a fitted Gaussian, `deviation` those
    of the energy itself.
    """
    if field is None:
        return dict.fromkeys(MEASURED)
    values = field.size, field.ratio, list(field.widths), list(field.deviations)
    return dict(zip(MEASURED, values, strict=True))


def _fit(fit: "ImageFit") -> Result:
    """The convolutions that a picture of the network's input size does not suit."""
    record: Result = {"outgrown": fit.outgrown}
    for name in ("seeing_all", "unproductive", "mostly_padding", "stem"):
        record[name] = list(getattr(fit, name))
    if fit.relaxed:
        record["with_stem_stride_1"] = _fit(fit.relaxed)
    return record


def add_to(commands: Any) -> None:
    """Add the commands of this module to the parser."""
    command = with_model(add(commands, receptive_field))
    with_layer(command, help="a name that `layers` lists (default: all that give maps)")
    command.add_argument(
        "--effective",
        action="store_true",
        help="measure how many pixels really move the middle unit (for all layers of a deep"
        " network this takes minutes)",
    )
    command.add_argument(
        "--inputs", type=whole(1, 1000), metavar="N", help="on so many pictures (default: 4)"
    )
    command.add_argument("--image", metavar="FILE", help="on this picture in place of noise")
    in_place = "on pictures of folder:PATH in place of noise"
    with_dataset(command, required=False, help=in_place)
