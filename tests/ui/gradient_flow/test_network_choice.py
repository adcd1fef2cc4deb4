"""Stories set every switch, and a choice names networks that differ in nothing but the family."""

from resviz.ui.gradient_flow import network_choice
from resviz.ui.gradient_flow.network_choice import Choice
from tests.ui.gradient_flow.pages import run, text


def test_a_story_sets_every_switch_and_is_marked_as_told(monkeypatch):
    monkeypatch.setitem(network_choice.USUAL, "seeds", "1")  # each takes seconds at this depth
    app = run(depth="14", norm="group", images="photos")
    app.button(key="story-holds").click().run()
    assert app.select_slider(key="depth").value == 56
    assert app.select_slider(key="seeds").value == 1
    assert app.session_state["families"] == ["plain"]
    assert app.session_state["norm"] == "none"
    assert app.session_state["images"] == "noise"
    assert "stays level" in text(app)


def test_a_family_made_to_do_without_normalisation_gets_none():
    choice = Choice(("residual", "fixup"), 20, "batch", "he", "relu", "noise", 1)
    assert choice.models == {"residual": "new/residual-20", "fixup": "new/fixup-20"}
    assert choice.title("new/fixup-20") == "Fixup-20"
    assert network_choice.sweep_of(choice).jobs == [("new/residual-20", 0), ("new/fixup-20", 0)]
