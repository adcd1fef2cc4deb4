"""Weights of many layouts load to the same numbers; everything else is refused in one sentence and costs nothing."""

import contextlib
import copy
import io
import json
import os
import pickle
import random
import struct
import warnings
import zipfile
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import nn

from resviz.errors import CheckpointError
from resviz.models.architectures.resnet import build, skeleton
from resviz.models.spec import ModelSpec
from resviz.models.weights import checkpoints, safe_load
from resviz.models.weights.identify import spec_values

X = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def network(text="residual-8"):
    """A network whose running statistics are not the initial ones."""
    model = build(ModelSpec.parse(text))
    generator = torch.Generator().manual_seed(1)
    for name, b in model.named_buffers():
        if b.is_floating_point():
            b.uniform_(0.5, 1.5, generator=generator) if "var" in name else b.normal_(
                0, 0.1, generator=generator
            )
    return model


def scores(model, x=X):
    with torch.no_grad():
        return model(x)


def torch_saved(path, value, **how):
    torch.save(value, path, **how)
    return path


def refused(path, *said, **how):
    """The sentence with which a file is refused; it names the file and tells what was said."""
    with pytest.raises(CheckpointError) as caught:
        checkpoints.read(path, **how)
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert sentence.endswith(".")
    assert all(part in sentence for part in (path.name, *said)), sentence
    return sentence


class TheirBlock(nn.Module):
    """The block of the CIFAR repositories, written down again as an oracle."""

    def __init__(self, inner, planes, stride, option):
        super().__init__()
        self.conv1 = nn.Conv2d(inner, planes, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.shortcut, self.option, self.planes = nn.Sequential(), option, planes
        if option == "B" and stride != 1:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inner, planes, 1, stride, bias=False), nn.BatchNorm2d(planes)
            )
        self.pads = option == "A" and stride != 1

    def forward(self, x):
        out = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        if self.pads:
            return F.relu(
                out + F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.planes // 4, self.planes // 4))
            )
        return F.relu(out + self.shortcut(x))


class TheirNet(nn.Module):
    def __init__(self, option):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16)
        self.layer1 = nn.Sequential(TheirBlock(16, 16, 1, option), TheirBlock(16, 16, 1, option))
        self.layer2 = nn.Sequential(TheirBlock(16, 32, 2, option), TheirBlock(32, 32, 1, option))
        self.layer3 = nn.Sequential(TheirBlock(32, 64, 2, option), TheirBlock(64, 64, 1, option))
        self.linear = nn.Linear(64, 10)

    def forward(self, x):
        x = self.layer3(self.layer2(self.layer1(F.relu(self.bn1(self.conv1(x))))))
        return self.linear(x.mean((2, 3)))


# ---- reading


def test_what_save_writes_read_gives_back(tmp_path):
    model = network("plain-14?norm=batch&classes=3&seed=2")
    meta = {"spec": model.spec.as_dict(), "labels": ["a", "b", "c"], "card": {"accuracy": 0.5}}
    checkpoints.save(tmp_path / "m.safetensors", model, meta)
    found = checkpoints.read(tmp_path / "m.safetensors")
    assert found.spec == model.spec
    assert found.meta == meta
    assert found.notes == ()
    expected = {
        name: t.half().float() if t.ndim > 1 else t for name, t in model.state_dict().items()
    }
    assert all(torch.equal(t, expected[name]) for name, t in found.model.state_dict().items())
    assert [p.name for p in tmp_path.iterdir()] == ["m.safetensors"]


@pytest.mark.parametrize("mapped", [True, False])
@pytest.mark.parametrize(
    "how", ["bare.pth", "legacy.th", "tensors.safetensors", "wrapped.pt", "parallel.pth"]
)
def test_every_container_gives_the_same_numbers(tmp_path, how, mapped):
    model = network()
    state, path = model.state_dict(), tmp_path / how
    if how.endswith(".safetensors"):
        save_file(state, path)
    elif how == "wrapped.pt":
        torch.save({"epoch": 3, "model": state, "optimizer": {"param_groups": [{"lr": 0.1}]}}, path)
    elif how == "parallel.pth":
        torch.save({"state_dict": nn.DataParallel(model).state_dict(), "best": 0.9}, path)
    else:
        torch.save(state, path, _use_new_zipfile_serialization=how != "legacy.th")
    found = checkpoints.read(path, mapped=mapped)
    assert found.spec == model.spec
    assert torch.equal(scores(found.model), scores(model))
    assert not any(module.training for module in found.model.modules())
    for p in found.model.parameters():
        assert p.dtype == torch.float32
        assert p.requires_grad
        assert p.is_contiguous()
        assert p.is_leaf


@pytest.mark.parametrize("option", ["A", "B"])
@pytest.mark.parametrize("wrapper", ["state_dict", "net"])
def test_cifar_repositories_weights_give_their_outputs(tmp_path, option, wrapper):
    torch.manual_seed(0)
    theirs = TheirNet(option).eval()
    state = {f"module.{name}": t for name, t in theirs.state_dict().items()}
    path = torch_saved(
        tmp_path / "resnet14.th",
        {wrapper: state, "acc": 92.1},
        _use_new_zipfile_serialization=False,
    )
    found = checkpoints.read(path)
    assert found.spec == ModelSpec(depth=14, shortcut=option)
    assert torch.allclose(scores(found.model), scores(theirs), atol=1e-6)


@pytest.mark.parametrize(
    "text",
    [
        "residual-20",
        "residual-20?shortcut=B&width=24",
        "residual-20?shortcut=C&norm=none&classes=100",
        "residual-8?shortcut=C",
        "residual-20?norm=group",
        "residual-11?block=bottleneck&shortcut=B",
        "residual-29?block=bottleneck&shortcut=C&groups=4&width_per_group=24",
        "residual-20?block=bottleneck&width=8&shortcut=B",
        "residual-18?stem=imagenet",
        "residual-34?stem=imagenet&shortcut=C&width=16",
        "residual-50?stem=imagenet&groups=32&width_per_group=4&classes=7",
        "residual-50?stem=imagenet&width_per_group=128",
        "residual-50?stem=imagenet&shortcut=A&norm=none",
        "residual-101?stem=imagenet&groups=64&width_per_group=4",
    ],
)
def test_the_architecture_is_recognised_from_shapes(text):
    spec = ModelSpec.parse(text)
    values, notes = spec_values(
        {name: tuple(t.shape) for name, t in skeleton(spec).state_dict().items()}
    )
    assert ModelSpec.from_dict(values) == spec
    assert len(notes) == (spec.shortcut == "A") + (spec.norm == "group")


def test_a_plain_network_is_taken_for_residual_with_a_note_unless_named(tmp_path):
    model = network("plain-14")
    path = torch_saved(tmp_path / "p.pth", model.state_dict())
    guessed = checkpoints.read(path)
    assert guessed.spec.family == "residual"
    assert "plain" in guessed.notes[0]
    for named in (
        checkpoints.read(path, model.spec),
        checkpoints.read(path, options={"family": "plain"}),
    ):
        assert named.spec == model.spec
        assert named.notes == ()
        assert torch.equal(scores(named.model), scores(model))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions_become_float32(tmp_path, dtype):
    state = {name: t.to(dtype) if t.ndim > 1 else t for name, t in network().state_dict().items()}
    save_file(state, tmp_path / "h.safetensors")
    torch.save(state, tmp_path / "h.pth")
    for path in tmp_path.iterdir():
        model = checkpoints.read(path).model
        assert {p.dtype for p in model.parameters()} == {torch.float32}
        assert torch.equal(model.conv1.weight, state["conv1.weight"].float())


def test_channels_last_weights_become_contiguous(tmp_path):
    model = network().to(memory_format=torch.channels_last)
    found = checkpoints.read(torch_saved(tmp_path / "c.pth", model.state_dict()))
    assert all(p.is_contiguous() for p in found.model.parameters())
    assert torch.allclose(scores(found.model), scores(model), atol=1e-5)


def test_counters_may_be_missing_or_too_many(tmp_path):
    model = network()
    state = {name: t for name, t in model.state_dict().items() if "num_batches" not in name}
    state["total_ops"] = torch.zeros(1, dtype=torch.float64)  # the profiler thop leaves them
    found = checkpoints.read(torch_saved(tmp_path / "old.pth", state))
    assert torch.equal(scores(found.model), scores(model))
    assert found.model.bn1.num_batches_tracked == 0


def test_a_mapped_network_can_be_trained_without_touching_its_file(tmp_path):
    save_file(network().state_dict(), tmp_path / "m.safetensors")
    torch.save(network().state_dict(), tmp_path / "m.pth")
    for path in sorted(tmp_path.iterdir()):
        before = path.read_bytes()
        model = checkpoints.read(path).model.train()
        model(X).sum().backward()
        with torch.no_grad():
            for p in model.parameters():
                p.sub_(p.grad)
        assert path.read_bytes() == before


def test_an_unmapped_network_survives_that_its_file_is_cut(tmp_path):
    save_file(network().state_dict(), tmp_path / "m.safetensors")
    torch.save(network().state_dict(), tmp_path / "m.pth")
    for path in sorted(tmp_path.iterdir()):
        model = checkpoints.read(path, mapped=False).model
        path.write_bytes(b"")  # a mapping of it would end this process with SIGBUS
        assert torch.equal(scores(model), scores(network()))


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


# ---- refusing


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


def repacked(source, target, change=lambda name, data: data, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", compression) as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
    return target


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


@pytest.mark.parametrize("zipped", [True, False])
def test_tensors_that_overlap_are_refused(tmp_path, zipped):
    state = network().state_dict()
    state["fc.weight"] = torch.zeros(1).expand(
        100_000, 64
    )  # strides of 0: four bytes that claim to be 25 MB
    refused(
        torch_saved(tmp_path / "m.pth", state, _use_new_zipfile_serialization=zipped), "overlap"
    )


def with_claim(path, count):
    """The legacy file of one tensor of 7 numbers that claims `count` instead."""
    torch.save({"w": torch.zeros(7)}, path, _use_new_zipfile_serialization=False)
    data = path.read_bytes()
    honest = b"K\x07N"  # BININT1 7, NONE: the end of the storage's name
    assert data.count(honest) == 1
    path.write_bytes(data.replace(honest, b"J" + struct.pack("<i", count) + b"N"))
    return path


def test_a_legacy_file_cannot_claim_more_numbers_than_it_has_bytes(tmp_path):
    refused(with_claim(tmp_path / "m.th", 2**31 - 1), "2,147,483,647 numbers")
    refused(with_claim(tmp_path / "m.th", -5), "-5 numbers")
    data = with_claim(tmp_path / "m.th", 7).read_bytes()
    (tmp_path / "m.th").write_bytes(data.replace(b"J\x07\x00\x00\x00N", b"K\x07q\x63NNN0"))
    refused(tmp_path / "m.th", "unusual")


def safetensors_file(path, header, body=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + body)
    return path


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


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"depth": 21}, "6n + 2"),
        ({"depth": "x"}, "whole number"),
        ({"colour": "red"}, "colour"),
        ({"depth": 20, "width": 10**9}, "1024"),
        ({"depth": 20}, "and"),
    ],
)
def test_a_spec_in_the_file_is_checked_as_any_other(tmp_path, spec, said):
    save_file(
        network().state_dict(), tmp_path / "m.safetensors", {"resviz": json.dumps({"spec": spec})}
    )
    refused(tmp_path / "m.safetensors", said, "file/PATH?family=...&depth=...")


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


def test_misfits_are_named_up_to_three(tmp_path):
    state = network().state_dict()
    del state["layer1.0.bn1.weight"], state["layer3.0.conv2.weight"]
    state["layer2.0.conv2.weight"] = torch.zeros(32, 32, 1, 1)
    state["head.weight"] = torch.zeros(1)
    sentence = refused(
        torch_saved(tmp_path / "m.pth", state), "does not fit residual-8", "and 1 more"
    )
    assert "layer1.0.bn1.weight is missing" in sentence
    assert "layer2.0.conv2.weight is 32x32x1x1 where 32x32x3x3 is needed" in sentence
    assert "head.weight" not in sentence


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda s: s.pop("conv1.weight"), "conv1.weight is missing"),
        (
            lambda s: s.update({"conv1.weight": torch.zeros(16, 3, 5, 5)}),
            "unusual first convolution",
        ),
        (lambda s: s.update({"conv1.weight": torch.zeros(16)}), "conv1.weight is of shape 16"),
        (lambda s: s.pop("fc.weight"), "fc.weight is missing"),
        (lambda s: s.update({"layer4.0.conv1.weight": torch.zeros(1)}), "1x1x1x1 basic blocks"),
        (lambda s: s.update({"layer1.1.conv1.weight": torch.zeros(1)}), "2x1x1 basic blocks"),
        (lambda s: [s.pop(k) for k in list(s) if k.startswith("layer")], "no basic blocks"),
    ],
)
def test_what_is_no_known_network_asks_to_be_named(tmp_path, change, said):
    state = network().state_dict()
    change(state)
    refused(torch_saved(tmp_path / "m.pth", state), said, "file/PATH?family=...&depth=...")


def test_values_without_tensors_are_refused(tmp_path):
    refused(torch_saved(tmp_path / "m.pth", {"epoch": 3}), "no tensors")
    refused(torch_saved(tmp_path / "m.pth", [torch.zeros(1)]), "by name")
    refused(torch_saved(tmp_path / "m.pth", torch.zeros(1)), "by name")
    refused(
        torch_saved(tmp_path / "m.pth", network().state_dict(), pickle_protocol=4), "protocol 4"
    )


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
