"""The line of each run: where it stands, and what can be done with it."""

import shutil

from resviz.figures.theme import RESIDUAL
from resviz.training.launch import queue
from resviz.training.launch.start import start_run
from resviz.training.runs import lock, reader
from tests.training.squares import CONFIG, MODEL, folder
from tests.ui.training.pages import button, menu, page, progress


def test_a_stopped_run_can_be_resumed_and_stopped(tmp_path, launched):
    made, events = start_run(MODEL, folder(tmp_path / "squares"), CONFIG)
    next(events)
    events.close()
    app = page(runs=made.name)
    button(app, "Resume").click().run()
    assert reader.read(made.name).status == "queued"
    button(app, "Stop").click().run()
    assert reader.read(made.name).status == "stopped"
    assert button(app, "Resume after all"), "what was stopped for good does not offer it first"


def test_a_paused_run_says_so_and_offers_to_go_on(launched):
    app = page(racers="residual", depths="8")
    button(app, "Start").click().run()
    (info,) = reader.runs()
    button(app, "Pause").click().run()
    assert (reader.read(info.id).status, reader.read(info.id).wish) == ("stopped", "pause")
    assert progress(app) == ["paused"]
    button(app, "Resume").click().run()
    assert reader.read(info.id).status == "queued"


def test_one_click_stops_all_runs_of_a_race():
    app = page()
    button(app, "Start the race").click().run()
    button(app, "Stop all").click().run()
    assert not app.exception
    assert [info.status for info in reader.runs()] == ["stopped", "stopped"]
    assert not [b for b in app.button if b.label == "Stop all"]


def test_a_click_on_stop_is_answered_at_once(monkeypatch):
    app = page(racers="residual", depths="8")
    button(app, "Start").click().run()
    (info,) = reader.runs()
    path = reader.runs_folder() / info.id
    queue._note(path, status="running")
    held = lock.hold(path)  # a process that is busy with a step
    try:
        app.run()
        assert progress(app) == ["starts"]
        button(app, "Stop").click().run()
        assert progress(app) == ["stops after this step …"]
        assert button(app, "Stop").disabled
        assert button(app, "Pause").disabled
    finally:
        lock.release(held)


def test_deleting_takes_the_run_away(finished):
    app = page(runs=finished)
    assert not [found for found in app.button if found.label == "Delete for good"], "it asks first"
    app.checkbox(key=f"sure-{finished}").check().run()
    button(app, "Delete for good").click().run()
    assert not app.exception
    assert reader.runs() == ()
    assert "Nothing has been trained yet" in app.info[0].value
    assert "runs" not in app.session_state["view"]


def test_what_is_deleted_leaves_the_address_and_another_run_has_another_menu(finished):
    shutil.copytree(reader.runs_folder() / finished, reader.runs_folder() / "other")
    app = page(runs=f"{finished},other", preset=f"run/{finished}")
    menus = [str(found.proto.id) for found in app.get("popover")]
    app.checkbox(key=f"sure-{finished}").check().run()
    button(app, "Delete for good").click().run()
    assert not app.exception
    assert app.session_state["view"] == {"runs": "other"}
    assert menu(app) == menus[1] != menus[0]


def test_why_a_run_ended_is_said(finished):
    queue._note(
        reader.runs_folder() / finished,
        status="stopped",
        message="The loss is nan at step 3 of 9; choose *less*.",
    )
    app = page(runs=finished)
    assert r"choose \*less\*" in app.warning[0].value


def test_a_paused_race_goes_on_as_a_race():
    app = page()
    button(app, "Start the race").click().run()
    before = {info.id: info.group for info in reader.runs()}
    button(app, "Pause all").click().run()
    assert progress(app) == ["paused", "paused"]
    button(app, "Resume all").click().run()
    assert not app.exception
    assert {info.id: info.group for info in reader.runs()} == before
    assert [info.status for info in reader.runs()] == ["queued", "queued"]
    assert [info.id for info in queue.queue()] == app.session_state["view"]["runs"].split(",")


def test_a_paused_run_may_join_its_own_race_that_goes_on(launched):
    app = page()
    button(app, "Start the race").click().run()
    button(app, "Pause all").click().run()
    first, _second = (b for b in app.button if b.label == "Resume")
    first.click().run()
    (left,) = [b for b in app.button if b.label == "Resume"]
    assert not left.disabled
    left.click().run()
    assert [info.status for info in reader.runs()] == ["queued", "queued"]
    assert not app.error


def test_each_run_s_menu_and_bar_have_a_name_and_its_family_s_colour(finished):
    app = page(runs=finished)
    (more,) = app.get("popover")
    assert more.proto.popover.label == "More about Residual-8, width 4"
    (bar,) = [found.proto.body for found in app.get("html") if "progressbar" in found.proto.body]
    assert 'aria-label="Residual-8, width 4"' in bar
    assert 'aria-valuenow="100"' in bar
    assert RESIDUAL in bar
