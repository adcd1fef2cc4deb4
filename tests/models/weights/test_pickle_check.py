"""No code in a pickle is run, and none may claim more memory than its file has bytes."""

import copy
import os
import pickle
import warnings
import zipfile
from pathlib import Path

import pytest
import torch
from torch import nn

from tests.models.weights.files import network, refused, repacked, torch_saved, with_claim


class Evil:
    """Runs a command when it is unpickled by somebody careless."""

    def __init__(self, sentinel):
        self.sentinel = sentinel

    def __reduce__(self):
        return os.system, (f"touch {self.sentinel}",)


@pytest.mark.parametrize("how", ["zip", "legacy", "bare"])
def test_code_in_a_pickle_is_never_run(tmp_path, how):
    path, sentinel = tmp_path / "m.pth", tmp_path / "ran"
    value = {"state_dict": network().state_dict(), "extra": Evil(sentinel)}
    if how == "bare":
        path.write_bytes(pickle.dumps(Evil(sentinel), protocol=2))
        refused(path, "no file of PyTorch's")
    else:
        torch.save(value, path, _use_new_zipfile_serialization=how == "zip")
        refused(path, "posix.system", "state_dict()")
    assert not sentinel.exists()


@pytest.mark.parametrize("zipped", [True, False])
def test_a_whole_pickled_model_is_refused(tmp_path, zipped):
    path = torch_saved(tmp_path / "full.pth", network(), _use_new_zipfile_serialization=zipped)
    refused(path, "resviz.models.architectures.resnet.ResNet", "state_dict()")


def test_torchscript_is_refused(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it is deprecated, but files of it are about
        torch.jit.save(torch.jit.trace(nn.Linear(2, 2), torch.zeros(1, 2)), tmp_path / "script.pt")
    refused(tmp_path / "script.pt", "TorchScript", "state_dict()")


def test_compressed_entries_and_foreign_zips_are_refused(tmp_path):
    path = torch_saved(tmp_path / "m.pth", network().state_dict())
    refused(
        repacked(path, tmp_path / "deflated.pth", compression=zipfile.ZIP_DEFLATED), "compressed"
    )
    with zipfile.ZipFile(tmp_path / "photos.pth", "w") as archive:
        archive.writestr("cat.jpg", b"x")
    refused(tmp_path / "photos.pth", "zip file without")
    refused(
        repacked(
            path, tmp_path / "huge.pth", lambda n, d: d + bytes(2**22) if "data.pkl" in n else d
        ),
        "objects",
    )


def test_overlapping_entries_are_refused(tmp_path):
    path = torch_saved(tmp_path / "m.pth", network().state_dict())
    with zipfile.ZipFile(path, "a") as archive:
        biggest = max(archive.filelist, key=lambda entry: entry.file_size)
        for i in range(50):
            twin = copy.copy(biggest)
            twin.filename = f"m/data/{1000 + i}"
            archive.filelist.append(twin)
        archive._didModify = True
    refused(path, "overlap")


def test_a_legacy_file_cannot_claim_more_numbers_than_it_has_bytes(tmp_path):
    refused(with_claim(tmp_path / "m.th", 2**31 - 1), "2,147,483,647 numbers")
    refused(with_claim(tmp_path / "m.th", -5), "-5 numbers")
    data = with_claim(tmp_path / "m.th", 7).read_bytes()
    (tmp_path / "m.th").write_bytes(data.replace(b"J\x07\x00\x00\x00N", b"K\x07q\x63NNN0"))
    refused(tmp_path / "m.th", "unusual")


def test_a_million_bytes_reserved_by_a_pickle_are_refused(tmp_path):
    path = torch_saved(tmp_path / "m.pth", {"w": bytearray(1_000_000)})
    refused(path, "__builtin__.bytearray")


def peak(action):
    """Growth of the peak resident memory over an action, in bytes."""
    clear, status = Path("/proc/self/clear_refs"), Path("/proc/self/status")
    try:
        clear.write_text("5")
    except OSError:
        pytest.skip("the peak of resident memory cannot be reset here")

    def kib(key):
        return int(
            next(
                line.split()[1] for line in status.read_text().splitlines() if line.startswith(key)
            )
        )

    before = kib("VmRSS:")
    action()
    return (kib("VmHWM:") - before) * 1024


def test_bombs_cost_no_memory(tmp_path):
    state = network().state_dict()
    bomb = repacked(
        torch_saved(tmp_path / "m.pth", state),
        tmp_path / "bomb.pth",
        lambda name, data: bytes(2**28) if name.endswith("data/0") else data,
        zipfile.ZIP_DEFLATED,
    )
    expanded = torch_saved(
        tmp_path / "wide.pth", {**state, "fc.weight": torch.zeros(1).expand(2**22, 64)}
    )
    claims = with_claim(tmp_path / "claims.th", 2**30)
    refused(claims)  # warm
    for path in (bomb, expanded, claims):
        assert path.stat().st_size < 2**20
        assert peak(lambda path=path: refused(path)) < 16 * 2**20
