"""The Training page in each of its states, without a browser; the processes are started in test_jobs."""

import os
import re
import shutil
import time
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from resviz.errors import TrainingError
from resviz.figures.theme import RESIDUAL
from resviz.models.spec import ModelSpec
from resviz.training.launch import cost, places, queue, start
from resviz.training.launch.cost import Timing
from resviz.training.launch.start import start_run
from resviz.training.runs import lock, reader
from resviz.ui.base.bounded_cache import BoundedCache
from resviz.ui.training import estimate as estimates
from resviz.ui.training import monitor, snapshot
from resviz.ui.training import start as start_module
from tests.app.test_pages import run as visit
from tests.app.test_pages import words
from tests.training.squares import CONFIG, CPU, MODEL, folder


@pytest.fixture(autouse=True)
def launched(monkeypatch: pytest.MonkeyPatch, home: Path) -> list[Path]:
    """No process is started; who would have been is kept."""
    found: list[Path] = []
    monkeypatch.setattr(
        queue, "_launch", lambda path: found.append(path) if path not in found else None
    )
    monkeypatch.setattr(start, "best", lambda: CPU)
    return found


@pytest.fixture
def finished(tmp_path: Path) -> str:
    made, events = start_run(MODEL, folder(tmp_path / "squares"), CONFIG)
    list(events)
    return made.name


def page(**query: str) -> AppTest:
    app = visit("training", **query)
    assert not app.exception
    return app


def progress(app: AppTest) -> list[str]:
    """What stands over the bars."""
    bars = [found.proto.body for found in app.get("html") if "progressbar" in found.proto.body]
    return [re.search(r'class="run-state"[^>]*>([^<]*)<', bar)[1] for bar in bars]


def button(app: AppTest, label: str) -> object:
    (found,) = [b for b in app.button if b.label == label]
    return found


def menu(app: AppTest) -> str:
    """What the browser knows the menu of the only run by."""
    (found,) = app.get("popover")
    return str(found.proto.id)


def test_a_first_visit_offers_the_race():
    app = page()
    assert "Nothing has been trained yet" in app.info[0].value
    assert "2 runs" in words(app)
    assert app.selectbox(key="data").value == "digits"
    assert button(app, "Start the race")


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


def test_a_race_of_too_many_says_how_many_and_is_not_cut():
    app = page(racers="plain,residual", depths="8,20,32,56,110", norms="batch,none")
    assert "20 networks are chosen, at most 8" in app.sidebar.warning[0].value
    assert button(app, "Start the race").disabled
    app = page(racers="plain,residual", depths="8,20", norms="batch,none")
    assert "8 runs" in words(app)
    assert not button(app, "Start the race").disabled


@pytest.mark.parametrize(
    "key", ["minibatch", "rate", "schedule", "record", "seed", "norms", "inits"]
)
def test_a_choice_in_the_address_opens_more(key):
    values = {
        "minibatch": "4",
        "rate": "0.2",
        "schedule": "cosine",
        "record": "light",
        "seed": "3",
        "norms": "none",
    }
    opened = {True: page(**{key: values.get(key, "torch")}), False: page(epochs="2")}
    for expected, app in opened.items():
        (more,) = [found for found in app.expander if found.label == "More choices"]
        assert more.proto.expanded is expected


def test_a_choice_changes_what_is_started():
    app = page(racers="residual", depths="8", epochs="2")
    assert "8 layers" in words(app)
    button(app, "Start").click().run()
    (info,) = reader.runs()
    assert info.model == "new/residual-8"
    assert reader.read(info.id).config["config"]["epochs"] == 2


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
    assert "Lines: training images" in words(app)
    assert "**Residual-8, width 4** :gray[squares]" in words(app)
    assert button(app, "Look inside")
    assert [b.label for b in app.button].count("Stop") == 0


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


def test_norms_and_initialisations_make_a_race_by_the_address():
    app = page(
        preset="race", racers="plain", depths="20", norms="batch,none", inits="he,torch", epochs="3"
    )
    assert "4 runs" in words(app)
    button(app, "Start the race").click().run()
    specs = {str(ModelSpec.parse(info.model.removeprefix("new/"))) for info in reader.runs()}
    assert specs == {
        "plain-20",
        "plain-20?norm=none",
        "plain-20?init=torch",
        "plain-20?norm=none&init=torch",
    }
    assert "**Plain-20, no norm, PyTorch init**" in words(app)


def test_other_families_race_too_and_one_without_norm_only_once():
    app = page(racers="fixup,rezero", depths="8", norms="batch,group")
    button(app, "Start the race").click().run()
    names = {info.model for info in reader.runs()}
    assert names == {"new/fixup-8", "new/rezero-8", "new/rezero-8?norm=group"}


def test_a_run_can_be_repeated_with_one_thing_changed(finished):
    app = page(runs=finished)
    opened = menu(app)
    button(app, "Run again with …").click().run()
    assert app.session_state["view"]["preset"] == f"run/{finished}"
    assert menu(app) != opened, "it is another one, which is closed"
    assert app.select_slider(key="rate").value == 0.1
    app.select_slider(key="epochs").set_value(5).run()
    button(app, "Start").click().run()
    assert not app.exception
    assert app.session_state["view"]["runs"].split(",") == [finished, reader.runs()[0].id], (
        "side by side"
    )
    again, before = (reader.read(info.id).config["request"] for info in reader.runs())
    assert again["config"].pop("epochs") == 5
    assert before["config"].pop("epochs") == 3
    assert (again["model"], again["dataset"], again["config"]) == (
        before["model"],
        before["dataset"],
        before["config"],
    )


def test_a_run_s_settings_are_told_in_words(finished):
    table = next(m.value for m in page(runs=finished).markdown if m.value.startswith("| network"))
    rows = dict(line.strip("| ").split(" | ") for line in table.splitlines() if "---" not in line)
    assert rows["network"] == "Residual-8, width 4"
    assert (rows["epochs"], rows["batch"], rows["rate"], rows["seed"]) == ("3", "8", "0.1", "0")
    assert rows["recorded"] == "light"


def test_an_estimate_is_shown_once_somebody_asked_for_it(monkeypatch):
    def tried(requests, at_once):
        yield None
        yield from [Timing(5.0, 0.1, 1.0, 20, 2**29, 2**33, 9)] * len(requests)

    monkeypatch.setattr(cost, "timing_runs", tried)
    monkeypatch.setattr(estimates, "_timings", BoundedCache(9))
    monkeypatch.setattr(places, "places", lambda: (1, 2))
    app = page()
    button(app, "How long, how much memory?").click().run()
    assert not app.exception
    assert (
        "About 36 s and 1 GiB of memory on this machine; 8 GiB are free. Measured over 9 steps."
        in words(app)
    )
    app.select_slider(key="epochs").set_value(100).run()
    assert "About 5 min 6 s" in words(app), "5 s, 2,000 steps and 101 times the test split"


def test_what_cannot_be_tried_is_said(monkeypatch):
    def refused(requests, at_once):
        yield None
        raise TrainingError("It cannot be tried: no room")

    monkeypatch.setattr(cost, "timing_runs", refused)
    monkeypatch.setattr(estimates, "_timings", BoundedCache(9))
    app = page()
    button(app, "How long, how much memory?").click().run()
    assert "no room" in words(app)


@pytest.mark.parametrize(
    ("seconds", "says"),
    [
        (7, "7 s"),
        (70, "1 min 10 s"),
        (130, "2 min 10 s"),
        (1500, "25 min"),
        (9000, "2.5 h"),
        (260_000, "3.0 days"),
    ],
)
def test_durations_are_said_as_people_say_them(seconds, says):
    assert estimates.duration(seconds) == says


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


def test_an_address_of_a_run_that_is_gone_shows_what_there_is(finished):
    shutil.copytree(reader.runs_folder() / finished, reader.runs_folder() / "other")
    assert len(set(page(runs="other,other").multiselect(key="shown").options)) == 2, (
        "no two have one title"
    )
    app = page(runs="nothing,../..")
    assert not app.error
    assert "Residual-8" in words(app)


@pytest.mark.parametrize(
    "query",
    [
        {"racers": "<b>", "depths": "x,9", "epochs": "-1"},
        {"preset": "x", "data": "y", "curve": "z"},
        {
            "preset": "run/../..",
            "norms": "x,,",
            "inits": "<i>",
            "minibatch": "0",
            "schedule": "never",
        },
    ],
)
def test_nonsense_in_the_address_is_ignored(query):
    assert not page(**query).error


def age(run: Path) -> None:
    """As if nothing had been written there for a minute."""
    for path in run.iterdir():
        os.utime(path, (time.time() - 60,) * 2)


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


def test_a_run_that_breaks_between_two_looks_is_left_out_and_the_page_stands_still(finished):
    shutil.copytree(reader.runs_folder() / finished, reader.runs_folder() / "other")
    (reader.runs_folder() / "other" / "config.json").write_text("{")
    seen = snapshot.fresh([finished, "other"], "loss")
    assert [watched.info.id for watched in seen.runs] == [finished]
    assert [run_id for run_id, _ in seen.left_out] == ["other"]
    assert start_module.exists("other")
    assert not start_module.exists("gone")


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


def test_all_who_watch_in_the_same_second_share_one_look(finished, monkeypatch):
    asked = []
    fresh = snapshot.fresh
    monkeypatch.setattr(snapshot, "fresh", lambda *given: asked.append(1) or fresh(*given))
    monkeypatch.setattr(snapshot.time, "monotonic", lambda: 1000.5)
    looks = [snapshot.latest([finished], "loss") for _ in range(30)]
    assert len(asked) == 1
    assert len(set(map(id, looks))) == 1
    monkeypatch.setattr(snapshot.time, "monotonic", lambda: 1001.5)
    snapshot.latest([finished], "loss")
    assert len(asked) == 2


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
