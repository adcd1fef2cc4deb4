"""What a run leaves behind can be loaded, repeated and read by anybody's JSON reader."""

import json
import math
import platform
import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image

from resviz.data.datasets import Dataset
from resviz.errors import TrainingError
from resviz.models import zoo
from resviz.models.architectures.resnet import build
from resviz.models.spec import ModelSpec
from resviz.models.weights import checkpoints
from resviz.training.config import TrainConfig
from resviz.training.engine.trainer import train
from resviz.training.events import EpochEnd, Evaluation
from resviz.training.request import Request
from resviz.training.runs import folder as store
from resviz.training.runs.folder import Run, statistics
from resviz.training.runs.naming import new_folder
from tests.training.squares import CONFIG, CPU, MODEL, SIDE, dataset, square

REQUEST = Request(model=MODEL, dataset="folder:squares", config=CONFIG)
SPEC = ModelSpec.parse(MODEL.removeprefix("new/"))
END = EpochEnd(0, 0.4, 0.8, Evaluation(0.3, 0.9, (1.0, math.nan)))


def no_constant(text: str) -> None:
    raise AssertionError(f"{text} is no JSON")


def strict(text: str) -> object:
    """Read as other languages do: NaN and Infinity are errors."""
    return json.loads(text, parse_constant=no_constant)


@pytest.fixture
def run(home: Path) -> Run:
    return Run(new_folder(SPEC), REQUEST, dataset())


def test_a_trained_run_loads_by_its_name_and_predicts_the_same(run):
    model, pixels = build(SPEC), statistics(run.data)
    *_, end = train(model, run.data, run.config, CPU, pixels)
    run.start()
    run.save(model, end.test, 12.3)
    loaded = zoo.load(f"run/{run.name}")
    assert loaded.labels == ("green", "red")
    assert loaded.spec == SPEC
    assert loaded.input_size == SIDE
    assert loaded.notes == ()
    for i in range(6):
        pixel = square("red", 900 + i)
        mean, std = (values[:, None, None] for values in pixels)
        mine = (torch.from_numpy(pixel).permute(2, 0, 1).float() / 255 - mean) / std
        theirs = loaded.preprocess(Image.fromarray(pixel))
        torch.testing.assert_close(theirs, mine, atol=1e-6, rtol=1e-6)
        with torch.no_grad():
            before, after = model(mine[None]).softmax(1), loaded.model(theirs[None]).softmax(1)
        torch.testing.assert_close(
            after, before, atol=5e-3, rtol=0
        )  # kernels lost half of their digits
        assert before.argmax() == after.argmax() == 1


def test_the_card_tells_how_to_repeat_the_run(run):
    run.start()
    run.save(build(SPEC), Evaluation(0.3, 0.91239, (1.0, 0.824781)), 12.3)
    card = zoo.load(f"run/{run.name}").card
    assert card["accuracy"] == 0.9124
    assert card["by_class"] == {"green": 1.0, "red": 0.8248}
    assert card["seconds"] == 12
    assert ModelSpec.parse(card["model"].removeprefix("new/")) == SPEC
    assert TrainConfig(**card["config"]) == CONFIG
    assert card["config"]["seed"] == 0
    assert card["dataset"] == {"name": "squares", "sha256": "0" * 64, "skipped": 0}
    assert card["images"] == {"train": 32, "test": 12}
    assert card["versions"] == {"torch": torch.__version__, "python": platform.python_version()}
    assert card["threads"] == torch.get_num_threads() == 1
    assert card["precision"] == "torch.float32"
    assert card["device"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", card["date"])


def test_the_card_is_known_before_the_first_step(run):
    run.start()
    told = strict((run.folder / "config.json").read_text())
    assert Request.from_dict(told.pop("request")) == REQUEST
    assert told == {**run.recipe(), "processes": 1}
    assert not run.weights.exists()


@pytest.mark.parametrize(
    ("precision", "gain"), [("auto", torch.bfloat16), ("auto", None), ("float32", torch.bfloat16)]
)
def test_the_precision_that_was_used_is_written_down(run, monkeypatch, precision, gain):
    monkeypatch.setattr(store, "best", lambda: replace(CPU, autocast=gain))
    request = replace(REQUEST, config=replace(CONFIG, precision=precision))
    used = Run(run.folder, request, run.data).recipe()["precision"]
    assert used == ("torch.bfloat16" if gain and precision == "auto" else "torch.float32")


def test_a_class_without_test_images_is_null_on_the_card(run):
    run.start()
    run.save(build(SPEC), END.test, 1.0)
    header = run.weights.read_bytes()
    length = int.from_bytes(header[:8], "little")
    meta = strict(strict(header[8 : 8 + length].decode())["__metadata__"]["resviz"])
    assert meta["card"]["by_class"] == {"green": 1.0, "red": None}


def test_pixels_are_normalised_with_what_is_written_down(run):
    run.start()
    run.save(build(SPEC), END.test, 1.0)
    preprocess = zoo.load(f"run/{run.name}").preprocess
    mean, std = statistics(run.data)
    assert (torch.tensor(preprocess.mean) == mean).all()
    assert (torch.tensor(preprocess.std) == std).all()
    assert (preprocess.resize, preprocess.crop) == (SIDE, SIDE)


def test_pictures_without_one_colour_give_a_run_that_loads(home):
    images = dataset().train.images.clone()
    images[:, 2] = 0  # no blue anywhere
    data = dataset()
    flat = Dataset(data.name, data.labels, replace(data.train, images=images), data.test, (), "")
    run = Run(new_folder(SPEC), REQUEST, flat)
    model = build(SPEC)
    *_, end = train(model, flat, CONFIG, CPU, statistics(flat))
    run.start()
    run.save(model, end.test, 1.0)
    assert zoo.load(f"run/{run.name}").preprocess.std[2] == 1


# ---- folders


@pytest.mark.parametrize(
    "place", ["file", "file/inside", "x" * 300], ids=["file", "inside a file", "long"]
)
def test_a_folder_that_cannot_be_made_is_a_training_error(tmp_path, place):
    (tmp_path / "file").write_text("in the way")
    run = Run(tmp_path / place, REQUEST, dataset())
    with pytest.raises(TrainingError, match=r"cannot be written \(.+\); choose another --out\.$"):
        run.start()


def test_a_folder_that_goes_away_is_a_training_error(run):
    run.start()
    for path in run.folder.iterdir():
        path.unlink()
    run.folder.rmdir()
    with pytest.raises(TrainingError, match="was deleted while the run was going on"):
        run.save(build(SPEC), END.test, 1.0)


def test_a_full_disk_is_a_training_error_and_the_weights_before_stay(run, monkeypatch):
    run.start()
    run.save(build(SPEC), END.test, 1.0)
    before = run.weights.read_bytes()

    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoints, "save_file", full)
    with pytest.raises(TrainingError, match=r"\(No space left on device\); make room on the disk"):
        run.save(build(SPEC), END.test, 2.0)
    assert run.weights.read_bytes() == before


def test_files_that_were_no_pictures_are_in_the_record_with_their_reasons():
    from resviz.data.dataset import Dataset, Skipped, Split
    from resviz.errors import Sentence
    from resviz.training.runs.folder import NAMED, _about

    none = Split(torch.zeros(0, 3, 8, 8, dtype=torch.uint8), torch.zeros(0, dtype=torch.int64))
    files = tuple(Skipped(f"a/{i}.svg", Sentence("no picture")) for i in range(NAMED + 5))
    about = _about(Dataset("set", ("a", "b"), none, none, files, "f"))
    assert about["skipped"] == NAMED + 5
    assert about["left_out"][0] == {"file": "a/0.svg", "reason": "no picture"}
    assert len(about["left_out"]) == NAMED
