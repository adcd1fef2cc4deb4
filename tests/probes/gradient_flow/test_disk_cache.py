"""What is kept on disk is what was measured, and nothing on disk can hurt."""

from dataclasses import fields

import numpy as np
import pytest

from resviz.probes.gradient_flow import disk_cache, over_seeds
from resviz.probes.gradient_flow.norms import Gradients, Parts
from resviz.probes.gradient_flow.over_seeds import Batch

NET, BATCH = "new/residual-8?width=4", Batch(size=4)


@pytest.fixture(autouse=True)
def _home(monkeypatch, tmp_path):
    monkeypatch.setenv("RESVIZ_HOME", str(tmp_path))


def assert_same(a: object, b: object) -> None:
    for f in fields(a):
        one, other = getattr(a, f.name), getattr(b, f.name)
        if isinstance(one, Parts):
            assert_same(one, other)
        else:
            assert type(one) is type(other), f.name
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", [NET, "new/plain-8?width=4"])
def test_a_second_visitor_gets_the_same_numbers_without_computing(monkeypatch, name):
    first = disk_cache.measured(name, 1, BATCH)
    monkeypatch.setattr(disk_cache, "measure", lambda *_, **__: pytest.fail("computed again"))
    second = disk_cache.measured(name, 1, BATCH)
    assert isinstance(second, Gradients)
    assert_same(first, second)


def test_network_seed_batch_and_its_source_each_have_a_file_of_their_own():
    places = {
        disk_cache.place(name, seed, batch)
        for name in (NET, "new/residual-8?width=5")
        for seed in (0, 1)
        for batch in (BATCH, Batch(size=5), Batch(size=4, source="photos"))
    }
    assert len(places) == 12


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 nothing", b"\x80\x04K\x01."])
def test_a_damaged_file_is_measured_again(damage):
    found = disk_cache.measured(NET, 0, BATCH)
    path = disk_cache.place(NET, 0, BATCH)
    path.write_bytes(damage)
    assert disk_cache.read(path) is None
    assert_same(disk_cache.measured(NET, 0, BATCH), found)
    assert disk_cache.read(path) is not None


def test_stored_weights_are_measured_each_time(monkeypatch, tmp_path):
    calls, found = [], over_seeds.measure(NET, 0, BATCH)
    monkeypatch.setattr(disk_cache, "measure", lambda *args, **_: calls.append(args) or found)
    for _ in range(2):
        disk_cache.measured("file/net.pt", 0, BATCH)
    assert len(calls) == 2
    assert not list(tmp_path.rglob("*.npz"))


def test_a_folder_that_cannot_be_written_keeps_nothing_and_fails_nothing(tmp_path):
    (tmp_path / "gradients").write_text("in the way")
    assert disk_cache.measured(NET, 0, BATCH).layers == over_seeds.measure(NET, 0, BATCH).layers


def test_the_oldest_files_make_room(monkeypatch, tmp_path):
    monkeypatch.setattr(disk_cache, "MOST", 2)
    for seed in range(3):
        disk_cache.measured(NET, seed, BATCH)
    assert sorted(p.name for p in tmp_path.rglob("*.npz")) == sorted(
        disk_cache.place(NET, s, BATCH).name for s in (1, 2)
    )
    assert not list(tmp_path.rglob("*.part"))
