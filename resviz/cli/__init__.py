"""Every capability without a browser, with the same numbers.

`python -m resviz COMMAND --help` explains each command.

With `--json` a command prints one JSON object and nothing else on standard output. A refusal exits
with status 2 and one line on standard error that starts with `resviz: `. A module here has the
name of its feature; a command is a function from its options to its result.
"""

import argparse
from collections.abc import Sequence

from resviz import __version__
from resviz.cli import (
    app,
    attribution,
    batch_statistics,
    batchnorm,
    feature_maps,
    gradient_flow,
    inspect,
    receptive_field,
    remove_blocks,
    runs,
    train,
)
from resviz.cli.output import Result, as_json, as_text, print_result, say
from resviz.cli.parsing import Parser
from resviz.errors import ResvizError

MODULES = (
    app,
    inspect,
    feature_maps,
    attribution,
    receptive_field,
    batchnorm,
    batch_statistics,
    gradient_flow,
    remove_blocks,
    train,
    runs,
)
REFUSED, STOPPED = 2, 130
EXAMPLE = "example: python -m resviz predict photo.jpg --model bundled/resnet18-imagenette"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    try:
        options = _parser().parse_args(arguments)
        result: Result = options.command(options)
        print_result(as_json(result) if options.json else as_text(result))
    except ResvizError as refusal:
        say(" ".join(str(refusal).split()))
        return REFUSED
    except KeyboardInterrupt:
        say("stopped.")
        return STOPPED
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="resviz", description="Look inside residual networks.", epilog=EXAMPLE)
    parser.add_argument("--version", action="version", version=f"resviz {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for module in MODULES:
        module.add_to(commands)
    return parser
