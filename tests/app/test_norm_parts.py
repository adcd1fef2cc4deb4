"""More parts of the page on BatchNorm: a dataset as batch, folding, recorded runs, an example by its address."""

import sqlite3
from pathlib import Path
from urllib.parse import parse_qsl

import numpy as np
import pytest
import torch

from resviz import cli
from resviz.data import datasets
from resviz.models import zoo
from resviz.papers.cards import card
from resviz.probes.batchnorm.modes import batchnorm_modes
from resviz.probes.batchnorm.train_eval_gap import mismatch
from resviz.training.runs import reader
from resviz.training.schema import FILE
from resviz.ui.batchnorm import runs, through_training
from tests.app.test_batchnorm import charts, page
from tests.app.test_pages import SMALL, run, words
from tests.training.squares import folder


def test_a_dataset_is_the_batch_and_other_pictures_of_it_measure_the_statistics() -> None:
    app = page(batch="data", aspect="answers")
    assert not app.error
    assert not app.info
    assert "Of 24 images" in words(app)
    assert "Measured again on 24 other pictures of the dataset" in words(app)


def test_a_dataset_that_is_not_here_is_a_sentence_and_the_digits_stand_in() -> None:
    app = run("batchnorm", model="bundled/resnet20-cifar10", batch="data")
    assert not app.exception
    assert "learned from CIFAR-10, which is not on this machine: Digits" in app.info[0].value
    assert charts(app) == 3


def test_right_answers_are_counted_where_the_model_knows_the_classes(home: Path) -> None:
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
    right = [
        int((mode.scores.argmax(1) == split.targets[mine].numpy()).sum())
        for mode in batchnorm_modes(net.model, x)
    ]
    assert (
        f"Right are {right[0]} with running statistics, {right[1]} with the batch's own"
        in words(app)
    )


def test_the_paper_cards_show_the_measured_numbers_under_the_answers() -> None:
    app = page(aspect="answers")
    assert "arXiv 1603.04779" in words(app)
    assert "arXiv 2006.16971" in words(app)
    shown = "".join(component.proto.json for component in app.get("bidi_component"))
    for key in ("adabn", "corruptions"):
        for row in card(key).ours.rows:
            assert row.text.split(" → ")[0] in shown
        assert card(key).ours.command in words(app)


def test_folding_draws_both_factors_and_says_how_well_it_was_checked() -> None:
    app = page(aspect="fold", bn="layer1.0.bn1", batch="photo")
    assert charts(app) == 1
    assert "What layer1.0.bn1 makes of layer1.0.conv1" in words(app)
    assert "with 7 layers folded, no output for these 1 images changes by more than" in words(app)


def test_a_norm_that_follows_no_convolution_is_not_folded() -> None:
    app = page(model="new/preactivation-8?width=4", aspect="fold", bn="layer1.0.bn1")
    assert not app.error
    assert "layer1.0.bn1 cannot be folded" in app.info[0].value


@pytest.mark.parametrize(
    ("part", "link"), [("training", runs.RECORDED), ("mismatch", runs.SMALL_BATCH)]
)
def test_without_a_run_there_is_a_sentence_and_a_link_to_a_training(
    home: Path, part: str, link: dict[str, str]
) -> None:
    app = page(aspect=part)
    assert not app.error
    assert "page Training" in app.info[0].value
    (shown,) = app.get("page_link")
    assert shown.proto.page == "training"
    assert dict(parse_qsl(shown.proto.query_string)) == link


@pytest.mark.parametrize("link", [runs.RECORDED, runs.SMALL_BATCH, runs.WITH_AND_WITHOUT])
def test_the_training_page_does_what_a_link_asks_for(home: Path, link: dict[str, str]) -> None:
    app = run("training", **link)
    assert not app.exception
    assert not app.error
    assert app.selectbox(key="preset").value == link["preset"] == "race"
    for key in link.keys() - {"preset"}:
        shown = app.session_state[key]
        assert link[key] == ",".join(map(str, shown if isinstance(shown, list) else [shown])), key


def trained(home: Path, *models: str, batch: int = 8) -> list[str]:
    """Ids of finished runs of these networks on squares."""
    data = folder(home / "squares")
    for model in models:
        command = f"train --model {model} --dataset {data} --epochs 3 --side 8 --record full --batch-size {batch}"
        assert cli.main([*command.split(), "--threads", "1"]) == 0
    return [info.id for info in reader.runs()]


def test_through_training_says_what_was_recorded(home: Path) -> None:
    (name,) = trained(home, "new/residual-8?width=4&classes=2")
    app = page(aspect="training", bn="layer2.0.bn2", stored="bn_variance")
    assert not app.error
    assert charts(app) == 3
    assert app.selectbox(key="bnrun").value == name
    assert app.selectbox(key="bn").value == "layer2.0.bn2"
    record = reader.read(name)
    at = record.layers("bn_variance").index("layer2.0.bn2")
    values = record.first("bn_variance", 9)[1][:, at]
    last = (values[-1] - 0.9 * values[-2]) / 0.1
    assert (
        f"35% of the start (mean 0, variance 1) is still in it: the stored variance is {values[-1]:.3g}"
        in words(app)
    )
    assert f"the last batch had {last:.3g}" in words(app)


@pytest.mark.parametrize(
    ("steps", "says"),
    [([0, 1, 2], "is a step,"), ([0, 10, 20, 30], "one step out of 10,"), ([7], "is a step,")],
)
def test_the_caption_says_which_steps_the_columns_are(steps: list[int], says: str) -> None:
    assert says in through_training._explained(np.array(steps))


@pytest.mark.parametrize("part", ["hand", "training", "mismatch", "drift"])
def test_model_and_picture_are_offered_only_where_they_change_something(
    home: Path, part: str
) -> None:
    app = page(aspect=part)
    assert [box.key for box in app.sidebar.selectbox if box.key == "model"] == ["model"] * (
        part == "drift"
    )
    if part != "drift":
        assert not len(app.sidebar)
        app.segmented_control(key="aspect").set_value("drift").run()
        assert not app.exception
        assert app.selectbox(key="model").value == SMALL, "the model is not forgotten"


def test_a_run_that_recorded_every_tenth_step_alone_says_so(home: Path) -> None:
    (name,) = trained(home, "new/residual-8?width=4&classes=2")
    with sqlite3.connect(home / "runs" / name / FILE) as db:
        db.execute("DELETE FROM batchnorm WHERE step % 10 > 0")
    db.close()
    app = page(aspect="training")
    assert not app.error
    assert charts(app) == 2
    assert "not recorded at each of its first steps" in words(app)


def test_both_ways_of_a_run_are_what_the_probe_says_of_its_last_weights(home: Path) -> None:
    (name,) = trained(
        home, "new/residual-8?width=4&classes=2", "new/plain-8?width=4&classes=2&norm=none", batch=4
    )[1:]
    app = page(aspect="mismatch", together="2")
    assert not app.error
    assert charts(app) == 1
    assert app.selectbox(key="bnrun").value == name, "a run without BatchNorm is not offered"
    assert reader.read(name).config["config"]["batch_size"] == 4
    net = zoo.load(f"run/{name}?checkpoint=epoch-3")
    split = datasets.load(reader.read(name).config["request"]["dataset"], 8, few=256).test
    x = torch.stack(
        [net.preprocess.tensor(image.permute(1, 2, 0).numpy()) for image in split.images]
    )
    expected = mismatch(net.model, x, split.targets, 2)
    assert (
        f"After epoch 3, the same weights on the same 12 test images: **{expected.stored.accuracy:.1%}** right with "
        f"running averages, **{expected.own.accuracy:.1%}** in batches of 2"
    ) in words(app)


def test_pictures_of_a_run_that_are_gone_are_one_sentence(home: Path) -> None:
    trained(home, "new/residual-8?width=4&classes=2")
    (home / "squares").rename(home / "elsewhere")
    app = page(aspect="mismatch")
    assert not app.error
    assert (
        "The pictures of squares, which this run learned from, are not on this machine"
        in app.info[0].value
    )


def test_the_address_tells_a_whole_example_by_hand() -> None:
    app = page(
        aspect="hand",
        step="6",
        hand_batch="1,3/5,5",
        hand_gamma="2",
        hand_beta="-1",
        hand_momentum="0.25",
        hand_bias="3",
    )
    assert not app.error
    assert not app.warning
    assert app.text_area(key="hand_batch").value == "1, 3\n5, 5"
    assert "Channel 2 is constant" in words(page(aspect="hand", step="4", hand_batch="1,3/5,5"))
    assert r"\tfrac{1}{2} (4 + 6) = 5" in app.latex[0].value  # with the bias
    assert r"2\,\hat x_i + (-1)" in app.latex[4].value
    assert "= 1.25" in app.latex[5].value  # a quarter of the mean 5


def test_what_is_typed_by_hand_goes_into_the_address() -> None:
    app = page(aspect="hand")
    app.text_area(key="hand_batch").set_value("1, 2\n3, 4").run()
    app.number_input(key="hand_beta").set_value(1.5).run()
    chosen = app.session_state["view"]  # what goes into the address
    assert (chosen["hand_batch"], chosen["hand_beta"]) == ("1,2/3,4", "1.5")


@pytest.mark.parametrize(
    ("key", "told"),
    [("hand_gamma", "abc"), ("hand_beta", "nan"), ("hand_momentum", "7"), ("hand_bias", "<b>")],
)
def test_a_malformed_number_in_the_address_is_a_sentence_and_the_default(
    key: str, told: str
) -> None:
    app = page(aspect="hand", **{key: told})
    assert not app.error
    assert len(app.warning) == 1
    assert "is no number from" in app.warning[0].value
    assert charts(app) == 2


@pytest.mark.parametrize("told", ["1", "1,2/3", "x,y", "1e999,2", "/".join(["1,2"] * 5)])
def test_a_malformed_batch_in_the_address_is_a_sentence_and_the_first_example(told: str) -> None:
    app = page(aspect="hand", hand_batch=told)
    assert len(app.error) == 1
    assert "the first example is shown" in app.error[0].value
    assert r"\tfrac{1}{2} (2 + 6) = 4" in app.latex[0].value
