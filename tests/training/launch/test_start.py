"""From names to a finished run, and what is refused before anything is written."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from resviz.errors import DataError, SpecError, TrainingError
from resviz.models import zoo
from resviz.models.weights.safe_load import load as tensors
from resviz.training.engine.evaluation import evaluate
from resviz.training.events import EpochEnd, Step
from resviz.training.launch import start
from resviz.training.launch.start import resume_run, start_run
from resviz.training.runs import reader
from resviz.training.runs.folder import statistics
from tests.training.squares import CONFIG, CPU, MODEL, folder


@pytest.fixture
def squares(tmp_path: Path) -> str:
    return folder(tmp_path / "squares")


@pytest.fixture(autouse=True)
def _on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start, "best", lambda: CPU)


def test_a_run_learns_two_colours_and_loads_by_its_name(home, squares):
    run, events = start_run(MODEL, squares, replace(CONFIG, epochs=5))
    seen = list(events)
    assert [type(event) for event in seen] == ([Step] * 4 + [EpochEnd]) * 5
    assert seen[-1].test.accuracy == 1.0
    assert run.folder.parent == home / "runs"
    loaded = zoo.load(f"run/{run.name}")
    assert loaded.labels == ("green", "red")
    assert loaded.card["accuracy"] == 1.0
    assert loaded.card["dataset"]["name"] == "squares"
    found = evaluate(loaded.model, run.data.test, statistics(run.data), CPU, 2)
    assert found.accuracy == 1.0
    assert found.loss == pytest.approx(
        seen[-1].test.loss, abs=2e-3
    )  # half of the digits of the kernels


def test_every_event_is_recorded_as_it_was(home, squares):
    run, events = start_run(MODEL, squares, CONFIG)
    seen = list(events)
    record = reader.read(run.name)
    steps, ends = ([e for e in seen if isinstance(e, kind)] for kind in (Step, EpochEnd))
    scalars, epochs = record.scalars(), record.epochs()
    for name in ("step", "epoch", "loss", "accuracy", "lr", "seconds"):
        assert scalars[name].tolist() == [getattr(step, name) for step in steps]
    assert epochs["test_loss"].tolist() == [end.test.loss for end in ends]
    assert epochs["train_accuracy"].tolist() == [end.train_accuracy for end in ends]
    assert record.layers("weight_gradient")[0] == "conv1"
    expected = np.array([step.norms["weight_gradient"] for step in steps], np.float32)
    assert (record.norms("weight_gradient")[1] == expected).all()
    assert record.status == "finished"
    assert (record.info().step, record.info().steps) == (12, 12)


def test_the_same_seed_and_threads_give_the_same_file_and_losses(home, squares):
    found = []
    for _ in range(2):
        run, events = start_run(MODEL, squares, replace(CONFIG, augmentation="crop"), threads=1)
        losses = [event.loss for event in events if isinstance(event, Step)]
        found.append((losses, tensors(run.weights)))
    (losses, first), (again, second) = found
    assert losses == again
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_the_seed_of_the_network_is_its_own(home, squares):
    first = [next(start_run(f"{MODEL}&seed={seed}", squares, CONFIG)[1]).loss for seed in (0, 0, 1)]
    assert first[0] == first[1] != first[2]


def test_the_number_of_threads_is_set_and_written_down(home, squares):
    run, events = start_run(MODEL, squares, CONFIG, threads=2)
    next(events)
    assert torch.get_num_threads() == 2
    assert json.loads((run.folder / "config.json").read_text())["threads"] == 2


def test_a_run_may_have_a_folder_of_its_own(tmp_path, home, squares):
    run, events = start_run(MODEL, squares, replace(CONFIG, epochs=1), tmp_path / "mine")
    list(events)
    assert {path.name for path in (tmp_path / "mine").iterdir()} == {
        "alive.lock",
        "checkpoint-epoch-1.safetensors",
        "checkpoint-initial.safetensors",
        "config.json",
        "model.safetensors",
        "run.sqlite",
        "state.safetensors",
    }
    assert not (home / "runs").exists()
    assert zoo.load(f"file/{run.weights}").labels == ("green", "red")


def test_the_same_command_goes_on_in_its_folder_and_another_one_is_refused(tmp_path, home, squares):
    _, events = start_run(MODEL, squares, CONFIG, tmp_path / "mine")
    next(events)
    events.close()
    run, events = start_run(MODEL, squares, CONFIG, tmp_path / "mine")
    assert next(events).step == 1
    events.close()
    for other in (replace(CONFIG, seed=1), replace(CONFIG, epochs=9)):
        with pytest.raises(
            TrainingError, match="mine holds a run with other settings; choose another --out"
        ):
            start_run(MODEL, squares, other, run.folder)
    with pytest.raises(TrainingError, match="holds a run with other settings"):
        start_run(f"{MODEL}&seed=1", squares, CONFIG, run.folder)


def test_progress_of_the_decoding_is_passed_on(home, squares):
    seen = []
    start_run(MODEL, squares, CONFIG, progress=lambda share, what: seen.append((share, what)))
    assert seen[-1] == (1.0, "decoding squares")


# ---- interrupted


def test_an_interrupted_run_keeps_the_weights_of_its_last_epoch(home, squares):
    run, events = start_run(MODEL, squares, CONFIG)
    for event in events:
        if isinstance(event, EpochEnd):
            saved = tensors(run.weights, mapped=False)
            accuracy = event.test.accuracy
        elif event.epoch == 1 and event.step == 6:  # in the middle of the second epoch
            break
    events.close()
    kept = tensors(run.weights)
    assert all(torch.equal(saved[name], kept[name]) for name in kept)
    assert zoo.load(f"run/{run.name}").card["accuracy"] == pytest.approx(accuracy, abs=1e-4)
    assert not list(run.folder.glob("*.part"))


def test_a_run_that_diverges_says_so_and_leaves_no_weights_that_are_no_numbers(home, squares):
    wild = replace(CONFIG, lr=100.0, warmup=0.0, momentum=0.99, epochs=50)
    run, events = start_run(f"{MODEL}&norm=none", squares, wild)
    with pytest.raises(TrainingError, match="choose a lower learning rate"):
        list(events)
    if run.weights.exists():
        zoo.load(f"run/{run.name}")


# ---- refused


@pytest.mark.parametrize(
    "name", ["torchvision/resnet18", "run/x", "residual-20", "file/x.safetensors", ""]
)
def test_only_a_new_network_can_be_trained(home, squares, name):
    with pytest.raises(SpecError, match="only a new network can be trained"):
        start_run(name, squares, CONFIG)
    assert list(home.iterdir()) == []


def test_another_number_of_classes_is_refused_with_what_to_add(home, squares):
    with pytest.raises(SpecError) as caught:
        start_run("new/residual-8?width=4", squares, CONFIG)
    assert str(caught.value) == "squares has 2 classes: add classes=2 to the model's name"
    assert list(home.iterdir()) == []


def test_a_missing_dataset_is_refused(home, tmp_path):
    with pytest.raises(DataError, match="There is no folder or zip file"):
        start_run(MODEL, f"folder:{tmp_path / 'nowhere'}", CONFIG)


def test_classes_that_only_the_test_split_has_cannot_be_learnt(home, squares):
    root = Path(squares.removeprefix("folder:"))
    (root / "val" / "red").rename(root / "val" / "blue")
    with pytest.raises(DataError) as caught:
        start_run(MODEL.replace("classes=2", "classes=3"), squares, CONFIG)
    assert (
        str(caught.value)
        == "squares has no training image of blue; each class needs some in train/."
    )


@pytest.mark.parametrize("damage", [b"", b"x"])
def test_classes_without_a_readable_training_image_cannot_be_learnt(home, squares, damage):
    for path in Path(squares.removeprefix("folder:")).glob("train/green/*"):
        path.write_bytes(damage)
    with pytest.raises(DataError, match="no training image of green"):
        start_run(MODEL, squares, CONFIG)


def test_a_test_split_alone_cannot_be_trained_on(home, squares):
    root = Path(squares.removeprefix("folder:"))
    (root / "train").rename(root / "unused")
    with pytest.raises(DataError, match="no training image of green, red;"):
        start_run(MODEL, squares, CONFIG)


def test_a_folder_that_cannot_be_written_is_refused_before_the_first_step(tmp_path, home, squares):
    (tmp_path / "file").write_text("in the way")
    _, events = start_run(MODEL, squares, CONFIG, tmp_path / "file")
    with pytest.raises(
        TrainingError, match=r"cannot be written \(File exists\); choose another --out\."
    ):
        next(events)


def test_whether_small_maps_are_used_is_measured_once_and_kept(home, squares, monkeypatch):
    monkeypatch.setattr(start, "best", lambda: replace(CPU, autocast=torch.bfloat16))
    monkeypatch.setattr(start, "product_pays", lambda half: False)
    config = replace(CONFIG, precision="auto", epochs=1)
    run, events = start_run("new/residual-8?width=32&classes=2", squares, config)
    next(events)
    events.close()
    path = run.folder / "config.json"
    assert json.loads(path.read_text())["small_maps"] is False
    monkeypatch.setattr(start, "product_pays", lambda half: 1 / 0)
    again, events = resume_run(run.folder)
    next(events)
    events.close()
    assert again.small_maps is False
    before = {key: v for key, v in json.loads(path.read_text()).items() if key != "small_maps"}
    path.write_text(json.dumps(before))  # as runs were written before it was measured
    assert resume_run(run.folder)[0].small_maps is True


def test_a_network_or_a_device_that_could_not_use_small_maps_measures_nothing(
    home, squares, monkeypatch
):
    monkeypatch.setattr(start, "product_pays", lambda half: 1 / 0)
    assert start_run(MODEL, squares, CONFIG)[0].small_maps is True
