"""The page on gradient flow in each of its parts: the probe's numbers, stories, stopping."""

import pytest
from streamlit.testing.v1 import AppTest

from resviz.models.spec import FAMILIES
from resviz.probes.gradient_flow import disk_cache
from resviz.probes.gradient_flow.over_seeds import Batch, Profile, measure
from resviz.probes.gradient_flow.shattering import shattering
from resviz.ui.base.numbers import times
from resviz.ui.gradient_flow import network_choice, sweep
from tests.app.test_pages import run as visit


@pytest.fixture(autouse=True)
def _nothing_known(monkeypatch, tmp_path):
    monkeypatch.setenv("RESVIZ_HOME", str(tmp_path))
    monkeypatch.setattr(sweep, "_shelf", sweep.BoundedCache(64))


def run(**query: str) -> AppTest:
    return visit("gradient_flow", **{"depth": "8", "seeds": "2", **query})


def words(app: AppTest) -> str:
    assert not app.exception
    assert not app.error
    return "\n".join(e.value for kind in (app.caption, app.markdown) for e in kind)


def test_the_page_says_what_the_probe_measures():
    said = words(run())
    for family, colour in (("plain", "orange"), ("residual", "blue")):
        found = Profile("", tuple(measure(f"new/{family}-8", s, Batch()) for s in (0, 1)))
        assert (
            f":{colour}[**{family.title()}-8**]: the first layer's gradient is {times(found.ratio())} the"
            in said
        )
    assert "within a factor of 10" in said


@pytest.mark.parametrize("quantity", ["relative", "block_gradient", "deviation"])
def test_every_quantity_has_a_sentence_and_a_table(quantity):
    app = run(quantity=quantity)
    assert "**stays level**" in words(app)
    assert len(app.get("download_button")) == 1


def test_a_story_sets_every_switch_and_is_marked_as_told(monkeypatch):
    monkeypatch.setitem(network_choice.USUAL, "seeds", "1")  # each takes seconds at this depth
    app = run(depth="14", norm="group", images="photos")
    app.button(key="story-holds").click().run()
    assert app.select_slider(key="depth").value == 56
    assert app.select_slider(key="seeds").value == 1
    assert app.session_state["families"] == ["plain"]
    assert app.session_state["norm"] == "none"
    assert app.session_state["images"] == "noise"
    assert "stays level" in words(app)


def test_all_families_stand_side_by_side_and_one_without_a_gradient_says_why():
    said = words(run(families=",".join(FAMILIES), seeds="1"))
    assert said.count("-8**]: ") == len(FAMILIES)
    assert "Fixup-8**]: nothing at the first and last place" in said


def test_shares_are_of_families_with_shortcuts():
    said = words(run(part="shares"))
    assert "add up to 100%" in said
    assert "A plain network has no shortcut" in said
    assert "A plain network has no shortcut" not in words(run(part="shares", families="residual"))
    app = run(part="shares", families="plain")
    assert [info.value[:29] for info in app.info] == ["None of these networks has a "]


def test_shattering_says_the_probes_correlations():
    said = words(run(part="shattered", layers="8", beta="0.1"))
    plain, residual = (abs(shattering(kind, 8, 5, 0.1).mean[1]) for kind in ("plain", "residual"))
    assert (
        f"at **{plain:.2f}** in the plain network and at **{residual:.2f}** in the residual one"
        in said
    )


def test_a_second_visitor_waits_for_nothing(monkeypatch):
    run()
    monkeypatch.setattr(disk_cache, "measure", lambda *_, **__: pytest.fail("computed again"))
    assert "Plain-8" in words(run())
    monkeypatch.setattr(
        sweep, "_shelf", sweep.BoundedCache(64)
    )  # after a restart the disk still knows
    assert "Plain-8" in words(run())


def test_a_stopped_sweep_shows_what_is_known_and_goes_on_when_asked(monkeypatch):
    done = run(families="plain", seeds="1")
    assert "1 of 2" not in words(done)
    app = run(families="plain", seeds="1")
    app.session_state[sweep._STOPPED] = sweep.Sweep(("new/plain-8",), 2, Batch())
    app.select_slider(key="seeds").set_value(2).run()
    assert "Stopped: 1 of 2 measurements are shown." in words(app)
    assert "Plain-8" in words(app)
    next(button for button in app.button if button.label == "Go on").click().run()
    assert "Stopped" not in words(app)


@pytest.mark.parametrize(
    "query", [{"families": "<script>,,"}, {"depth": "9"}, {"norm": "layer", "part": "x"}]
)
def test_nonsense_in_the_address_is_ignored(query, monkeypatch):
    monkeypatch.setitem(network_choice.USUAL, "depth", "14")
    assert f"Plain-{14 if 'depth' in query else 8}" in words(run(**query))
