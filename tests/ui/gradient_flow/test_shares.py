"""Shortcut and branch: families with shortcuts, and what to do where there is none."""

from tests.ui.gradient_flow.pages import run, text


def test_shares_are_of_families_with_shortcuts():
    page = text(run(part="shares"))
    assert "add up to 100%" in page
    assert "A plain network has no shortcut" in page
    assert "A plain network has no shortcut" not in text(run(part="shares", families="residual"))
    app = run(part="shares", families="plain")
    assert [info.value[:29] for info in app.info] == ["None of these networks has a "]


def test_a_network_whose_gradient_is_zero_has_shares_of_its_signal():
    """Fixup's classifier starts at zero: no gradient reaches a block, and nothing has no share."""
    app = run(part="shares", families="fixup", seeds="1")
    assert not app.exception
    assert len(app.get("plotly_chart")) == 1
