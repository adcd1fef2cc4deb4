"""Findings are whole sentences about the layers that get a gradient."""

import pytest

from resviz.probes.gradient_flow.over_seeds import Batch, Profile, measure
from resviz.ui.base.numbers import times
from resviz.ui.gradient_flow.sentences import findings, precision_note

SMALL = Batch(size=4)


def profile(name: str) -> Profile:
    return Profile(name, (measure(f"new/{name}", 0, SMALL),))


def test_a_signal_is_compared_towards_the_output():
    measured = profile("residual-20?norm=none&width=4")
    deviation = measured.mean("deviation")
    multiple = times(deviation[-1] / deviation[0])
    expected = f"N: the standard deviation of the last block's output is {multiple} the first's."
    assert findings(measured, "deviation", "N").startswith(expected)


def test_a_fading_signal_is_a_share_of_the_firsts():
    said = findings(profile("plain-56?norm=none&init=torch"), "deviation", "N")
    assert " of the first's. It **" in said
    assert "as much" not in said


@pytest.mark.parametrize("name", ["rezero-8", "weighted-8", "residual-8?init=zero-gamma"])
def test_branches_that_start_at_zero_are_the_reason(name):
    assert findings(profile(name), "weight_gradient", "N") == (
        "N: 6 of 8 layers get no gradient in the first step: the branches start at zero."
    )


def test_what_still_gets_a_gradient_is_compared_by_name():
    measured = profile("rezero-20?shortcut=B")
    assert findings(measured, "weight_gradient", "N").startswith(
        "N: of the layers that get a gradient, the first, conv1, gets "
        f"{times(measured.ratio())} that of the last, layer3.0.downsample.0."
    )
    assert "get no gradient in the first step" in findings(measured, "weight_gradient", "N")


def test_every_name_of_a_verdict_has_its_sentence(monkeypatch):
    measured = profile("plain-8?width=4")
    for ratio, name in (
        (1e4, "explodes"),
        (50.0, "grows"),
        (1.0, "stays level"),
        (1e-2, "shrinks"),
    ):
        monkeypatch.setattr(Profile, "ratio", lambda _self, _quantity, ratio=ratio: ratio)
        assert f"It **{name}**" in findings(measured, "weight_gradient", "N")
        monkeypatch.setattr(Profile, "ratio", lambda _self, _quantity, ratio=ratio: 1 / ratio)
        assert f"It **{name}**" in findings(measured, "deviation", "N")


def test_chaos_is_called_about(monkeypatch):
    measured = profile("plain-8?width=4")
    assert "about" not in findings(measured, "weight_gradient", "N")
    assert precision_note([measured]) == ""
    monkeypatch.setattr(Profile, "approximate", True)
    assert " is about " in findings(measured, "weight_gradient", "N")
    assert "rounding errors" in precision_note([measured])
