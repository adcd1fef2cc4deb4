"""Which images are the batch: by address, by click, by upload, from a dataset."""

import io

import numpy as np
import pytest
from PIL import Image

from resviz.data import datasets, samples
from resviz.data.images import decode
from resviz.errors import ProbeError
from resviz.models import zoo
from resviz.probes.batchnorm.statistics import BatchMoments, BatchNormLayer, batchnorm
from resviz.ui.batchnorm import batch, results
from resviz.ui.services import image_batches
from resviz.ui.services.subject import Subject
from tests.app.test_pages import SMALL, png, run, words
from tests.ui.batchnorm.pages import charts, page

MOMENTS = BatchMoments(2, np.zeros(1), np.ones(1), np.array([False]), np.ones(1), False)


def test_the_address_names_batch_corruption_layer_and_channel() -> None:
    app = page(batch="noise", corruption="blur", strength="5", bn="layer2.0.bn1", unit="3")
    assert not app.error
    assert app.selectbox(key="bn").value == "layer2.0.bn1"
    assert app.selectbox(key="unit").value == 3
    assert app.select_slider(key="strength").value == 5
    assert "Channel 3: γ 1" in words(app)


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


def test_a_dataset_is_the_batch_and_other_pictures_of_it_measure_the_statistics() -> None:
    app = page(batch="data", aspect="answers")
    assert not app.error
    assert not app.info
    assert "Of 24 images" in words(app)
    assert "Measured again on 24 other pictures of the dataset" in words(app)


def test_a_dataset_that_is_not_here_is_a_sentence_and_no_other_stands_in() -> None:
    app = run("batchnorm", model="bundled/resnet20-cifar10", batch="data")
    assert not app.exception
    assert "learned from CIFAR-10, which is not on this machine." in words(app)
    assert app.session_state["batch"] == "samples"
    assert "data" not in app.segmented_control(key="batch").options
    assert charts(app) == 3


@pytest.mark.parametrize("part", ["drift", "answers", "size", "fold"])
def test_a_network_that_knows_digits_begins_with_digits(part: str) -> None:
    model = "bundled/resnet20-digits"
    app = run("batchnorm", model=model, aspect=part, batch="samples")
    assert not app.exception
    assert not app.error
    assert app.session_state["batch"] == "data"
    assert "Samples" not in app.segmented_control(key="batch").options
    assert "The samples are photos, and this model learned from other pictures." in words(app)


def test_the_drift_of_a_digits_network_is_that_of_digits() -> None:
    """Pictures like those of the training drift little, a photo of eight by eight pixels far."""
    model = "bundled/resnet20-digits"
    loaded = zoo.load(model)
    split = datasets.load("digits", 8, few=2 * image_batches.PICTURES).test
    x = loaded.normalise(split.images[: image_batches.PICTURES])
    app = run("batchnorm", model=model)
    shown = "".join(component.proto.json for component in app.get("bidi_component"))
    for layer in batchnorm(loaded.model, x)[:5]:
        assert f"{layer.drift:.2f}" in shown


def test_statistics_of_a_digits_network_are_measured_again_on_digits() -> None:
    app = run("batchnorm", model="bundled/resnet20-digits", aspect="answers", batch="noise")
    assert not app.exception
    assert "Measured again on 24 other pictures of the dataset" in words(app)


def test_layers_that_cannot_be_compared_are_left_out_and_without_any_other_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    idle, empty, whole = (
        BatchNormLayer(
            name,
            gamma=np.ones(1),
            beta=np.zeros(1),
            running_mean=np.array([mean]),
            running_variance=np.array([mean]),
            eps=1e-5,
            momentum=0.1,
            batches=0,
            batch=moments,
        )
        for name, mean, moments in (
            ("idle", 1.0, None),
            ("empty", np.nan, MOMENTS),
            ("whole", 1.0, MOMENTS),
        )
    )
    subject = Subject(SMALL, decode(samples.read("dog")))
    noise = image_batches.of(subject, "noise")
    chosen = batch.Page(subject, "noise", noise, noise, "batch", "none", 3)
    monkeypatch.setattr(results, "layers", lambda *_: (idle, empty, whole))
    assert chosen.layers == (whole,)
    monkeypatch.setattr(results, "layers", lambda *_: (idle, empty))
    with pytest.raises(ProbeError, match="nothing to compare the batch with"):
        _ = chosen.layers
