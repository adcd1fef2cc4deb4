"""Gradient flow through training: what a run recorded is what the page says."""

from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from resviz import cli
from resviz.training.runs import reader
from resviz.ui.base.numbers import times
from tests.training.squares import folder
from tests.ui.gradient_flow import pages


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("RESVIZ_HOME", str(tmp_path / "home"))
    return tmp_path


def run(**query: str) -> AppTest:
    return pages.run(part="training", **query)


def test_without_a_run_the_page_tells_where_to_train(home: Path) -> None:
    app = run()
    assert not app.exception
    assert app.info[0].value == "No run has been recorded yet."
    button = next(button for button in app.button if button.label.startswith("Train networks"))
    button.click().run()
    assert not app.exception
    assert any(button.label == "Start the race" for button in app.button)
    assert app.session_state["record"] == "full"


def test_two_runs_lie_side_by_side_and_the_numbers_are_the_recorded_ones(home: Path) -> None:
    data = folder(home / "squares")
    for family in ("plain", "residual"):
        command = (
            f"train --model new/{family}-8?width=4&classes=2 --dataset {data} --epochs 2 "
            "--side 8 --record full"
        )
        assert cli.main([*command.split(), "--threads", "1"]) == 0
    app = run(recorded="weight_gradient")
    assert not app.exception
    assert len(app.multiselect[0].value) == 2
    text = "\n".join(element.value for element in app.markdown)
    for info in reader.runs():
        steps, values = reader.read(info.id).norms("weight_gradient", 300)
        layers = reader.read(info.id).layers("weight_gradient")
        assert layers[-1] == "fc"
        first, convolutions = values[0], values[0][:-1]  # the classifier is left out
        family = info.model.removeprefix("new/").partition("-")[0]
        assert f"{family.title()}-8, width 4" in text
        assert (
            f"at step {steps[0]}: the first is {times(float(first[0]) / float(first[-2]))} the "
            "last; " in text
        )
        peak = layers[int(np.argmax(convolutions))]
        assert f"the largest is {convolutions.max():.3g}, at {peak}." in text.replace("\\", "")
    assert "the same place in both" in "\n".join(element.value for element in app.caption)
    last = app.select_slider(key="film-step").options[-1]
    app.select_slider(key="film-step").set_value(int(last)).run()
    assert f"at step {last}: the first is" in "\n".join(element.value for element in app.markdown)
    app.multiselect[0].set_value(app.multiselect[0].value[:1]).run()
    assert "Move over the picture to read" in "\n".join(element.value for element in app.caption)


def test_the_first_pair_differs_in_nothing_but_the_shortcuts(home: Path) -> None:
    data = folder(home / "squares")
    for model in (
        "plain-8?width=4",
        "residual-8?width=4",
        "residual-8?width=4&norm=none",
        "plain-14?width=4",
    ):
        command = (
            f"train --model new/{model}&classes=2 --dataset {data} --epochs 2 --side 8 "
            "--record full"
        )
        assert cli.main([*command.split(), "--threads", "1"]) == 0
    shown = [reader.read(name).info().model for name in run().multiselect[0].value]
    assert [model.partition("&")[0].partition("?")[0] for model in shown] == [
        "new/plain-8",
        "new/residual-8",
    ]
    assert not any("norm" in model for model in shown)
