"""Each part of the page has its title, and an address of another opens the first."""

import pytest

from tests.ui.gradient_flow.pages import run, text


@pytest.mark.parametrize(
    ("part", "says"),
    [
        ("profile", "the first layer's gradient is"),
        ("training", "No run has been recorded yet"),
        ("shares", "The shortcut's share of gradient and signal"),
        ("lesions", "Click a block to take it out of both networks"),
        ("shattered", "Between neighbouring inputs"),
        ("nonsense", "the first layer's gradient is"),
    ],
)
def test_a_part_of_the_address_is_the_one_that_is_drawn(part, says):
    assert says in text(run(part=part, seeds="1", layers="1"))


def test_lesions_are_called_remove_blocks_on_the_screen():
    parts = run(part="shattered", layers="1").get("button_group")[0]
    assert "Remove blocks" in [option.content for option in parts.proto.options]
