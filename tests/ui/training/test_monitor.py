"""The Training page: what is shown of which runs."""

import shutil

import pytest

from resviz.training.runs import reader
from resviz.ui.training import monitor
from tests.app.test_pages import words
from tests.ui.training.pages import age, button, page


def test_a_first_visit_offers_the_race():
    app = page()
    assert "Nothing has been trained yet" in app.info[0].value
    assert "2 runs" in words(app)
    assert app.selectbox(key="data").value == "digits"
    assert button(app, "Start the race")


def test_a_finished_run_is_shown_by_its_address_and_can_be_opened(finished):
    app = page(runs=finished)
    assert "Lines: training images" in words(app)
    assert "**Residual-8, width 4** :gray[squares]" in words(app)
    assert button(app, "Look inside")
    assert [b.label for b in app.button].count("Stop") == 0


def test_an_address_of_a_run_that_is_gone_shows_what_there_is(finished):
    shutil.copytree(reader.runs_folder() / finished, reader.runs_folder() / "other")
    assert len(set(page(runs="other,other").multiselect(key="shown").options)) == 2, (
        "no two have one title"
    )
    app = page(runs="nothing,../..")
    assert not app.error
    assert "Residual-8" in words(app)


@pytest.fixture
def runs_of_the_page(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One entry for each time that the page was drawn."""
    seen: list[int] = []
    watch = monitor.watch
    monkeypatch.setattr(monitor, "watch", lambda: (seen.append(1), watch()))
    return seen


def test_a_run_without_its_settings_is_left_out_with_the_reason_and_the_page_stands_still(
    finished, runs_of_the_page
):
    shutil.copytree(reader.runs_folder() / finished, reader.runs_folder() / "other")
    for count, run_id in enumerate([finished, "other"], start=1):
        (reader.runs_folder() / run_id / "config.json").unlink()
        age(reader.runs_folder() / run_id)
        app = page(runs=finished)
        assert len(runs_of_the_page) == count, "it does not run again and again"
        assert f"The run {run_id}" in "".join(w.value.replace("\\", "") for w in app.warning)
        assert "cannot be read" in app.warning[0].value
    assert "Nothing has been trained yet" in app.info[0].value
