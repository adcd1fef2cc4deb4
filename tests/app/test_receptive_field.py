"""The page on receptive fields in each of its states, without a browser."""

import re
from typing import Any

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest
from torchvision.transforms.functional import to_pil_image

from resviz.data import datasets, samples
from resviz.data.images import decode
from resviz.models import zoo
from resviz.probes.receptive_field.effective import INPUTS, effective_receptive_field, noise
from resviz.ui.receptive_field import scene
from resviz.ui.services import receptive_fields
from tests.app.test_pages import SMALL, run, words


def page(**query: str) -> AppTest:
    app = run("receptive_field", model=SMALL, against=";", **query)
    assert not app.exception
    return app


def test_the_pinned_unit_has_the_numbers_of_the_probes() -> None:
    app = page(layer="layer2.0", units="3,5")
    loaded = zoo.load(SMALL)
    x = loaded.preprocess(decode(samples.read(samples.SAMPLES[0].key)).image)[None]
    found = effective_receptive_field(loaded.model, x, "layer2.0", (3, 5), draws=16)
    said = words(app)
    assert "**Unit in row 3, column 5**" in said
    assert (
        "Can see 13 × 13 px, 13 × 13 of them in the image" in said
    )  # 7 + 2 + 4, from -6 + 2 * 3 on
    assert (
        f"an area of {found.size:.3g} × {found.size:.3g} px, {found.size / (13 * 13) ** 0.5:.0%}"
        in said
    )
    assert "rank" in said


@pytest.mark.parametrize("units", ["99,99", "a,b", "3", ";;", "3,5;<script>", "-1,2"])
def test_a_unit_that_the_layer_lacks_gives_way_to_the_middle_one_or_to_those_it_has(
    units: str,
) -> None:
    expected = "row 3, column 5" if units.startswith("3,") else "row 8, column 8"
    assert expected in words(page(layer="layer2.0", units=units))


def test_noise_is_the_noise_of_the_ladder() -> None:
    loaded = zoo.load(SMALL)
    found = effective_receptive_field(loaded.model, noise(INPUTS, 32), "layer2.0")
    assert f"an area of {found.size:.3g} × {found.size:.3g} px, {found.ratio:.0%}" in words(
        page(layer="layer2.0", inputs="noise")
    )


def test_a_layer_behind_a_mean_sees_the_whole_image_and_has_no_grad_cam() -> None:
    said = words(page(layer="avgpool", more="arithmetic"))
    assert "Can see 32 × 32 px" in said
    assert "avgpool is a single cell" in said.replace("\\", "")
    assert "through a mean over the map" in said


def test_the_arithmetic_ends_with_the_layers_field() -> None:
    app = page(layer="layer2.0", more="arithmetic")
    table = app.dataframe[0].value
    assert list(table["r"]) == [3, 5, 7, 9, 13]
    assert list(table["j"]) == [1, 1, 1, 2, 2]
    assert app.get("latex")


def test_the_fit_names_the_layer_that_outgrows_the_image() -> None:
    app = run("receptive_field", model="new/residual-20?width=4", more="fit", layer="layer1.0")
    assert "**From layer2.2.conv1 on a unit could see more" in words(app)  # 15, + 2, + 4 four times
    assert len(app.dataframe[0].value) == 19


def test_over_depth_compares_networks_and_says_why_one_cannot_be_had() -> None:
    app = run(
        "receptive_field", model=SMALL, more="depth", against="new/plain-8?width=4;new/residual-9"
    )
    assert not app.exception
    assert "6n + 2" in words(app)
    assert app.multiselect(key="against").value == ["new/plain-8?width=4", "new/residual-9"]


def test_the_small_stack_is_taken_from_the_address() -> None:
    app = page(more="stack", stack="5,2,1;3,1,2")
    assert "One unit behind these windows sees 13 px; neighbours lie 2 px apart" in words(
        app
    )  # 5, + 2 * 2 * 2


@pytest.mark.parametrize("stack", ["", "nonsense", "0,0,0", "3,1", "99,1,1;3,1,1"])
def test_a_stack_that_is_none_gives_way_to_the_usual_one(stack: str) -> None:
    assert "sees 11 px" in words(page(more="stack", stack=stack))  # 3, 5, 7, + 2 * 2


def test_a_unit_that_nothing_moves_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receptive_fields, "on_pictures", lambda *asked: None)
    app = page(layer="layer2.0")
    assert ["No pixel moves this unit" in info.value for info in app.info] == [True]
    assert "Can see 13 × 13 px" in words(app)


@pytest.mark.parametrize("source", ["samples", "data"])
def test_several_pictures_give_the_mean_of_their_energies(source: str) -> None:
    app = page(layer="layer2.0", inputs=source)
    loaded = zoo.load(SMALL)
    if source == "samples":
        x = torch.stack(
            [
                loaded.preprocess(decode(samples.read(sample.key)).image)
                for sample in samples.SAMPLES
            ]
        )
    else:
        pixels = datasets.load(
            "digits", loaded.input_size, view=loaded.preprocess.view, few=48
        ).test.images[:24]
        x = torch.stack([loaded.preprocess.tensor(to_pil_image(image)) for image in pixels])
    found = effective_receptive_field(loaded.model, x, "layer2.0", batch=4)
    assert f"an area of {found.size:.3g} × {found.size:.3g} px, {found.ratio:.0%}" in words(app)


def test_the_window_under_the_sliders_changes_and_others_come_and_go() -> None:
    app = page(more="stack", stack="3,1,1;3,1,1", window="1")
    app.slider(key="stack-kernel").set_value(5).run()
    assert "sees 7 px" in words(app)  # 5, + 2
    app.slider(key="stack-stride").set_value(2).run()
    app.slider(key="stack-dilation").set_value(2).run()
    assert "sees 13 px; neighbours lie 2 px apart" in words(app)  # 1 + 4 * 2, + 2 * 2
    _button(app, "Add one behind").click().run()
    assert app.session_state["view"]["stack"] == "5,2,2;5,2,2;3,1,1"
    assert "**Window 2 of 3**" in words(app)
    _button(app, "Remove").click().run()
    _button(app, "Remove").click().run()
    assert app.session_state["view"]["stack"] == "3,1,1"
    assert _button(app, "Remove").disabled
    for _time in range(7):
        _button(app, "Add one behind").click().run()
    assert "sees 17 px" in words(app)
    assert _button(app, "Add one behind").disabled


def _button(app: AppTest, label: str) -> Any:
    return next(button for button in app.button if button.label == label)


def test_at_the_frame_it_counts_what_a_unit_sees_of_the_image() -> None:
    said = words(page(layer="layer2.0", units="0,15"))
    assert (
        "Can see 13 × 13 px, 7 × 8 of them in the image" in said
    )  # rows -6 to 6, columns 24 to 36 of 32
    spread = re.search(r"Standard deviation ([\d.]+) px down and ([\d.]+) px across", said)
    loaded = zoo.load(SMALL)
    x = loaded.preprocess(decode(samples.read(samples.SAMPLES[0].key)).image)[None]
    energy = effective_receptive_field(
        loaded.model, x, "layer2.0", (0, 15), draws=16
    ).energy.astype(float)
    for axis, told in enumerate(spread.groups()):
        places = np.repeat(
            np.indices(energy.shape)[axis].ravel(), np.rint(energy.ravel() * 1e7).astype(int)
        )
        assert float(told) == pytest.approx(places.std(), rel=0.01)


def test_several_units_stay_until_they_are_clicked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = {"units": "1,1;2,2", "several": "True"}
    monkeypatch.setattr(scene.url_state, "chosen", kept.get)
    monkeypatch.setattr(scene.url_state, "choose", kept.__setitem__)
    steps = {"3,3": "1,1;2,2;3,3", "1,1": "2,2;3,3", "4,4": "2,2;3,3;4,4", "5,5": "2,2;3,3;4,4;5,5"}
    steps |= {"6,6": "2,2;3,3;4,4;5,5;6,6", "7,7": "3,3;4,4;5,5;6,6;7,7"}
    for picked, expected in steps.items():
        scene.pin(picked)
        assert kept["units"] == expected
    grid = scene.drawings.Grid((9, 9), (32, 32), (3, 3), (1, 1), (0, 0))
    assert len(scene._pins(grid)) == 5
    kept["several"] = "False"
    assert scene._pins(grid) == ((7, 7),)
    scene.pin("7,7")
    assert kept["units"] == "7,7", "the only one stays"


def test_a_layer_that_gives_no_map_is_said_to_give_none() -> None:
    assert "fc gives no map in this network; this is layer3.0" in words(page(layer="fc")).replace(
        "\\", ""
    )


def test_a_layer_without_fields_has_a_way_to_one_with_and_all_else_stays() -> None:
    app = run(
        "receptive_field",
        model="torchvision/swin_t?weights=none",
        layer="features.1.1",
        more="stack",
    )
    assert not app.exception
    assert "is lost at the operation" in app.error[0].value
    assert "One unit behind these windows" in words(app)
    _button(app, "Open features.0.0").click().run()
    assert not app.error
    assert "Can see 4 × 4 px" in words(app)


def test_a_mean_that_is_nothing_but_rounding_is_zero() -> None:
    values = np.random.default_rng(0).normal(size=(8, 5, 5)).astype(np.float32)
    assert scene._mean(values).any()
    assert not scene._mean(values - values.mean(0)).any()


def test_a_stack_whose_field_is_wider_than_any_screen_is_told_and_not_drawn() -> None:
    app = page(more="stack", stack=";".join(["31,8,16"] * 8))
    size = 1 + 30 * 16 * sum(8**i for i in range(8))
    assert f"A field of {size:,} px is too wide" in app.info[0].value
    assert f"sees {size} px" in words(app)
    assert not app.get("plotly_chart")
