"""The options that commands share, each written once, and what most commands begin with."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from resviz.cli.output import Result, progress
from resviz.errors import ResvizError

if TYPE_CHECKING:
    from torch import Tensor

    from resviz.data.images import Picture
    from resviz.models.zoo import LoadedModel


class Parser(argparse.ArgumentParser):
    """Refuses like everything else here, in one line; COMMAND's parsers are of this class too."""

    def error(self, message: str) -> NoReturn:
        raise ResvizError(
            "{message}; `python -m {prog} --help` explains.", message=message, prog=self.prog
        )


Command = argparse.ArgumentParser


def add(commands: Any, run: Callable[[argparse.Namespace], Result]) -> Command:
    """A new command, named and described after the function that runs it."""
    name = run.__name__.replace("_", "-")
    command: Command = commands.add_parser(name, help=run.__doc__, description=run.__doc__)
    command.add_argument("--json", action="store_true", help="print one JSON object")
    command.set_defaults(command=run)
    return command


def whole(low: int, high: int) -> Callable[[str], int]:
    """A reader of whole numbers in a range."""

    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = low - 1
        if not low <= number <= high:
            raise argparse.ArgumentTypeError(
                f"must be a whole number from {low} to {high}, got {text}"
            )
        return number

    return read


def with_image(command: Command, **changes: Any) -> Command:
    return _with(command, "image", changes, metavar="IMAGE", help="a picture file")


def with_model(command: Command, **changes: Any) -> Command:
    usual = "a name that `models` lists, new/... or file/PATH"
    return _with(command, "--model", changes, required=True, metavar="M", help=usual)


def with_layer(command: Command, **changes: Any) -> Command:
    return _with(command, "--layer", changes, metavar="L", help="a name that `layers` lists")


def with_dataset(command: Command, **changes: Any) -> Command:
    usual = "digits, cifar10, cifar100, fashion-full, or folder:PATH of class folders or a zip"
    return _with(command, "--dataset", changes, required=True, metavar="D", help=usual)


def with_batch(command: Command, **changes: Any) -> Command:
    return _with(command, "--batch", changes, metavar="N")


def with_target(command: Command) -> Command:
    usual = "number of the class (default: the likeliest)"
    return _with(command, "--target", {}, type=int, metavar="N", help=usual)


def with_sample(command: Command, **changes: Any) -> Command:
    return _with(command, "--sample", changes, metavar="N")


def with_seed(command: Command, **changes: Any) -> Command:
    return _with(command, "--seed", changes, type=whole(0, 2**31), default=0, metavar="S")


def with_seeds(command: Command, **changes: Any) -> Command:
    return _with(command, "--seeds", changes, metavar="K")


def with_out(command: Command, **changes: Any) -> Command:
    usual = "folder for the files"
    return _with(command, "--out", changes, required=True, metavar="DIR", help=usual)


def _with(command: Command, name: str, changes: dict[str, Any], **usual: Any) -> Command:
    """The command with an option that others have too; `changes` is what is its own about it."""
    command.add_argument(name, **{**usual, **changes})
    return command


def subject(options: argparse.Namespace) -> "tuple[LoadedModel, Picture, Tensor]":
    """Model, picture and the tensor (1, 3, H, W) that the model receives."""
    from resviz.data.images import open_file
    from resviz.device import best

    shown = open_file(Path(options.image))
    loaded = load(options.model)
    return loaded, shown, loaded.preprocess(shown.image)[None].to(best().type)


def load(name: str) -> "LoadedModel":
    from resviz.device import best
    from resviz.models import zoo

    loaded = zoo.load(name, progress)
    loaded.model.to(best().type)
    return loaded
