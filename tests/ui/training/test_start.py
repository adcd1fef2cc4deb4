"""The button that starts a race, and why it cannot be pressed."""

from resviz.errors import TrainingError
from resviz.training.launch import queue
from resviz.training.runs import reader
from tests.app.test_pages import words
from tests.ui.training.pages import button, page, progress


def test_the_race_is_queued_and_shown_with_its_place(launched):
    app = page()
    button(app, "Start the race").click().run()
    assert not app.exception
    infos = {info.model: info for info in reader.runs()}
    assert set(infos) == {"new/plain-56", "new/residual-56"}
    assert {info.dataset for info in infos.values()} == {"digits"}
    assert app.session_state["view"]["runs"].split(",") == [
        infos["new/plain-56"].id,
        infos["new/residual-56"].id,
    ]
    told = reader.read(infos["new/plain-56"].id).config["request"]
    assert (told["record"], told["config"]["epochs"], told["config"]["side"]) == ("full", 10, 8)
    assert told["config"]["augmentation"] == "none"
    assert launched


def test_while_a_race_of_the_visitor_runs_the_button_is_off_and_says_why():
    app = page()
    button(app, "Start the race").click().run()
    assert button(app, "Start the race").disabled
    assert "You are training Plain-56, Residual-56: wait for the end" in words(app)
    for info in reader.runs():
        queue.stop(info.id)
    app.run()
    assert not button(app, "Start the race").disabled
    assert "You are training" not in words(app)


def test_what_is_refused_is_said_once_beside_the_button(monkeypatch):
    def refused(requests, session):
        raise TrainingError("The disk has no room.")

    app = page()
    monkeypatch.setattr(queue, "start", refused)
    button(app, "Start the race").click().run()
    assert [error.value for error in app.sidebar.error] == ["The disk has no room."]
    assert not app.run().error


def test_a_read_only_home_still_shows_its_runs_and_says_what_cannot_be_done(finished, monkeypatch):
    def refuse(*_given, **_more):
        raise OSError(30, "Read-only file system")

    queue._note(reader.runs_folder() / finished, status="stopped")
    with monkeypatch.context() as patch:
        patch.setattr(queue.os, "open", refuse)
        app = page(runs=finished)
        assert progress(app)[0].startswith("stopped")
        button(app, "Resume").click().run()
        assert not app.exception
        assert "Read-only file system" in app.sidebar.error[0].value
        button(app, "Start the race").click().run()
        assert not app.exception
        assert "set RESVIZ\\_HOME" in app.sidebar.error[0].value
