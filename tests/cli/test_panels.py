"""README: every number of the app, without a browser. Each panel of a page has a command here."""

import argparse
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from resviz import cli
from resviz.ui.batchnorm import sections as batchnorm
from resviz.ui.gradient_flow import sections as gradient_flow
from resviz.ui.receptive_field import sections as receptive_field

ROOT = Path(__file__).parents[2]

# Panel -> the command that prints its numbers.
COMMANDS = {
    "overview": "predict photo.jpg --model M",
    "feature_maps": "features photo.jpg --model M --layer layer1.0 --out maps",
    "feature_maps/residual": "residual-parts photo.jpg --model M",
    "attribution": "attribute photo.jpg --model M --out maps",
    "training": "runs show ID",
    "receptive_field": "receptive-field --model M --layer layer1.0 --effective",
    "receptive_field/depth": "receptive-field --model M --effective",
    "receptive_field/arithmetic": "receptive-field --model M",
    "receptive_field/fit": "receptive-field --model M",
    "receptive_field/stack": "receptive-field --model M",
    "gradient_flow/profile": "gradients --model M",
    "gradient_flow/training": "runs export ID --out tables",
    "gradient_flow/shares": "gradients --model M",
    "gradient_flow/lesions": "remove-blocks --model M --each",
    "gradient_flow/shattered": "shattering",
    "batchnorm/drift": "batchnorm photo.jpg --model M",
    "batchnorm/answers": "batchnorm photo.jpg --model M --compare",
    "batchnorm/size": "batch-size photo.jpg another.jpg --model M",
    "batchnorm/fold": "fold photo.jpg --model M",
    "batchnorm/hand": "batchnorm-by-hand 2,6/10,11",
    "batchnorm/training": "runs export ID --out tables",
    "batchnorm/mismatch": "train-eval-gap --model M --dataset digits",
}


def panels() -> Iterator[str]:
    """Every page, or the sections of one that has some; maps beside x, F(x) and their sum."""
    sections = {
        "batchnorm": [*batchnorm.OF_A_MODEL, *batchnorm.ALONE],
        "gradient_flow": list(gradient_flow.SECTIONS),
        "receptive_field": list(receptive_field.SECTIONS),
        "feature_maps": ["residual"],
    }
    for page in sorted(path.stem for path in (ROOT / "pages").glob("*.py")):
        if page not in ("batchnorm", "gradient_flow"):  # those show nothing besides their sections
            yield page
        yield from (f"{page}/{section}" for section in sections.get(page, ()))


def test_every_panel_has_a_command_and_none_is_of_a_panel_that_is_gone() -> None:
    assert sorted(COMMANDS) == sorted(panels())


@pytest.mark.parametrize("panel", COMMANDS)
def test_the_command_of_a_panel_is_one_that_is_understood(panel: str) -> None:
    options = cli._parser().parse_args(shlex.split(COMMANDS[panel]))
    assert isinstance(options, argparse.Namespace)
    assert callable(options.command)
