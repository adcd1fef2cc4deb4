"""Event files, read back by TensorBoard itself; checksums against published values."""

from pathlib import Path

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
from tensorboard.compat.proto.event_pb2 import Event

from resviz import cli
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
        steps, values = record.norms(quantity, 10**6)
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
    count = tensorboard.ROWS + 3
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


@pytest.mark.parametrize(
    ("data", "crc"),  # RFC 3720, B.4
    [
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (b"123456789", 0xE3069283),
    ],
)
def test_checksums_are_those_of_the_standard(data, crc):
    masked = ((crc >> 15 | crc << 17) + 0xA282EAD8) % 2**32
    assert tensorboard._checksum(np.frombuffer(data, np.uint8)[None]).tobytes() == masked.to_bytes(
        4, "little"
    )
