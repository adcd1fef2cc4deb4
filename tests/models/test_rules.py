"""Each rule of a spec is one sentence with the rule and the value, and is kept on both sides."""

import pytest

from resviz.errors import SpecError
from resviz.models import rules
from resviz.models.choices import RANGES
from resviz.models.spec import ModelSpec


@pytest.mark.parametrize("name", sorted(set(RANGES) - {"depth"}))
def test_the_ends_of_a_range_are_allowed_and_what_lies_beyond_is_not(name):
    low, high = RANGES[name]
    options = {"block": "bottleneck"} if "group" in name else {}
    for value in (low, high if name not in ("groups", "width_per_group", "width") else low):
        assert getattr(ModelSpec(**options, **{name: value}), name) == value
    for value in (low - 1, high + 1):
        if value == 0 and name == "width":
            continue  # stands for the usual width
        with pytest.raises(SpecError, match=f"{name} must be from {low} to {high}, got {value}"):
            ModelSpec(**options, **{name: value})


def test_an_option_that_no_network_has_is_answered_with_those_there_are():
    rules.check_options(["depth"], {"depth", "width"})
    with pytest.raises(SpecError, match="unknown option 'b': choose from a"):
        rules.check_options(["b", "c"], {"a"})


@pytest.mark.parametrize(
    ("values", "rule"),
    [
        ({"family": "dense"}, "family must be one of plain, residual"),
        ({"stem": "mnist"}, "stem must be one of cifar, imagenet, small"),
        ({"stem": "small", "depth": 20}, "18, 34, 50, 101, 152 with the small stem"),
        ({"depth": 21}, "6n \\+ 2"),
        ({"family": "fixup", "norm": "group"}, "leave norm out"),
        ({"groups": 4}, "need bottleneck blocks"),
        ({"head": "a"}, "widths of hidden layers"),
    ],
)
def test_a_rule_is_named_where_it_is_broken(values, rule):
    with pytest.raises(SpecError, match=rule):
        ModelSpec(**values)
