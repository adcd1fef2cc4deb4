"""The page on BatchNorm in each of its states."""

import io
import json
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from streamlit.testing.v1 import AppTest

from resviz.data import samples
from resviz.data.images import decode
from resviz.models import zoo
from resviz.probes.batchnorm.layers import spreads
from resviz.probes.batchnorm.statistics import batchnorm
from resviz.ui.base.numbers import times
from resviz.ui.batchnorm.worked_inputs import parse
from tests.app.test_pages import SMALL, png, run, words


def page(**query: str) -> AppTest:
    app = run("batchnorm", **{"model": SMALL, **query})
    assert not app.exception
    return app


def charts(app: AppTest) -> int:
    return len(app.get("plotly_chart"))


def drawn(app: AppTest) -> list[dict[str, Any]]:
    """The plotly charts of the page."""
    return [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")]


def test_first_visit_shows_drift_gamma_and_a_channel_of_the_bundled_model() -> None:
    app = run("batchnorm")
    assert not app.exception
    assert not app.error
    assert charts(app) == 3
    layers = batchnorm(zoo.load("bundled/resnet18-imagenette").model)
    off, channels = sum(len(la.switched_off) for la in layers), sum(len(la.gamma) for la in layers)
    assert f"Of {channels:,} channels {off:,} are off" in words(app)
    assert "from 20 batches" in words(app)


def test_the_address_names_batch_corruption_layer_and_channel() -> None:
    app = page(batch="noise", corruption="blur", strength="5", bn="layer2.0.bn1", unit="3")
    assert not app.error
    assert app.selectbox(key="bn").value == "layer2.0.bn1"
    assert app.selectbox(key="unit").value == 3
    assert app.select_slider(key="strength").value == 5
    assert "Channel 3: γ 1" in words(app)


def test_a_layer_before_a_shortcut_says_why_there_is_no_relu() -> None:
    assert "No ReLU follows directly" in words(page(batch="photo", bn="layer1.0.bn2"))
    assert "No ReLU follows directly" not in words(page(batch="photo", bn="layer1.0.bn1"))


@pytest.mark.parametrize(("batch", "count"), [("samples", 12), ("noise", 8), ("photo", 1)])
def test_three_kinds_of_statistics_answer_for_every_image_of_the_batch(
    batch: str, count: int
) -> None:
    app = page(aspect="answers", batch=batch, corruption="invert")
    assert not app.error
    assert (f"Of {count} images" in words(app)) is (count > 1)
    assert "untrained" in words(app)
    assert ("this very batch" in words(app)) is (batch == "samples")
    assert charts(app) == 1


def test_other_statistics_begin_with_a_blurred_photo_so_that_all_three_differ() -> None:
    app = page(aspect="answers")
    assert (app.session_state["batch"], app.session_state["corruption"]) == ("photo", "blur")
    own, recalibrated = drawn(app)[0]["data"]
    assert own["y"] != recalibrated["y"]
    assert "this very batch" not in words(app)
    chosen = page(aspect="answers", batch="samples", corruption="none")
    assert (chosen.session_state["batch"], chosen.session_state["corruption"]) == (
        "samples",
        "none",
    )
    assert page(aspect="drift").session_state["batch"] == "samples"


def test_what_a_part_chose_by_itself_is_said_and_what_the_visitor_chose_holds_in_all_parts() -> (
    None
):
    app = page(aspect="drift")
    assert "chosen by this part" not in words(app)
    app.segmented_control(key="aspect").set_value("answers").run()
    assert "This photo, Blur: chosen by this part" in words(app)
    app.segmented_control(key="batch").set_value("noise").run()
    assert "\nBlur: chosen by this part" in words(app)
    app.segmented_control(key="corruption").set_value("contrast").run()
    assert "chosen by this part" not in words(app)
    for part in ("size", "fold", "drift"):
        app.segmented_control(key="aspect").set_value(part).run()
        assert not app.error
        assert (app.session_state["batch"], app.session_state["corruption"]) == (
            "noise",
            "contrast",
        )


def test_batch_size_draws_the_funnel_and_the_errors() -> None:
    app = page(aspect="size", batch="noise")
    assert not app.error
    assert charts(app) == 2
    assert "drawn from these 8 images" in words(app)


def test_batch_size_of_one_photo_is_one_sentence() -> None:
    app = page(aspect="size", batch="photo")
    assert len(app.error) == 1
    assert "add a second one" in app.error[0].value


@pytest.mark.parametrize(
    ("norm", "says"), [("none", "no other normalisation"), ("group", "GroupNorm (7)")]
)
@pytest.mark.parametrize("part", ["drift", "answers", "size", "fold"])
def test_a_network_without_batch_norm_says_so_and_shows_what_there_is(
    norm: str, says: str, part: str
) -> None:
    app = page(model=f"{SMALL}&norm={norm}", aspect=part)
    assert not app.error
    assert says in app.info[0].value
    assert charts(app) == 1
    assert "as they were at the start: 1 and 0" in words(app), "no chart of constants"
    assert [link.proto.page for link in app.get("page_link")] == ["training"]


def test_what_a_network_without_batch_norm_scatters_is_what_the_probe_says() -> None:
    model = f"{SMALL}&norm=none"
    app = page(model=model, aspect="drift")
    net = zoo.load(model)
    views = [
        np.array(net.preprocess.view(decode(samples.read(sample.key)).image))
        for sample in samples.SAMPLES
    ]
    x = torch.stack([net.preprocess.tensor(view) for view in views])
    found = list(spreads(net.model, x).values())
    assert (
        f"the deviation of the last layer is {times(found[-1] / found[0])} that of the first"
        in words(app)
    )


def test_by_hand_works_for_a_network_without_batch_norm_as_well() -> None:
    app = page(model=f"{SMALL}&norm=none", aspect="hand")
    assert not app.info
    assert charts(app) == 2


def test_by_hand_reveals_one_step_after_the_other() -> None:
    first, last = page(aspect="hand"), page(aspect="hand", step="6")
    assert not last.error
    assert (len(first.latex), len(last.latex)) == (1 + 2, 6 + 2)
    assert r"\tfrac{1}{2} (2 + 6) = 4" in first.latex[0].value
    assert "= 0.4" in last.latex[5].value
    assert "= 1.7" in last.latex[5].value


def test_by_hand_follows_the_batch_that_was_typed_and_the_bias_moves_only_the_running_mean() -> (
    None
):
    app = page(aspect="hand", step="5")
    app.text_area(key="hand_batch").set_value("1, 3, 5, 7")
    app.number_input(key="hand_gamma").set_value(2.0)
    app.slider(key="hand_bias").set_value(4.0).run()
    assert not app.exception
    assert "= 8" in app.latex[0].value  # the mean 4 and the bias
    assert "= 5" in app.latex[2].value  # the variance of 1, 3, 5, 7
    assert (
        "what goes in moves by 4, what comes out by 0. Only the running mean notices, by 0.4"
        in words(app)
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("2", "batch of one"),
        ("2, x", "no number"),
        ("nan, 1", "no number"),
        ("inf, 1", "too large"),
        ("1, 2\n1", "equally many"),
        ("", "1 to 4 lines"),
    ],
)
def test_a_batch_that_cannot_be_is_one_sentence(text: str, says: str) -> None:
    app = page(aspect="hand")
    app.text_area(key="hand_batch").set_value(text).run()
    assert not app.exception
    assert len(app.error) == 1
    assert says in app.error[0].value


def test_with_a_bias_what_goes_in_is_called_x_plus_b() -> None:
    with_bias, without = (
        page(aspect="hand", step="4", hand_bias="2.5"),
        page(aspect="hand", step="4"),
    )
    assert r"\sum (x_i + b) = \tfrac{1}{2} (4.5 + 8.5) = 6.5" in with_bias.latex[0].value
    assert [with_bias.latex[i].value.count("x_i + b") for i in (1, 3)] == [1, 2]
    assert "the bias b = 2.5" in words(with_bias)
    lines, bars = zip(*(drawn(app) for app in (with_bias, without)), strict=True)
    assert [bar["data"][0]["x"] for bar in bars] == [["x₁ + b", "x₂ + b"], ["x₁", "x₂"]]
    assert [line["layout"]["yaxis"]["ticktext"] for line in lines] == [
        ["x + b", "x + b − μ", "x̂"],
        ["x", "x − μ", "x̂"],
    ]
    assert not any("+ b" in formula.value for formula in without.latex[:4])


def test_a_constant_channel_says_what_comes_out() -> None:
    app = page(aspect="hand", step="4")
    app.text_area(key="hand_batch").set_value("1, 2\n3, 3").run()
    assert "Channel 2 is constant" in words(app)


def test_lines_of_text_become_columns_of_numbers() -> None:
    assert parse("1, 2, -3.5\n\n4;5;6\n").tolist() == [[1, 4], [2, 5], [-3.5, 6]]


def photo(colour: str) -> tuple[str, bytes, str]:
    return f"{colour}.png", png((40, 30), colour), "image/png"


def test_uploads_are_the_batch_and_without_them_the_samples_are() -> None:
    app = page(batch="uploads", aspect="answers")
    assert "the samples are the batch" in app.info[0].value
    app.get("file_uploader")[0].set_value([photo("red"), photo("blue"), photo("white")])
    app.run()
    assert not app.exception
    assert not app.error
    assert "Of 3 images" in words(app)


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ([("paper.png", b"%PDF-1.7 paper", "image/png")], "PDF"),
        ([photo("red")] * 17, "too many"),
    ],
)
def test_uploads_that_cannot_be_are_one_sentence(
    files: list[tuple[str, bytes, str]], says: str
) -> None:
    app = page(batch="uploads")
    app.get("file_uploader")[0].set_value(files)
    app.run()
    assert not app.exception
    assert len(app.error) == 1
    assert says in app.error[0].value


def test_constant_pictures_are_no_failure() -> None:
    app = page(batch="uploads")
    file = io.BytesIO()
    Image.new("RGB", (64, 64), "black").save(file, "PNG")
    app.get("file_uploader")[0].set_value([("black.png", file.getvalue(), "image/png")])
    app.run()
    assert not app.exception
    assert not app.error


@pytest.mark.parametrize(
    "part", ["drift", "answers", "size", "fold", "hand", "training", "mismatch", "<script>"]
)
def test_nonsense_in_the_address_is_ignored(part: str) -> None:
    app = page(
        aspect=part,
        batch="<b>",
        corruption="fog",
        strength="99",
        bn="fc",
        unit="-1",
        image="77",
        step="9",
    )
    assert not app.error
    assert not app.warning
