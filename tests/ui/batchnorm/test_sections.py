"""The parts of the page, one at a time."""

from pathlib import Path

import pytest

from tests.app.test_pages import SMALL
from tests.ui.batchnorm.pages import page


@pytest.mark.parametrize(
    "part", ["drift", "answers", "size", "fold", "hand", "training", "mismatch", "<script>"]
)
def test_nonsense_in_the_address_is_ignored(part: str) -> None:
    app = page(
        aspect=part,
        batch="<b>",
        corruption="fog",
        strength="99",
        bn="fc",
        unit="-1",
        image="77",
        step="9",
    )
    assert not app.error
    assert not app.warning


@pytest.mark.parametrize("part", ["hand", "training", "mismatch", "drift"])
def test_model_and_picture_are_offered_only_where_they_change_something(
    home: Path, part: str
) -> None:
    app = page(aspect=part)
    assert [box.key for box in app.sidebar.selectbox if box.key == "model"] == ["model"] * (
        part == "drift"
    )
    if part != "drift":
        assert not len(app.sidebar)
        app.segmented_control(key="aspect").set_value("drift").run()
        assert not app.exception
        assert app.selectbox(key="model").value == SMALL, "the model is not forgotten"
