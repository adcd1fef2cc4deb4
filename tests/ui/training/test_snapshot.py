"""One look for all who watch; what breaks between two looks is left out."""

import shutil

from resviz.training.runs import reader
from resviz.ui.training import snapshot
from resviz.ui.training import start as start_module


def test_a_run_that_breaks_between_two_looks_is_left_out_and_the_page_stands_still(finished):
    shutil.copytree(reader.runs_folder() / finished, reader.runs_folder() / "other")
    (reader.runs_folder() / "other" / "config.json").write_text("{")
    seen = snapshot.fresh([finished, "other"], "loss")
    assert [watched.info.id for watched in seen.runs] == [finished]
    assert [run_id for run_id, _ in seen.left_out] == ["other"]
    assert start_module.exists("other")
    assert not start_module.exists("gone")


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
