"""Receptive fields: what a unit can see, and what moves it."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resviz.cli.output import Result, counter, progress
from resviz.cli.parsing import add, load, whole, with_model
from resviz.errors import ResvizError

if TYPE_CHECKING:
    from torch import Tensor

    from resviz.models.zoo import LoadedModel
    from resviz.probes.receptive_field.effective import EffectiveField
    from resviz.probes.receptive_field.input_size import ImageFit

FIELDS = ("name", "size", "stride", "start", "aligned", "whole_image", "smallest", "largest")
PHOTO_DRAWS = 16  # random signs where one photo is all there is
EFFECTIVE = "measure how many pixels really move the middle unit (for all layers: minutes in a deep network)"


def receptive_field(options: argparse.Namespace) -> Result:
    """Tell which pixels a unit of a layer can see: size, stride and start of its field."""
    from resviz.device import best
    from resviz.probes.receptive_field.input_size import image_fit
    from resviz.probes.receptive_field.theoretical import receptive_field as probe

    loaded = load(options.model)
    asked = [options.layer] if options.layer else None
    found = probe(loaded.model, asked, loaded.input_size)
    records = [{key: _single(getattr(field, key)) for key in FIELDS} for field in found]
    result: Result = {"model": loaded.name, "input_size": loaded.input_size, "layers": records}
    if not options.layer:
        fit = image_fit(loaded.model, loaded.input_size)
        result["fit"] = _fit(fit) | (
            {"with_stem_stride_1": _fit(fit.relaxed)} if fit.relaxed else {}
        )
    if options.effective:
        result["inputs"], x = _inputs(options, loaded)
        fields = _effective(options, loaded, x.to(best().type))
        result["layers"] = [
            record | _measured(fields[field.name])
            for record, field in zip(records, found, strict=True)
        ]
    elif options.image or options.dataset or options.inputs:
        raise ResvizError(
            "--image, --dataset and --inputs say what the effective field is measured on: add --effective."
        )
    return result


def _effective(
    options: argparse.Namespace, loaded: "LoadedModel", x: "Tensor"
) -> "dict[str, EffectiveField | None]":
    from resviz.probes.receptive_field.effective import (
        effective_receptive_field,
        effective_receptive_fields,
    )

    draws = PHOTO_DRAWS if options.image else 1
    if options.layer:
        return {
            options.layer: effective_receptive_field(loaded.model, x, options.layer, draws=draws)
        }
    return effective_receptive_fields(
        loaded.model, x, draws=draws, progress=counter("effective fields")
    )


def _inputs(options: argparse.Namespace, loaded: "LoadedModel") -> "tuple[str, Tensor]":
    """What the effective field is measured on, in words and as a batch."""
    from resviz.probes.receptive_field.effective import INPUTS, noise

    count = options.inputs or INPUTS
    if options.image and options.dataset:
        raise ResvizError(
            "the effective field is measured on one --image or on a --dataset; leave out one of them."
        )
    if options.image:
        from resviz.data.images import open_file

        return options.image, loaded.preprocess(open_file(Path(options.image)).image)[None]
    if options.dataset:
        return options.dataset, _pictures(options.dataset, loaded, count)
    return f"{count} pictures of noise", noise(count, loaded.input_size)


def _pictures(dataset: str, loaded: "LoadedModel", count: int) -> "Tensor":
    """So many pictures of the test split, evenly over its classes."""
    import torch

    from resviz.data import datasets
    from resviz.training.engine.augmentation import normalised

    split = datasets.load(
        dataset, loaded.input_size, progress, loaded.preprocess.view, test_only=True
    ).test
    count = min(count, len(split))
    chosen = split.images[torch.arange(count) * len(split) // count]
    return normalised(
        chosen, (torch.tensor(loaded.preprocess.mean), torch.tensor(loaded.preprocess.std))
    )


def _measured(field: "EffectiveField | None") -> Result:
    """`effective_size` is the side of a square that holds 95 % of the energy; None where nothing moves the unit.

    `width`: standard deviations of a fitted Gaussian; `deviation`: those of the energy itself.
    """
    if field is None:
        return dict.fromkeys(("effective_size", "ratio", "width", "deviation"))
    told = {"effective_size": field.size, "ratio": field.ratio}
    return told | {"width": list(field.widths), "deviation": list(field.deviations)}


def _fit(fit: "ImageFit") -> Result:
    """The convolutions that a picture of the network's input size does not suit."""
    lists = ("seeing_all", "unproductive", "mostly_padding", "stem")
    return {"outgrown": fit.outgrown} | {key: list(getattr(fit, key)) for key in lists}


def _single(value: object) -> object:
    """One number for height and width where they are the same."""
    return value[0] if isinstance(value, tuple) and len(set(value)) == 1 else value


def add_to(commands: Any) -> None:
    """Add the commands of this module to the parser."""
    command = with_model(add(commands, receptive_field))
    command.add_argument(
        "--layer", metavar="L", help="a name that `layers` lists (default: all that give maps)"
    )
    command.add_argument("--effective", action="store_true", help=EFFECTIVE)
    command.add_argument(
        "--inputs", type=whole(1, 1000), metavar="N", help="on so many pictures (default: 4)"
    )
    command.add_argument("--image", metavar="FILE", help="on this picture in place of noise")
    command.add_argument(
        "--dataset", metavar="D", help="on pictures of folder:PATH in place of noise"
    )
