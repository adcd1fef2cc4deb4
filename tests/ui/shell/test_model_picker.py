"""The model picker of the sidebar: what it offers in which order, and a run at each checkpoint."""

import json
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from resviz.models import zoo
from resviz.probes.receptive_field.effective import effective_receptive_fields, noise
from resviz.training.launch.start import start_run
from resviz.ui.shell import model_picker
from tests.app.test_pages import run as visit
from tests.app.test_pages import words
from tests.training.squares import CONFIG, MODEL, folder


@pytest.fixture
def finished(tmp_path: Path, home: Path) -> str:
    made, events = start_run(MODEL, folder(tmp_path / "squares"), CONFIG)
    list(events)
    return f"run/{made.name}"


def test_models_come_group_by_group_and_the_youngest_run_first():
    old, young = "run/residual-8-20250101-120000-7", "run/plain-8-20260101-120000-7"
    names = [
        "file/a.pt",
        "torchvision/resnet18",
        "new/plain-20",
        old,
        young,
        "bundled/b",
        "bundled/a",
    ]
    ordered = [
        "bundled/b",
        "bundled/a",
        young,
        old,
        "new/plain-20",
        "torchvision/resnet18",
        "file/a.pt",
    ]
    assert model_picker.offered(names, None) == ordered
    assert model_picker.offered(names, "new/plain-8") == [*ordered, "new/plain-8"]


def test_a_checkpoint_of_a_run_stands_in_the_place_of_the_run():
    names = ["bundled/a", "run/r", "run/s"]
    assert model_picker.offered(names, "run/r?checkpoint=epoch-2") == [
        "bundled/a",
        "run/r?checkpoint=epoch-2",
        "run/s",
    ]
    assert model_picker.offered(names, "run/gone?checkpoint=epoch-2") == [
        *names,
        "run/gone?checkpoint=epoch-2",
    ]


def visited(page: str, **query: str) -> AppTest:
    app = visit(page, **query)
    assert not app.exception
    assert not app.error
    return app


def test_the_fields_of_a_run_are_compared_with_those_before_its_training(finished):
    app = visited("receptive_field", model=finished, more="depth")
    against = app.multiselect(key="against")
    assert against.value == [f"{finished}?checkpoint=initial"]
    assert against.options[:3] == ["this run, untrained", "this run, epoch 1", "this run, epoch 2"]
    chart = json.loads(app.get("plotly_chart")[0].proto.spec)
    drawn = [trace["y"] for trace in chart["data"] if trace["line"].get("dash")]
    for name, shown in zip((finished, f"{finished}?checkpoint=initial"), drawn, strict=True):
        loaded = zoo.load(name)
        fields = effective_receptive_fields(loaded.model, noise(4, loaded.input_size), ["layer3.0"])
        assert fields["layer3.0"].size == pytest.approx(shown[-1])


def test_a_run_is_offered_and_scrubbed_through_its_checkpoints(finished):
    app = visited("overview", model=finished)
    slider = app.select_slider(key="checkpoint")
    assert slider.options == ["untrained", "epoch 1", "epoch 2", "epoch 3", "final"]
    assert slider.value == "final"
    slider.set_value("epoch-2").run()
    assert not app.exception
    assert app.session_state["view"]["model"] == f"{finished}?checkpoint=epoch-2"
    assert app.selectbox(key="model").value == f"{finished}?checkpoint=epoch-2"
    app.select_slider(key="checkpoint").set_value("final").run()
    assert app.session_state["view"]["model"] == finished


def test_a_checkpoint_keeps_the_layer_that_is_looked_at_and_another_model_does_not(finished):
    app = visited("feature_maps", model=f"{finished}?checkpoint=epoch-1", layer="layer2.0")
    app.select_slider(key="checkpoint").set_value("initial").run()
    assert app.selectbox(key="layer").value == "layer2.0"
    app.selectbox(key="model").set_value("new/plain-20").run()
    assert "layer" not in app.session_state["view"]
    assert "checkpoint" not in [slider.key for slider in app.select_slider]


def test_another_checkpoint_gives_another_answer(finished):
    first, last = (
        visited("overview", model=name) for name in (f"{finished}?checkpoint=initial", finished)
    )
    assert words(first) != words(last)
    assert "its weights are random" in words(first)
    assert "random" not in words(last)
    assert "The run before its first step: random weights." in words(first)
    assert "No record of its training" not in words(first)
    assert "Trained on" in words(last)


def test_no_name_of_a_run_leads_out_of_the_folder_of_runs(finished):
    for name in ("run/..", "run/../runs/" + finished.removeprefix("run/"), "run/"):
        app = visit("overview", model=name)
        assert not app.exception
        assert app.error
        assert not app.select_slider


def test_a_checkpoint_that_was_not_saved_is_one_sentence_with_the_choices(finished):
    app = visit("overview", model=f"{finished}?checkpoint=epoch-9")
    assert not app.exception
    assert "epoch-3" in app.error[0].value
