"""`batchnorm` on the command line: the probe's numbers, and what it says where there are none."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from resviz import cli
from resviz.data import datasets, samples
from resviz.data.corruptions import corrupt
from resviz.data.images import decode
from resviz.models import zoo
from resviz.probes.batchnorm.folding import folding
from resviz.probes.batchnorm.modes import accuracy, batchnorm_modes
from resviz.probes.batchnorm.recalibration import recalibrate
from resviz.probes.batchnorm.statistics import batchnorm
from resviz.probes.batchnorm.train_eval_gap import train_eval_gap
from tests.training.squares import folder

NET = "new/residual-8?width=4"


@pytest.fixture
def photos(tmp_path: Path) -> list[str]:
    paths = [tmp_path / f"{key}.jpg" for key in ("dog", "church")]
    for path in paths:
        path.write_bytes(samples.read(path.stem))
    return [str(path) for path in paths]


@pytest.fixture
def ask(capsys):
    """Run with --json; its object."""

    def run(*arguments: str) -> dict:
        assert cli.main(["batchnorm", *arguments, "--json"]) == 0
        out, err = capsys.readouterr()
        assert err == ""
        return json.loads(out, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))

    return run


@pytest.fixture
def refuse(capsys):
    """Run what is refused; its one line."""

    def run(*arguments: str) -> str:
        assert cli.main(["batchnorm", *arguments]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert err.count("\n") == 1
        return err.removeprefix("resviz: ")

    return run


def batch(keys: tuple[str, ...] = ("dog", "church")) -> torch.Tensor:
    preprocess = zoo.load(NET).preprocess
    return torch.stack([preprocess(decode(samples.read(key)).image) for key in keys])


def test_every_layer_is_summed_up_from_the_probe_s_numbers(ask, photos):
    found = ask("--model", NET, *photos)
    assert (found["model"], found["images"]) == (NET, 2)
    layers = batchnorm(zoo.load(NET).model, batch())
    assert [record["name"] for record in found["layers"]] == [layer.layer for layer in layers]
    for record, layer in zip(found["layers"], layers, strict=True):
        assert record["channels"] == len(layer.gamma)
        assert record["gamma_mean"] == pytest.approx(layer.gamma.mean())
        assert record["scale_mean"] == pytest.approx(
            np.mean(layer.gamma / np.sqrt(layer.running_variance + 1e-5))
        )
        assert record["batch_mean"] == pytest.approx(layer.batch.mean.mean(), abs=1e-6)
        assert record["shift_rms"] == pytest.approx(np.sqrt(np.mean(layer.shift**2)), rel=1e-5)
        assert record["log_ratio_rms"] == pytest.approx(
            np.sqrt(np.mean(layer.log_ratio**2)), rel=1e-5
        )
        assert record["drift"] == pytest.approx(layer.drift, rel=1e-5)
        assert (record["dead_channels"], record["constant_channels"]) == (len(layer.dead), 0)


def test_without_images_it_tells_what_is_stored_and_nothing_about_a_batch(ask):
    found = ask("--model", "bundled/resnet20-cifar10")
    assert len(found["layers"]) == 19
    assert all(record["batches"] > 0 and "drift" not in record for record in found["layers"])


@pytest.mark.parametrize(
    ("norm", "says"), [("none", "no other normalisation"), ("group", "GroupNorm (7)")]
)
def test_a_network_without_batch_norm_says_so_and_lists_what_there_is(ask, norm, says):
    found = ask("--model", f"new/residual-8?norm={norm}")
    assert found["layers"] == []
    assert says in found["note"]
    assert len(found["others"]) == 7


def test_compare_gives_the_answers_with_both_kinds_of_statistics(ask, photos):
    found = ask("--model", NET, *photos, "--compare")
    labels = zoo.load(NET).labels
    for record, mode in zip(
        found["modes"], batchnorm_modes(zoo.load(NET).model, batch()), strict=True
    ):
        assert record["name"] == mode.name
        assert record["change_mean"] == pytest.approx(mode.change.mean(), rel=1e-4)
        assert [answer.rpartition(" ")[0] for answer in record["top"]] == [
            mode.top(i, labels)[0].label for i in range(2)
        ]


def test_a_corruption_moves_the_statistics_away(ask, photos):
    plain = ask("--model", "bundled/resnet20-cifar10", *photos)["layers"]
    worse = ask(
        "--model", "bundled/resnet20-cifar10", *photos, "--corrupt", "contrast", "--strength", "5"
    )["layers"]
    assert worse[0]["drift"] > 3 * plain[0]["drift"]


def test_a_dataset_is_measured_with_stored_and_with_recalibrated_statistics(
    ask, tmp_path, monkeypatch
):
    name = folder(tmp_path / "squares", train=1, test=6)
    net = "new/residual-8?width=4&classes=2"
    loaded = zoo.load(net)
    split = datasets.load(name, loaded.input_size, view=loaded.preprocess.view, test_only=True).test
    assert len(split) == 12
    monkeypatch.setattr(zoo, "load", lambda *_: replace(loaded, labels=("green", "red")))
    found = ask("--model", net, "--dataset", name, "--corrupt", "invert", "--sample", "10")[
        "dataset"
    ]
    order = torch.randperm(12, generator=torch.Generator().manual_seed(0))[:10]
    mean, std = (
        torch.tensor(s)[:, None, None] for s in (loaded.preprocess.mean, loaded.preprocess.std)
    )
    x = (corrupt(split.images, "invert").float() / 255 - mean) / std
    statistics = recalibrate(loaded.model, [x[order[:5]]])
    mine = order[5:]
    assert (found["images"], found["recalibrated_on"], found["corruption"]) == (5, 5, "invert")
    for mode, share in found["accuracy"].items():
        assert share == accuracy(loaded.model, [(x[mine], split.targets[mine])], mode, statistics)


def test_folding_is_checked_on_the_pictures(ask, photos):
    found = ask("--model", NET, *photos, "--fold")["folded"]
    check = folding(zoo.load(NET).model, batch()).check
    assert found["layers"] == check.pairs == 7
    assert found["largest_difference"] == pytest.approx(check.difference, abs=1e-6)
    assert found["largest_output"] == pytest.approx(check.largest, rel=1e-5)


def test_batches_of_a_dataset_may_be_as_small_as_in_a_training(ask, tmp_path):
    name = folder(tmp_path / "squares", train=1, test=6)
    net = "new/residual-8?width=4&classes=2"
    loaded = replace(zoo.load(net), labels=("green", "red"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(zoo, "load", lambda *_: loaded)
        found = ask("--model", net, "--dataset", name, "--sample", "12", "--batch", "2")["dataset"]
    split = datasets.load(name, loaded.input_size, view=loaded.preprocess.view, test_only=True).test
    mine = torch.randperm(12, generator=torch.Generator().manual_seed(0))[6:]
    x = torch.stack(
        [loaded.preprocess.tensor(image.permute(1, 2, 0).numpy()) for image in split.images[mine]]
    )
    expected = train_eval_gap(loaded.model, x, split.targets[mine], 2)
    assert (found["batch"], found["images"]) == (2, 6)
    assert found["accuracy"]["eval"] == pytest.approx(expected.stored.accuracy)
    assert found["accuracy"]["batch"] == pytest.approx(expected.own.accuracy)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--fold",), "name at least one"),
        (("--compare",), "name at least one"),
        (("--corrupt", "fog", "dog"), "blur, noise"),
        (("--strength", "9"), "1 to 5"),
        (("none.jpg",), "There is no file"),
    ],
)
def test_a_refusal_is_one_line(refuse, photos, arguments, says):
    given = [photos[0] if argument == "dog" else argument for argument in arguments]
    assert says in refuse("--model", NET, *given)


def test_a_batch_of_one_where_a_channel_has_one_value_is_refused(refuse, photos, monkeypatch):
    loaded = zoo.load(NET)
    small = replace(loaded, preprocess=replace(loaded.preprocess, resize=4, crop=4))
    monkeypatch.setattr(zoo, "load", lambda *_: small)
    assert "A batch of one" in refuse("--model", NET, photos[0], "--compare")
