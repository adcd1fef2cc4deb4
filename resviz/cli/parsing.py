"""The arguments that commands share."""

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


def add(commands: Any, run: Callable[[argparse.Namespace], Result]) -> argparse.ArgumentParser:
    name = run.__name__.replace("_", "-")
    command: argparse.ArgumentParser = commands.add_parser(
        name, help=run.__doc__, description=run.__doc__
    )
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


def with_image(command: argparse.ArgumentParser) -> argparse.ArgumentParser:
    command.add_argument("image", metavar="IMAGE", help="a picture file")
    return command


def with_model(command: argparse.ArgumentParser) -> argparse.ArgumentParser:
    command.add_argument(
        "--model",
        required=True,
        metavar="M",
        help="a name that `models` lists, new/... or file/PATH",
    )
    return command


def with_dataset(
    command: argparse.ArgumentParser, required: bool = True
) -> argparse.ArgumentParser:
    command.add_argument(
        "--dataset",
        required=required,
        metavar="D",
        help="digits, cifar10, cifar100, fashion-full, or folder:PATH of class folders or a zip",
    )
    return command


def with_out(command: argparse.ArgumentParser) -> argparse.ArgumentParser:
    command.add_argument("--out", required=True, metavar="DIR", help="folder for the files")
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
