"""Sizes over depth, of several networks."""

from tests.app.test_pages import SMALL, run, words


def test_over_depth_compares_networks_and_says_why_one_cannot_be_had() -> None:
    app = run(
        "receptive_field", model=SMALL, more="depth", against="new/plain-8?width=4;new/residual-9"
    )
    assert not app.exception
    assert "6n + 2" in words(app)
    assert app.multiselect(key="against").value == ["new/plain-8?width=4", "new/residual-9"]
