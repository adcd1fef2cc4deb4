"""A step that is picked in the picture is handed on, once, as a whole number."""

from types import SimpleNamespace

import pytest
import streamlit as st

from resviz.ui.widgets import depth_by_step


@pytest.mark.parametrize(("picked", "handed_on"), [(12.0, [12]), (None, [])])
def test_a_picked_step_is_handed_on(monkeypatch, picked, handed_on):
    mounted, steps = {}, []
    monkeypatch.setattr(depth_by_step, "_films", lambda **options: mounted.update(options))
    monkeypatch.setattr(st, "session_state", {"films-run": SimpleNamespace(picked=picked)})
    depth_by_step.show("<div></div>", "run", steps.append)
    mounted["on_picked_change"]()
    assert (mounted["data"], mounted["key"]) == ("<div></div>", "films-run")
    assert steps == handed_on
