"""The field must grow with the root of the depth.

Whether training enlarges it is counted by layers.
"""

import pytest

from resviz.papers import effective_field

GROWTH = {("c", "growth"): (0.49,), ("c", "share"): (-0.46,), ("d", "shortcuts"): (18.4, 15.2)}


def test_exponents_near_the_published_ones_keep_the_rule():
    assert effective_field.grows_as_published(GROWTH)


@pytest.mark.parametrize(
    "change",
    [{("c", "growth"): (0.9,)}, {("c", "share"): (0.5,)}, {("d", "shortcuts"): (15.2, 18.4)}],
)
def test_other_exponents_and_larger_fields_with_shortcuts_break_it(change):
    assert not effective_field.grows_as_published(GROWTH | change)


def test_training_must_enlarge_the_field_at_each_depth():
    grows = {("a", "training"): (4.0, 8.0), ("b", "training"): (5.0, 6.0)}
    assert effective_field.grows_by_training(grows)
    assert not effective_field.grows_by_training(grows | {("b", "training"): (8.0, 4.2)})


def test_the_caveat_tells_how_the_papers_network_differs():
    scale = effective_field.TRAINING.scale
    assert "without downsampling" in scale
    assert "32 pixels" in scale
    assert "layer3.2" in scale
