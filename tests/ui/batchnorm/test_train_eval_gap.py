"""A run's weights as they train and as they are used."""

from pathlib import Path

import torch

from resviz.data import datasets
from resviz.models import zoo
from resviz.probes.batchnorm.train_eval_gap import train_eval_gap
from resviz.training.runs import reader
from tests.app.test_pages import words
from tests.ui.batchnorm.pages import charts, page, trained


def test_both_kinds_of_statistics_of_a_run_are_what_the_probe_says_of_its_last_weights(
    home: Path,
) -> None:
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
    expected = train_eval_gap(net.model, x, split.targets, 2)
    assert (
        "After epoch 3, accuracy of the same weights on the same 12 test images: "
        f"**{expected.stored.accuracy:.1%}** with running averages, "
        f"**{expected.own.accuracy:.1%}** in batches of 2"
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
