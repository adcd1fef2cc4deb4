"""Each measurement is made once, and a visitor can stop and go on."""

import pytest

from resviz.probes.gradient_flow import disk_cache
from resviz.probes.gradient_flow.over_seeds import Batch
from resviz.ui.gradient_flow import sweep
from tests.ui.gradient_flow.pages import run, text


def test_a_second_visitor_waits_for_nothing(monkeypatch):
    run()
    monkeypatch.setattr(disk_cache, "measure", lambda *_, **__: pytest.fail("computed again"))
    assert "Plain-8" in text(run())
    # after a restart the disk still knows
    monkeypatch.setattr(sweep, "_measurements", sweep.BoundedCache(64))
    assert "Plain-8" in text(run())


def test_a_stopped_sweep_shows_what_is_known_and_goes_on_when_asked():
    done = run(families="plain", seeds="1")
    assert "1 of 2" not in text(done)
    app = run(families="plain", seeds="1")
    app.session_state[sweep._STOPPED] = sweep.Sweep(("new/plain-8",), 2, Batch())
    app.select_slider(key="seeds").set_value(2).run()
    assert "Stopped: 1 of 2 measurements are shown." in text(app)
    assert "Plain-8" in text(app)
    next(button for button in app.button if button.label == "Go on").click().run()
    assert "Stopped" not in text(app)


def test_the_first_seed_of_every_network_comes_first():
    asked = sweep.Sweep(("a", "b"), 2, Batch())
    assert asked.jobs == [("a", 0), ("b", 0), ("a", 1), ("b", 1)]


def test_nothing_is_drawn_before_something_is_measured():
    app = run(families="plain", seeds="1")
    app.session_state[sweep._STOPPED] = sweep.Sweep(("new/plain-14",), 1, Batch())
    app.select_slider(key="depth").set_value(14).run()
    assert "Stopped: 0 of 1 measurements are shown." in text(app)
    assert not app.get("plotly_chart")
