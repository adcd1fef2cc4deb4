"""Event files, read back by TensorBoard itself."""

import sys
from pathlib import Path

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
from tensorboard.compat.proto.event_pb2 import Event

from resviz import cli
from resviz.errors import TrainingError
from resviz.training.launch import start
from resviz.training.launch.start import start_run
from resviz.training.runs import reader, tensorboard
from tests.training.squares import CONFIG, CPU, MODEL, folder

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:tensorboard|google")


def events(path: Path) -> list[Event]:
    """TensorBoard stops at the first record whose checksums are wrong."""
    return [Event.FromString(record) for record in RawEventFileLoader(str(path)).Load()]


def scalars(path: Path) -> dict[str, list[tuple[int, float]]]:
    found: dict[str, list[tuple[int, float]]] = {}
    for event in events(path):
        for value in event.summary.value:
            found.setdefault(value.tag, []).append((event.step, value.simple_value))
    return found


def test_an_exported_run_has_every_recorded_number_at_its_step(home, tmp_path, monkeypatch):
    monkeypatch.setattr(start, "best", lambda: CPU)
    run, training = start_run(MODEL, folder(tmp_path / "squares"), CONFIG, record="full")
    list(training)
    assert (
        cli.main(
            ["runs", "export", run.name, "--format", "tensorboard", "--out", str(tmp_path / "out")]
        )
        == 0
    )
    (path,) = (tmp_path / "out").iterdir()
    assert "tfevents" in path.name  # by which TensorBoard finds it
    found, record = scalars(path), reader.read(run.name)
    for quantity in record.quantities():
        steps, values = record.norms(quantity, None)
        for layer, column in zip(record.layers(quantity), values.T, strict=True):
            assert found.pop(f"{quantity}/{layer}") == list(
                zip(steps.tolist(), column.tolist(), strict=True)
            )
    for name in ("train_loss", "train_accuracy", "test_loss", "test_accuracy"):
        expected = record.epochs()[name].astype(np.float32).tolist()
        assert found.pop(f"epochs/{name}") == list(enumerate(expected))
    for name in ("epoch", "loss", "accuracy", "lr", "seconds"):
        expected = record.scalars()[name].astype(np.float32).tolist()
        assert found.pop(f"steps/{name}") == list(enumerate(expected))
    assert found == {}
    first, *rest = events(path)
    assert first.file_version == "brain.Event:2"
    at = record.scalars()["at"]
    assert {event.wall_time for event in rest} == set(at.tolist())


def test_many_steps_layers_and_numbers_that_are_none_survive(tmp_path):
    count = 4099
    x = np.arange(count) * 1_000_003  # beyond 32 bits
    values = np.where(x % 5 == 0, np.nan, x / 7).astype(np.float32)
    steps = {"step": x, "epoch": x * 0, "loss": values, "at": x + 0.25}
    wide = {"step": x[:2], **{f"layer{i}.with.a.long.name": values[:2] + i for i in range(200)}}
    path = tensorboard.write(tmp_path / "events.out.tfevents.1", {"steps": steps, "weight": wide})
    found = scalars(path)
    np.testing.assert_array_equal(found["steps/loss"], np.stack([x, values.astype(float)], 1))
    assert len(found) == 2 + 200
    np.testing.assert_array_equal(
        [value for _, value in found["weight/layer199.with.a.long.name"]], values[:2] + 199
    )


def test_without_tensorboard_a_sentence_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(TrainingError, match=r"pip install resviz\[tensorboard\].*csv or parquet"):
        tensorboard.write(tmp_path / "events", {"steps": {"step": np.arange(3)}})
    assert list(tmp_path.iterdir()) == []


def test_a_second_export_replaces_the_first(tmp_path):
    steps = {"step": np.arange(3), "loss": np.ones(3), "at": np.arange(3.0)}
    for _ in range(2):
        tensorboard.write(tmp_path / "events.out.tfevents.1", {"steps": steps})
    (path,) = tmp_path.iterdir()
    assert scalars(path) == {"steps/loss": [(0, 1.0), (1, 1.0), (2, 1.0)]}
