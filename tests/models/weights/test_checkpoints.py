"""A file becomes a network with its numbers, or one sentence says why not and what to do."""

import json

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from resviz.models.architectures.resnet import skeleton
from resviz.models.spec import ModelSpec
from resviz.models.weights import checkpoints
from resviz.models.weights.identify import spec_values
from tests.models.weights.files import TheirNet, X, network, refused, scores, torch_saved


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
        (lambda s: s.update({"layer4.0.conv1.weight": torch.zeros(1)}), "1x1x1x1 basic blocks"),
        (lambda s: s.update({"layer1.1.conv1.weight": torch.zeros(1)}), "2x1x1 basic blocks"),
        (lambda s: [s.pop(k) for k in list(s) if k.startswith("layer")], "no basic blocks"),
    ],
)
def test_what_is_no_known_network_is_told_why_and_what_else_looks_into_it(tmp_path, change, said):
    state = network().state_dict()
    change(state)
    refused(torch_saved(tmp_path / "m.pth", state), said, "from Python, resviz.layers(model")


def test_a_classifier_that_is_torn_apart_can_be_left_out(tmp_path):
    state = network().state_dict()
    state.pop("fc.weight")
    path = torch_saved(tmp_path / "m.pth", state)
    refused(path, "fc.weight is missing", "?head=none opens it")
    read = checkpoints.read(path, options={"head": "none"})
    assert read.spec == ModelSpec(depth=8, head="none", classes=64)
    assert read.notes[0].startswith(
        "Without a classifier, the network answers with the 64 features"
    )
