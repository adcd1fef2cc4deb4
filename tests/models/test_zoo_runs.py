"""`run/ID?checkpoint=...`: a network as it was at any saved moment of its training."""

from pathlib import Path

import pytest
import torch

from resviz.errors import ModelError
from resviz.models import zoo
from resviz.models.architectures.resnet import build
from resviz.models.spec import ModelSpec
from resviz.training.events import EpochEnd
from resviz.training.launch import start
from resviz.training.launch.start import start_run
from tests.training.squares import CONFIG, CPU, MODEL, folder


@pytest.fixture
def run(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, list[float]]:
    """A finished run and its test accuracy after each epoch."""
    monkeypatch.setattr(start, "best", lambda: CPU)
    made, events = start_run(MODEL, folder(tmp_path / "squares"), CONFIG)
    return made.name, [event.test.accuracy for event in events if isinstance(event, EpochEnd)]


def test_each_checkpoint_is_the_network_of_its_moment(run):
    name, accuracies = run
    assert zoo.saved(name) == ("initial", "epoch-1", "epoch-2", "epoch-3", "final")
    for epoch, accuracy in enumerate(accuracies, start=1):
        loaded = zoo.load(f"run/{name}?checkpoint=epoch-{epoch}")
        assert loaded.card["accuracy"] == pytest.approx(accuracy, abs=1e-4)
        assert loaded.labels == ("green", "red")
    fresh = build(ModelSpec.parse(MODEL.removeprefix("new/"))).conv1.weight
    initial = zoo.load(f"run/{name}?checkpoint=initial")
    torch.testing.assert_close(
        initial.model.conv1.weight, fresh, atol=1e-3, rtol=1e-3
    )  # stored in half precision
    assert "accuracy" not in initial.card
    final, newest = zoo.load(f"run/{name}?checkpoint=final"), zoo.load(f"run/{name}")
    assert torch.equal(final.model.conv1.weight, newest.model.conv1.weight)


@pytest.mark.parametrize("checkpoint", ["epoch-9", "nothing", "../../x", ""])
def test_a_checkpoint_that_is_not_there_names_those_that_are(run, checkpoint):
    with pytest.raises(
        ModelError, match=r"checkpoint of initial, epoch-1, epoch-2, epoch-3, final|no trained"
    ):
        zoo.load(f"run/{run[0]}?checkpoint={checkpoint}")


def test_an_unknown_option_is_refused(run):
    with pytest.raises(
        ModelError, match="runs have no option 'weights'; the only one is checkpoint"
    ):
        zoo.load(f"run/{run[0]}?weights=none")


def test_checkpoints_are_in_the_order_of_training(home):
    folder_ = home / "runs" / "x"
    folder_.mkdir(parents=True)
    for name in ("epoch-10", "epoch-9", "initial"):
        (folder_ / f"checkpoint-{name}.safetensors").touch()
    assert zoo.saved("x") == ("initial", "epoch-9", "epoch-10")
    assert zoo.saved("nothing") == ()
