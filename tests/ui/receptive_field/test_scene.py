"""The picture of the page, and what it says where there is none."""

import numpy as np
import pytest

from resviz.ui.receptive_field import scene
from resviz.ui.services import receptive_fields
from tests.app.test_pages import run, words
from tests.ui.receptive_field.pages import button, page


def test_a_unit_that_nothing_moves_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receptive_fields, "on_pictures", lambda *asked: None)
    app = page(layer="layer2.0")
    assert ["No pixel moves this unit" in info.value for info in app.info] == [True]
    assert "Can see 13 × 13 px" in words(app)


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
    button(app, "Open features.1.0").click().run()
    assert not app.error
    assert "Can see 28 × 28 px" in words(app)


def test_a_mean_that_is_nothing_but_rounding_is_zero() -> None:
    values = np.random.default_rng(0).normal(size=(8, 5, 5)).astype(np.float32)
    assert scene.mean_over_channels(values).any()
    assert not scene.mean_over_channels(values - values.mean(0)).any()
