"""The Training page in each of its states, without a browser; the processes are started in test_jobs."""

import shutil
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from resviz.training import fit as module
from resviz.training import jobs, records
from resviz.training.fit import fit
from tests.app.test_pages import run as visit
from tests.app.test_pages import words
from tests.training.squares import CONFIG, CPU, MODEL, folder


@pytest.fixture(autouse=True)
def launched(monkeypatch: pytest.MonkeyPatch, home: Path) -> list[Path]:
    """No process is started; who would have been is kept."""
    found: list[Path] = []
    monkeypatch.setattr(jobs, "_launch", lambda path: found.append(path) if path not in found else None)
    monkeypatch.setattr(module, "best", lambda: CPU)
    return found


@pytest.fixture
def finished(tmp_path: Path) -> str:
    made, events = fit(MODEL, folder(tmp_path / "squares"), CONFIG)
    list(events)
    return made.name


def page(**query: str) -> AppTest:
    app = visit("training", **query)
    assert not app.exception
    return app


def button(app: AppTest, label: str) -> object:
    (found,) = [b for b in app.button if b.label == label]
    return found


def test_a_first_visit_offers_the_race():
    app = page()
    assert "Nothing trained yet" in app.info[0].value
    assert "2 runs" in words(app)
    assert app.selectbox(key="data").value == "digits"
    assert button(app, "Start the race")


def test_the_race_is_queued_and_shown_with_its_place(launched):
    app = page()
    button(app, "Start the race").click().run()
    assert not app.exception
    infos = {info.model: info for info in records.runs()}
    assert set(infos) == {"new/plain-56", "new/residual-56"}
    assert {info.dataset for info in infos.values()} == {"digits"}
    assert app.session_state["view"]["runs"].split(",") == [infos["new/plain-56"].id, infos["new/residual-56"].id]
    told = records.read(infos["new/plain-56"].id).config["request"]
    assert (told["record"], told["config"]["epochs"], told["config"]["side"]) == ("full", 10, 8)
    assert told["config"]["augmentation"] == "none"
    assert launched


def test_a_second_race_of_the_same_visitor_is_refused_in_one_sentence():
    app = page()
    button(app, "Start the race").click().run()
    button(app, "Start the race").click().run()
    assert "is not over yet" in app.error[0].value
    assert len(records.runs()) == 2


def test_a_choice_changes_what_is_started():
    app = page(racers="residual", depths="8", epochs="2")
    assert "8 layers" in words(app)
    button(app, "Start").click().run()
    (info,) = records.runs()
    assert info.model == "new/residual-8"
    assert records.read(info.id).config["config"]["epochs"] == 2


def test_without_a_depth_there_is_nothing_to_start():
    app = page(depths="")
    assert "Choose a family and a depth" in words(app)
    assert button(app, "Start").disabled


def test_a_preset_takes_the_other_choices_back():
    app = page(epochs="2")
    app.selectbox(key="preset").set_value("he2015").run()
    assert app.select_slider(key="epochs").value == 164
    assert app.selectbox(key="data").value == "cifar10"
    assert "4 runs" in words(app)


def test_a_finished_run_is_shown_by_its_address_and_can_be_opened(finished):
    app = page(runs=finished)
    assert "Line: training images" in words(app)
    assert "residual-8?width=4&classes=2** · squares" in words(app).replace("\\", "")
    assert button(app, "Look inside")
    assert [b.label for b in app.button].count("Stop") == 0


def test_a_stopped_run_can_be_resumed_and_stopped(tmp_path, launched):
    made, events = fit(MODEL, folder(tmp_path / "squares"), CONFIG)
    next(events)
    events.close()
    app = page(runs=made.name)
    button(app, "Resume").click().run()
    assert records.read(made.name).status == "queued"
    button(app, "Stop").click().run()
    assert records.read(made.name).status == "stopped"


def test_deleting_takes_the_run_away(finished):
    app = page(runs=finished)
    assert not [found for found in app.button if found.label == "Delete for good"], "it asks first"
    app.checkbox(key=f"sure-{finished}").check().run()
    button(app, "Delete for good").click().run()
    assert not app.exception
    assert records.runs() == ()
    assert "Nothing trained yet" in app.info[0].value


def test_why_a_run_ended_is_said(finished):
    jobs._note(records.folder() / finished, status="stopped", message="The loss is nan at step 3 of 9; choose *less*.")
    app = page(runs=finished)
    assert r"choose \*less\*" in app.warning[0].value


def test_an_address_of_a_run_that_is_gone_shows_what_there_is(finished):
    shutil.copytree(records.folder() / finished, records.folder() / "other")
    app = page(runs="nothing,../..")
    assert not app.error
    assert "residual-8" in words(app)


@pytest.mark.parametrize(
    "query", [{"racers": "<b>", "depths": "x,9", "epochs": "-1"}, {"preset": "x", "data": "y", "curve": "z"}]
)
def test_nonsense_in_the_address_is_ignored(query):
    assert not page(**query).error
