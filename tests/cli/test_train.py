"""`train` and `evaluate`: a run that other commands can use, and its accuracy."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from resviz import cli
from resviz.data import samples
from resviz.models import zoo
from tests.training.squares import COLOURS, MODEL

NET = "new/residual-8?width=4"


def test_evaluate_is_predict_for_every_picture_of_the_test_split(ask, tmp_path):
    for i, key in enumerate(("dog", "cat", "ship", "horse")):
        path = tmp_path / "photos" / "val" / f"class_{i % 2}" / f"{key}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(samples.read(key))
    found = ask("evaluate", "--model", NET, "--dataset", f"folder:{tmp_path / 'photos'}")
    right, loss = [], []
    for path in sorted((tmp_path / "photos").rglob("*.jpg")):
        top = ask("predict", str(path), "--model", NET, "--top", "10")["top"]
        truth = int(path.parent.name[-1])
        right.append((truth, top[0]["index"] == truth))
        loss.append(-np.log(next(guess["probability"] for guess in top if guess["index"] == truth)))
    assert found["images"] == 4
    assert found["accuracy"] == pytest.approx(np.mean([ok for _, ok in right]))
    assert found["loss"] == pytest.approx(np.mean(loss), abs=1e-5)
    for c in (0, 1):
        assert found["by_class"][f"class {c}"] == pytest.approx(
            np.mean([ok for truth, ok in right if truth == c])
        )
    assert found["by_class"]["class 2"] is None  # no picture, no share; NaN would be no JSON


def test_a_trained_run_predicts_evaluates_and_is_listed(ask, home, squares):
    found = ask(
        "train",
        "--model",
        MODEL,
        "--dataset",
        squares,
        "--epochs",
        "12",
        "--side",
        "8",
        "--threads",
        "1",
    )
    assert found["status"] == "finished"
    assert found["metrics"]["epoch"] == 11
    assert found["metrics"]["test"]["accuracy"] == 1.0
    assert found["metrics"]["test"]["by_class"] == {"green": 1.0, "red": 1.0}
    assert [Path(file).name for file in found["files"]] == ["model.safetensors"]
    name = f"run/{found['run']}"
    (listed,) = [model for model in ask("models")["models"] if model["name"] == name]
    assert (listed["classes"], listed["input_size"], listed["offline"]) == (2, 8, True)
    for label in COLOURS:
        path = squares.removeprefix("folder:") + f"/val/{label}/00.png"
        scaled = io.BytesIO()
        Image.open(path).resize((32, 32), Image.Resampling.NEAREST).save(scaled, "PNG")
        Path(path).with_suffix(".big.png").write_bytes(
            scaled.getvalue()
        )  # a picture has 16 pixels a side at least
        assert (
            ask("predict", path.replace(".png", ".big.png"), "--model", name)["top"][0]["label"]
            == label
        )
    measured = ask("evaluate", "--model", name, "--dataset", squares)
    assert measured["accuracy"] == zoo.load(name).card["accuracy"] == 1.0


def test_train_repeats_with_a_seed_and_writes_where_it_is_told(ask, home, squares, tmp_path):
    losses = []
    for seed, place in (("5", "a"), ("5", "b"), ("6", "c")):
        out = tmp_path / place
        options = [
            "--epochs",
            "2",
            "--side",
            "8",
            "--seed",
            seed,
            "--threads",
            "1",
            "--out",
            str(out),
        ]
        found = ask("train", "--model", MODEL, "--dataset", squares, *options)
        assert found["run"] == place
        assert found["files"] == [str(out / "model.safetensors")]
        assert zoo.load(f"file/{out / 'model.safetensors'}").card["config"]["seed"] == int(seed)
        losses.append(found["metrics"]["train_loss"])
    assert losses[0] == losses[1] != losses[2]


def test_a_recipe_brings_its_settings(home, squares, monkeypatch, capsys):
    asked = []
    monkeypatch.setattr(
        "resviz.training.launch.start.start_run",
        lambda *arguments: (asked.append(arguments), 1 / 0),
    )
    for given in ([], ["--epochs", "3", "--seed", "4", "--model", "new/plain-20"]):
        with pytest.raises(ZeroDivisionError):
            cli.main(["train", "--recipe", "imagenette", "--dataset", squares, *given])
    (model, _, config, *_), (other, _, changed, *_) = asked
    assert model == "new/residual-18?stem=imagenet&classes=10&init=zero-gamma"
    assert (config.epochs, config.seed, config.side) == (30, 0, 128)
    assert other == "new/plain-20"
    assert (changed.epochs, changed.seed, changed.side, changed.side_last) == (3, 4, 128, 112)
