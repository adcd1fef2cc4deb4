"""Three kinds of statistics and their answers."""

from pathlib import Path

import pytest
import torch

from resviz.data import datasets
from resviz.models import zoo
from resviz.papers.cards import card
from resviz.probes.batchnorm.modes import batchnorm_modes
from resviz.probes.batchnorm.recalibration import recalibrate
from resviz.training.runs import reader
from tests.app.test_pages import words
from tests.ui.batchnorm.pages import charts, drawn, page, trained


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


def test_accuracy_is_said_where_the_model_knows_the_classes(home: Path) -> None:
    (train,) = trained(home, "new/residual-8?width=4&classes=2")
    app = page(model=f"run/{train}", batch="data", aspect="answers")
    assert not app.error
    net = zoo.load(f"run/{train}")
    name = reader.read(train).config["request"]["dataset"]
    split = datasets.load(name, 8, few=48).test
    mine = slice(0, 6)  # of twelve test pictures
    x = torch.stack(
        [net.preprocess.tensor(image.permute(1, 2, 0).numpy()) for image in split.images[mine]]
    )
    stored, own, _again = (
        (mode.scores.argmax(1) == split.targets[mine].numpy()).mean()
        for mode in batchnorm_modes(net.model, x, recalibrate(net.model, [x]))
    )
    assert (
        f"Accuracy on these 6 pictures: {stored:.0%} with running statistics, {own:.0%} with the "
        "batch's own"
    ) in words(app)


def test_the_paper_cards_show_the_measured_numbers_under_the_answers() -> None:
    app = page(aspect="answers")
    assert "arXiv 1603.04779" in words(app)
    assert "arXiv 2006.16971" in words(app)
    shown = "".join(component.proto.json for component in app.get("bidi_component"))
    for key in ("adabn", "corruptions"):
        for row in card(key).ours.rows:
            assert row.text.split(" → ")[0] in shown
        assert card(key).ours.command in words(app)
