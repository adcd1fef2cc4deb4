"""A checkpoint comes back as it was, and into its own network only."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from resviz.errors import TrainingError
from resviz.models.architectures.resnet import build
from resviz.models.spec import ModelSpec
from resviz.training.engine import checkpoint
from resviz.training.engine.checkpoint import Position, State
from resviz.training.engine.trainer import Training
from resviz.training.runs.folder import statistics
from tests.training.squares import CONFIG, CPU, MODEL, dataset

DATA = dataset()


def training(model: str = MODEL) -> Training:
    network = build(ModelSpec.parse(model.removeprefix("new/")))
    return Training(network, DATA, CONFIG, CPU, statistics(DATA))


@pytest.fixture
def state() -> State:
    """After two steps."""
    begun = training()
    events = begun.events()
    next(events), next(events)
    found = begun.state()
    events.close()
    return found


def test_what_is_saved_is_loaded_to_the_bit(state, tmp_path):
    checkpoint.save(tmp_path / "state", state)
    found = checkpoint.load(tmp_path / "state")
    assert found.position() == state.position()
    assert found.position().step == 2
    assert found.tensors.keys() == state.tensors.keys()
    assert all(torch.equal(found.tensors[name], t) for name, t in state.tensors.items())
    assert {name.partition(".")[0] for name in found.tensors} == {"model", "momentum", "drawn"}


def test_a_state_does_not_follow_the_training_that_goes_on():
    begun = training()
    events = begun.events()
    next(events)
    before = begun.state()
    copy = {name: t.clone() for name, t in before.tensors.items()}
    next(events)
    events.close()
    assert all(torch.equal(before.tensors[name], t) for name, t in copy.items())


def test_it_fits_its_own_network_only(state):
    other = training("new/residual-14?width=4&classes=2")
    with pytest.raises(TrainingError, match="belongs to another network"):
        checkpoint.restore(state, other.model, other.optimiser)


@pytest.mark.parametrize("missing", ["drawn", "step", "loss"])
def test_a_file_that_lacks_something_is_damaged(state, tmp_path, missing):
    tensors = {name: t for name, t in state.tensors.items() if name != missing}
    numbers = {name: value for name, value in state.numbers.items() if name != missing}
    checkpoint.save(tmp_path / "state", State(tensors, numbers))
    with pytest.raises(TrainingError, match="is damaged"):
        checkpoint.load(tmp_path / "state")


def test_a_file_of_another_program_is_damaged(tmp_path: Path):
    save_file({"a": torch.zeros(1)}, tmp_path / "state")
    with pytest.raises(TrainingError, match="is damaged"):
        checkpoint.load(tmp_path / "state")


def test_a_position_is_where_the_numbers_say():
    numbers = {"step": 7, "epoch": 2, "loss": 1.5, "accuracy": 0.25, "scaler.scale": 8.0}
    state = State({"drawn": torch.zeros(1)}, numbers)
    assert state.position() == Position(7, 2, 1.5, 0.25)
    assert state.scaler() == {"scale": 8.0}
