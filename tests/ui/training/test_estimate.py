"""How long it takes is said once somebody asked, as people say it."""

import pytest

from resviz.errors import TrainingError
from resviz.training.launch import cost, places
from resviz.training.launch.cost import Timing
from resviz.ui.base.bounded_cache import BoundedCache
from resviz.ui.training import estimate as estimates
from tests.app.test_pages import words
from tests.ui.training.pages import button, page


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
