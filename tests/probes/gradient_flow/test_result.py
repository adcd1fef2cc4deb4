"""Shares of a sum do not depend on its size, and chaos is told from mere growth."""

import numpy as np
import pytest

from resviz.models import zoo
from resviz.probes.gradient_flow.batches import Batch
from resviz.probes.gradient_flow.norms import Gradients, gradients
from resviz.probes.gradient_flow.over_seeds import measure
from resviz.probes.gradient_flow.result import Parts


@pytest.mark.parametrize("scale", [1e-250, 1.0, 1e250])
def test_shares_of_a_right_triangle_are_the_squares_of_its_sides_at_any_scale(scale):
    parts = Parts(("a",), np.array([3.0]) * scale, np.array([4.0]) * scale, np.array([0.0]))
    assert parts.total == pytest.approx(5 * scale)
    assert parts.share_shortcut == pytest.approx(9 / 25)
    assert parts.share_branch == pytest.approx(16 / 25)


def test_a_branch_against_the_shortcut_gives_it_more_than_all():
    parts = Parts(("a",), np.array([2.0]), np.array([1.0]), np.array([-1.0]))
    assert (parts.share_shortcut, parts.share_branch) == (2, -1)
    assert np.isnan(Parts(("a",), *np.zeros((3, 1))).share_shortcut)


def test_a_silent_branch_leaves_the_shortcut_all():
    parts = Parts(("a",), np.array([2.0]), np.array([0.0]), np.array([0.0]))
    assert (parts.share_shortcut, parts.share_branch, parts.total) == (1, 0, 2)


def with_blocks(gradient: list[float], signal: list[float], precision: str) -> Gradients:
    flow = measure("new/plain-8?width=4", 0, Batch(size=2))
    fields = {name: getattr(flow, name) for name in flow.__slots__}
    fields |= {"block_gradient": np.array(gradient), "deviation": np.array(signal)}
    return Gradients(**{**fields, "precision": precision})


def test_growth_of_gradient_and_signal_together_amplifies_nothing():
    linear = with_blocks([1e200, 1e100, 1.0], [1.0, 1e100, 1e200], "float64")
    assert linear.amplification == pytest.approx(1)
    assert not linear.approximate


def test_a_gradient_that_grows_under_a_level_signal_amplifies_rounding_errors():
    steep = [1e14, 1e7, 1.0]
    assert with_blocks(steep, [1.0] * 3, "float64").amplification == pytest.approx(1e14)
    assert with_blocks(steep, [1.0] * 3, "float64").approximate
    assert not with_blocks([1e8, 1e4, 1.0], [1.0] * 3, "float64").approximate
    assert with_blocks([1e8, 1e4, 1.0], [np.nan] * 3, "float32").approximate


@pytest.mark.parametrize(("depth", "is_chaos"), [(56, False), (302, True)])
def test_what_is_called_approximate_changes_with_the_last_digits_of_the_image(depth, is_chaos):
    """The oracle: the same network for an image that differs in the 15th digit."""
    model = zoo.load(f"new/plain-{depth}?width=2").model
    x, targets = Batch(size=2).draw(0, zoo.load("new/plain-8").preprocess, 10)
    x = x[..., :8, :8].double()
    one, other = (
        gradients(model.double(), shifted, targets, double=True) for shifted in (x, x * (1 + 1e-15))
    )
    change = abs(one.weight_gradient[0] / other.weight_gradient[0] - 1)
    assert one.approximate == is_chaos
    assert (change > 1e-3) == is_chaos
