"""The statistics of a batch on the command line: the probes' numbers, and refusals in one line."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from resviz.data import datasets, samples
from resviz.data.images import decode
from resviz.models import zoo
from resviz.probes.batchnorm.batch_size import batch_size
from resviz.probes.batchnorm.folding import folding, foldings
from resviz.probes.batchnorm.train_eval_gap import train_eval_gap
from tests.training.squares import folder

NET = "new/residual-8?width=4"


@pytest.fixture
def photos(tmp_path: Path) -> list[str]:
    paths = [tmp_path / f"{key}.jpg" for key in ("dog", "church")]
    for path in paths:
        path.write_bytes(samples.read(path.stem))
    return [str(path) for path in paths]


def batch() -> torch.Tensor:
    preprocess = zoo.load(NET).preprocess
    return torch.stack([preprocess(decode(samples.read(key)).image) for key in ("dog", "church")])


def test_training_against_use_is_what_the_probe_says(ask, tmp_path, monkeypatch):
    name = folder(tmp_path / "squares", train=1, test=6)
    net = "new/residual-8?width=4&classes=2"
    loaded = replace(zoo.load(net), labels=("green", "red"))
    monkeypatch.setattr(zoo, "load", lambda *_: loaded)
    found = ask("train-eval-gap", "--model", net, "--dataset", name, "--batch", "4")
    split = datasets.load(name, loaded.input_size, view=loaded.preprocess.view, test_only=True).test
    order = torch.randperm(12, generator=torch.Generator().manual_seed(0))
    x = loaded.normalise(split.images[order])
    expected = train_eval_gap(loaded.model, x, split.targets[order], 4)
    assert (found["images"], found["batch"]) == (12, 4)
    stored, own = found["statistics"]
    assert stored["accuracy"] == pytest.approx(expected.stored.accuracy)
    assert own["loss"] == pytest.approx(expected.own.loss, rel=1e-5)
    assert stored["loss"] != pytest.approx(own["loss"], rel=1e-3)


def test_errors_over_the_batch_size_are_root_mean_squares_over_the_channels(ask, photos):
    found = ask("batch-size", "--model", NET, "--layer", "layer1.0.bn1", *photos, "--draws", "20")
    expected = batch_size(zoo.load(NET).model, batch(), "layer1.0.bn1", draws=20)
    assert (found["layer"], found["images"], found["cells"]) == ("layer1.0.bn1", 2, 1024)
    assert found["effective_cells"] == pytest.approx(expected.effective_cells, rel=1e-4)
    for i, row in enumerate(found["sizes"]):
        assert row["images"] == expected.sizes[i]
        rms = np.sqrt((expected.mean_error[i] ** 2).mean())
        assert row["mean_error"] == pytest.approx(rms, rel=1e-4)


def test_a_batch_comes_from_a_dataset_as_well_and_the_first_layer_is_the_default(ask):
    found = ask("batch-size", "--model", NET, "--dataset", "digits", "--sample", "10")
    assert (found["layer"], found["images"]) == ("bn1", 10)


def test_folding_tells_its_pairs_its_check_and_what_stays(ask, photos):
    net = "new/preactivation-8?width=4"
    model = zoo.load(net).model
    norms = {name for name, module in model.named_modules() if isinstance(module, nn.BatchNorm2d)}
    found = ask("fold", "--model", net, *photos)
    pairs = foldings(model, batch()[:1])
    assert [record["name"] for record in found["folded"]] == [pair.norm for pair in pairs]
    assert found["folded"][0]["factor_mean"] == pytest.approx(pairs[0].scale.mean())
    assert {record["name"] for record in found["folded"] + found["kept"]} == norms
    assert "Something else uses the output of conv1" in found["kept"][0]["reason"]
    largest = folding(model, batch()).check.largest
    assert found["largest_output"] == pytest.approx(largest, rel=1e-4)


def test_by_hand_two_and_six_worked_out_on_paper(ask):
    found = ask("batchnorm-by-hand", "2,6/1,3", "--gamma", "3", "--bias", "10")
    first, second = found["channels"]
    assert (first["mean"], first["variance"], second["mean"]) == (14, 4, 12)
    assert first["running_mean"] == pytest.approx(1.4)
    assert first["running_variance"] == pytest.approx(0.9 + 0.1 * 8)
    assert [row["y"] for row in found["values"]] == pytest.approx([-3, 3, -3, 3], abs=1e-4)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ("batch-size --model {net}", "name pictures, or a --dataset"),
        ("batch-size --model {net} --layer fc {photo} {photo}", "fc is no BatchNorm layer"),
        ("batch-size --model {net} {photo}", "add a second one"),
        ("fold --model {net}&norm=none {photo}", "no BatchNorm"),
        ("train-eval-gap --model {net} --dataset digits --batch 1", "--batch: must be a whole"),
        ("train-eval-gap --model {net} --dataset nothing", "nothing"),
        ("batchnorm-by-hand 2", "at least two values"),
        ("batchnorm-by-hand 2,x", "no number"),
        ("batchnorm-by-hand 2,3 --gamma nan", "no finite number"),
        ("batchnorm-by-hand 2,3 --momentum 7", "Momentum lies from 0 to 1"),
    ],
)
def test_a_refusal_is_one_line(refuse, photos, arguments, says):
    assert says in refuse(*arguments.format(net=NET, photo=photos[0]).split())
