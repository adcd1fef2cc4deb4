"""`train` and `evaluate`: a run that other commands can use, and its accuracy."""

import io
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from resviz import cli
from resviz.cli import REFUSED, STOPPED
from resviz.data import samples
from resviz.models import zoo
from resviz.training.config import HELP, TrainConfig
from resviz.training.presets import PRESETS
from resviz.training.runs import reader
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


# ---- options


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, home: Path):
    """What a command line would train: model, dataset, configuration, and what is recorded."""

    def ask(*arguments: str) -> list[tuple]:
        calls: list[tuple] = []

        def start_run(model, dataset, config, folder, threads, progress, record, group):
            calls.append((model, dataset, config, record))
            raise KeyboardInterrupt

        monkeypatch.setattr("resviz.training.launch.start.start_run", start_run)
        assert cli.main(["train", *arguments]) == STOPPED
        return calls

    return ask


def test_digits_are_trained_as_the_page_trains_them(asked):
    ((_, _, config, _),) = asked("--dataset", "digits")
    page = PRESETS["race"].config
    for name in ("side", "augmentation", "batch_size", "lr"):
        assert getattr(config, name) == getattr(page, name)


def test_every_field_of_a_configuration_is_an_option(asked):
    values = {
        int: "16",
        float: "0.25",
        str: {"schedule": "cosine", "augmentation": "resized-crop", "precision": "float32"},
    }
    for field in fields(TrainConfig):
        option = f"--{field.name.replace('_', '-')}"
        if field.type is bool:
            ((_, _, config, _),) = asked("--dataset", "digits", option)
            assert getattr(config, field.name) is True
            continue
        value = values[field.type]
        text = value[field.name] if isinstance(value, dict) else value
        ((_, _, config, _),) = asked("--dataset", "digits", option, text)
        assert getattr(config, field.name) == field.type(text)
    assert set(HELP) == {field.name for field in fields(TrainConfig)}


def test_a_preset_brings_networks_data_and_settings_and_what_is_given_counts(asked):
    ((model, dataset, config, record),) = asked("--preset", "race")
    assert (model, dataset, record) == ("new/plain-56", "digits", "full")
    assert config == PRESETS["race"].config
    given = ["--model", "new/residual-8", "--epochs", "3", "--record", "off"]
    ((model, dataset, config, record),) = asked("--preset", "race", *given)
    assert (model, config.epochs, record) == ("new/residual-8", 3, "off")
    ((model, dataset, config, _),) = asked("--preset", "race", "--dataset", "cifar100")
    assert (model, dataset) == ("new/plain-56?classes=100", "cifar100")


def test_a_preset_trains_its_networks_one_after_the_other(ask, home):
    small = ["--epochs", "1", "--batch-size", "1024", "--threads", "1", "--record", "off"]
    found = ask("train", "--preset", "race", *small)
    assert found["preset"] == "race"
    assert [run["status"] for run in found["runs"]] == ["finished", "finished"]
    assert [info.model for info in reader.runs()][::-1] == ["new/plain-56", "new/residual-56"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ("--preset race --recipe digits", "leave out one of them"),
        ("--preset nothing", "There is no preset 'nothing'; choose from race, he2015, quick"),
        ("--preset race --out {out}", "The preset race trains 2 networks"),
        ("--dataset digits --lr 1000", "lr must be from 0.0 to 100.0, got 1000"),
        ("--dataset digits --schedule never", "schedule must be one of one-cycle, cosine, steps"),
        ("--dataset digits --epochs many", "argument --epochs: invalid int value: 'many'"),
        ("--run x --lr 0.1", "leave out --lr or --run"),
        ("--run x --preset race", "leave out --preset or --run"),
    ],
)
def test_options_that_contradict_each_other_are_one_line(capsys, home, tmp_path, arguments, says):
    assert cli.main(["train", *arguments.format(out=tmp_path / "out").split()]) == REFUSED
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert says in err


def test_labels_of_a_file_name_the_classes_of_the_model(ask, capsys, squares, tmp_path):
    labels = tmp_path / "labels.txt"
    labels.write_text("red\n\ngreen\n")
    given = ["evaluate", "--model", MODEL, "--dataset", squares, "--labels", str(labels)]
    found = ask(*given)
    assert list(found["by_class"]) == ["red", "green"]
    labels.write_text("red\n")
    assert cli.main(given) == REFUSED
    assert "has 1 labels, and the model has 2 classes" in capsys.readouterr().err
    labels.write_bytes(b"\xff\xfe\x00")
    assert cli.main(given) == REFUSED
    assert "it is no text" in capsys.readouterr().err


def test_what_was_no_picture_is_named_in_the_output_and_in_the_record(ask, home, squares):
    (Path(squares.removeprefix("folder:")) / "train" / "red" / "broken.png").write_bytes(b"x")
    options = ["--epochs", "1", "--side", "8", "--threads", "1"]
    found = ask("train", "--model", MODEL, "--dataset", squares, *options)
    (left_out,) = found["left_out"]
    assert left_out["file"].endswith("broken.png")
    assert left_out["reason"]
    dataset = reader.read(found["run"]).config["dataset"]
    assert (dataset["skipped"], dataset["left_out"]) == (1, [left_out])
