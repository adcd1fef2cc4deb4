"""Files of tensors are read whole and finite, or refused in one sentence."""

import contextlib
import io
import os
import random
import struct
import warnings
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from resviz.errors import CheckpointError
from resviz.models.architectures.resnet import skeleton
from resviz.models.spec import ModelSpec
from resviz.models.weights import checkpoints, safe_load
from tests.models.weights.files import network, refused, safetensors_file, torch_saved


def test_the_deepest_network_is_within_the_limits(tmp_path):
    model = skeleton(ModelSpec(depth=1202, width=1)).to_empty(device="cpu")
    checkpoints.save(tmp_path / "deep.safetensors", model, {"spec": model.spec.as_dict()})
    torch.save(
        {f"module.{name}": t for name, t in model.state_dict().items()}, tmp_path / "deep.pth"
    )
    meta, shapes = safe_load.metadata(tmp_path / "deep.safetensors")
    assert meta == {"spec": model.spec.as_dict()}
    assert shapes["layer3.199.conv2.weight"] == (4, 4, 3, 3)
    with zipfile.ZipFile(tmp_path / "deep.pth") as archive:
        assert archive.getinfo("deep/data.pkl").file_size < safe_load.MAX_PICKLE / 2


def test_files_that_are_none_are_refused(tmp_path, monkeypatch):
    refused(tmp_path / "nowhere.pth", "no file")
    (tmp_path / "folder.pth").mkdir()
    refused(tmp_path / "folder.pth", "no file")
    (tmp_path / "empty.safetensors").touch()
    refused(tmp_path / "empty.safetensors", "empty")
    for suffix in (".bin", ".onnx", ""):
        (tmp_path / f"m{suffix}").write_bytes(b"x")
        refused(tmp_path / f"m{suffix}", ".safetensors, .pt, .pth, .th")
    refused(tmp_path / "exported.pt2", "exported program")
    refused(tmp_path / f"{'long' * 100}.pth", "cannot be read")
    (tmp_path / "locked.pth").write_bytes(b"x")
    monkeypatch.setattr(
        Path,
        "open",
        lambda *a, **k: (_ for _ in ()).throw(PermissionError(13, "Permission denied")),
    )
    refused(tmp_path / "locked.pth", "Permission denied")


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_more_than_a_gibibyte_is_refused(tmp_path, suffix):
    path = tmp_path / f"big{suffix}"
    with path.open("wb") as file:
        file.truncate(safe_load.MAX_BYTES + 1)  # a hole, takes no room
    refused(path, "1,073,741,824")


@pytest.mark.parametrize("suffix", [".pth", ".th", ".safetensors"])
def test_what_is_no_weights_at_all_is_refused(tmp_path, suffix):
    path = tmp_path / f"m{suffix}"
    for data in (
        b"\x00",
        b"hello, world",
        bytes(200),
        os.urandom(999),
        b"PK\x03\x04" + bytes(99),
        b"\x80\x02}q\x00.",
    ):
        path.write_bytes(data)
        refused(path)


def test_a_cut_file_is_refused(tmp_path):
    state = network().state_dict()
    whole = [
        torch_saved(tmp_path / "zip.pth", state),
        torch_saved(tmp_path / "legacy.th", state, _use_new_zipfile_serialization=False),
    ]
    save_file(state, tmp_path / "m.safetensors")
    for path in [*whole, tmp_path / "m.safetensors"]:
        data = path.read_bytes()
        for share in (0.01, 0.5, 0.99):
            path.write_bytes(data[: int(len(data) * share)])
            refused(path)


@pytest.mark.parametrize("zipped", [True, False])
def test_tensors_that_overlap_are_refused(tmp_path, zipped):
    state = network().state_dict()
    state["fc.weight"] = torch.zeros(1).expand(
        100_000, 64
    )  # strides of 0: four bytes that claim to be 25 MB
    refused(
        torch_saved(tmp_path / "m.pth", state, _use_new_zipfile_serialization=zipped), "overlap"
    )


def test_bad_safetensors_are_refused(tmp_path):
    path = tmp_path / "m.safetensors"
    refused(safetensors_file(path, b" " * (2**20 + 1)), "header above 1048576")
    path.write_bytes(struct.pack("<Q", 2**63) + b"{}")
    refused(path, "header above")
    refused(safetensors_file(path, b"[" * 2**20), "damaged")
    refused(safetensors_file(path, b"[]"), "damaged header")
    entry = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
    refused(safetensors_file(path, {"w": {**entry, "data_offsets": [0, 4]}}, bytes(8)), "damaged")
    refused(safetensors_file(path, {"w": {**entry, "shape": [10**9]}}, bytes(8)), "damaged")
    refused(safetensors_file(path, {"w": entry, "v": entry}, bytes(8)), "damaged")
    refused(
        safetensors_file(path, {"w": entry, "__metadata__": {"resviz": "{"}}, bytes(8)),
        "damaged header",
    )
    refused(
        safetensors_file(path, {"w": entry, "__metadata__": {"resviz": "[]"}}, bytes(8)),
        "list, not an object",
    )


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("name", ["m.pth", "m.safetensors"])
def test_nan_and_infinity_are_refused_with_the_tensors_name(tmp_path, value, name):
    state = network().state_dict()
    state["layer2.0.conv1.weight"][3, 2, 1, 0] = value
    save_file(state, tmp_path / name) if name.endswith("safetensors") else torch.save(
        state, tmp_path / name
    )
    refused(tmp_path / name, "layer2.0.conv1.weight", "NaN or infinity")


def test_large_numbers_whose_sum_overflows_are_not_refused(tmp_path):
    state = network().state_dict()
    state["fc.weight"].fill_(3e38)
    assert checkpoints.read(torch_saved(tmp_path / "m.pth", state)).spec.depth == 8


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (torch.zeros(10, 64).to_sparse(), "sparse tensors"),
        (torch.zeros(10, 64, dtype=torch.complex64), "complex"),
        (torch.zeros(10, 64, dtype=torch.int8), "fc.weight is int8"),
        (torch.zeros(10, 64, dtype=torch.int64), "fc.weight holds whole numbers"),
        (torch.zeros(10, 64, device="meta"), "tensors without numbers"),
        (torch.zeros(10, 64).to(torch.float8_e4m3fn), "_rebuild_tensor_v3"),
    ],
)
def test_tensors_that_are_no_dense_floats_are_refused(tmp_path, value, said):
    refused(torch_saved(tmp_path / "m.pth", {**network().state_dict(), "fc.weight": value}), said)


def test_quantised_weights_are_refused(tmp_path):
    path = tmp_path / "m.pth"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        weight = torch.quantize_per_tensor(torch.zeros(10, 64), 0.1, 0, torch.qint8)
        torch.save({**network().state_dict(), "fc.weight": weight}, path)
    refused(path, "quantised")


def test_values_without_tensors_are_refused(tmp_path):
    refused(torch_saved(tmp_path / "m.pth", {"epoch": 3}), "no tensors")
    refused(torch_saved(tmp_path / "m.pth", [torch.zeros(1)]), "by name")
    refused(torch_saved(tmp_path / "m.pth", torch.zeros(1)), "by name")
    refused(
        torch_saved(tmp_path / "m.pth", network().state_dict(), pickle_protocol=4), "protocol 4"
    )


def test_random_damage_is_refused_or_harmless(tmp_path):
    """Bytes changed anywhere: the file loads or is refused, nothing else is raised."""
    state, rng = network().state_dict(), random.Random(0)
    sources = []
    for zipped in (True, False):
        stream = io.BytesIO()
        torch.save(state, stream, _use_new_zipfile_serialization=zipped)
        sources.append((f"m{zipped}.pth", stream.getvalue()))
    save_file(state, tmp_path / "m.safetensors")
    sources.append(("m.safetensors", (tmp_path / "m.safetensors").read_bytes()))
    loaded = 0
    for name, data in sources:
        heads = [0, max(0, data.rfind(b"PK\x01\x02") - 4000), max(0, data.find(b"ctorch") - 500)]
        for _ in range(60):
            damaged = bytearray(data)
            for _ in range(rng.choice([1, 3, 20])):
                start = rng.choice(heads)
                damaged[min(start + rng.randrange(6000), len(data) - 1)] = rng.randrange(256)
            (tmp_path / name).write_bytes(damaged)
            with contextlib.suppress(CheckpointError):
                checkpoints.read(tmp_path / name)
                loaded += 1
    assert 0 < loaded < 120
