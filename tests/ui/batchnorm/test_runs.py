"""Recorded runs, and the links to trainings that make one."""

from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from resviz.ui.batchnorm import runs
from tests.app.test_pages import run
from tests.ui.batchnorm.pages import page


@pytest.mark.parametrize(
    ("part", "link"), [("training", runs.RECORDED), ("mismatch", runs.SMALL_BATCH)]
)
def test_without_a_run_there_is_a_sentence_and_a_link_to_a_training(
    home: Path, part: str, link: dict[str, str]
) -> None:
    app = page(aspect=part)
    assert not app.error
    assert "page Training" in app.info[0].value
    (shown,) = app.get("page_link")
    assert shown.proto.page == "training"
    assert dict(parse_qsl(shown.proto.query_string)) == link


@pytest.mark.parametrize("link", [runs.RECORDED, runs.SMALL_BATCH, runs.WITH_AND_WITHOUT])
def test_the_training_page_does_what_a_link_asks_for(home: Path, link: dict[str, str]) -> None:
    app = run("training", **link)
    assert not app.exception
    assert not app.error
    assert app.selectbox(key="preset").value == link["preset"] == "race"
    for key in link.keys() - {"preset"}:
        shown = app.session_state[key]
        assert link[key] == ",".join(map(str, shown if isinstance(shown, list) else [shown])), key
