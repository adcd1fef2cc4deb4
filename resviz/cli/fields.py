"""Receptive fields: what a unit can see."""

import argparse
from typing import Any

from resviz.cli.output import Result
from resviz.cli.parsing import add, load, with_model


def receptive_field(options: argparse.Namespace) -> Result:
    """Tell which pixels a unit of a layer can see: size, stride and start of its field."""
    from resviz.probes.receptive_field import receptive_field as probe

    loaded = load(options.model)
    found = probe(loaded.model, [options.layer] if options.layer else None, loaded.input_size)
    kept = ("name", "size", "stride", "start", "aligned", "whole_image")
    records = [{key: _single(getattr(field, key)) for key in kept} for field in found]
    return {"model": loaded.name, "input_size": loaded.input_size, "layers": records}


def _single(value: object) -> object:
    """One number for height and width where they are the same."""
    return value[0] if isinstance(value, tuple) and len(set(value)) == 1 else value


def add_to(commands: Any) -> None:
    """Add the commands of this module to the parser."""
    command = with_model(add(commands, receptive_field))
    command.add_argument("--layer", metavar="L", help="a name that `layers` lists (default: all that give maps)")
