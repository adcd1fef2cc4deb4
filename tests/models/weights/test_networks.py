"""A network is found inside whatever it was saved in.

The oracle is what the saved network answers.
"""

import copy

import pytest
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

from resviz.errors import CheckpointError
from resviz.models.spec import ModelSpec
from resviz.models.weights import checkpoints, networks
from tests.models.weights.files import X, network, scores, torch_saved


def prefixed(state, prefix):
    return {prefix + name: t for name, t in state.items()}


def optimised(model):
    """The state of an optimizer that has made a step: tensors of the same shapes, by numbers."""
    optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9)
    model(X).sum().backward()
    optimizer.step()
    return optimizer.state_dict()


PREFIXES = (
    "module.",
    "model.",
    "backbone.",
    "net.",
    "encoder.",
    "_orig_mod.",
    "_fsdp_wrapped_module.",
    "module.model.",
    "_orig_mod.module.",
    "model.backbone.body.",
    "student.",
    "anything.else.at.all.",
)


@pytest.mark.parametrize("prefix", PREFIXES)
def test_whatever_stands_before_all_names_is_taken_away(tmp_path, prefix):
    model = network()
    path = torch_saved(tmp_path / "m.pth", prefixed(model.state_dict(), prefix))
    read = checkpoints.read(path)
    assert read.spec == model.spec
    assert torch.equal(scores(read.model), scores(model))


def wrapped(model):
    state = model.state_dict()
    body = {name: t for name, t in state.items() if not name.startswith("fc.")}
    head = {name.removeprefix("fc."): t for name, t in state.items() if name.startswith("fc.")}
    return {
        "AveragedModel": AveragedModel(model).state_dict(),
        "compiled": torch.compile(copy.deepcopy(model)).state_dict(),
        "Lightning": {
            "epoch": 3,
            "state_dict": prefixed(state, "model."),
            "optimizer_states": [optimised(copy.deepcopy(model))],
            "loops": {"fit_loop": {"state_dict": {}}},
        },
        "example of PyTorch": {
            "epoch": 90,
            "arch": "resnet18",
            "state_dict": prefixed(state, "module."),
            "best_acc1": torch.tensor(69.8),
            "optimizer": optimised(copy.deepcopy(model)),
        },
        "deep inside": {"checkpoint": {"model": {"weights": state}}},
        "body and head apart": {**prefixed(body, "backbone."), **prefixed(head, "head.fc.")},
        "modules apart": {"backbone": body, "classifier": head},
        "other names": {name.replace("fc.", "linear."): t for name, t in state.items()},
        "a convolution as head": {**body, **head_as_convolution(head)},
    }


def head_as_convolution(head):
    return {"classifier.weight": head["weight"][:, :, None, None], "classifier.bias": head["bias"]}


@pytest.mark.parametrize("how", sorted(wrapped(network())))
def test_what_people_save_opens_with_its_own_answers(tmp_path, how):
    model = network()
    path = torch_saved(tmp_path / "m.pth.tar", wrapped(model)[how])
    read = checkpoints.read(path)
    assert read.spec == model.spec
    torch.testing.assert_close(scores(read.model), scores(model))


@pytest.mark.parametrize(
    ("keys", "titles"),
    [
        (("state_dict", "state_dict_ema"), ("state_dict", "state_dict_ema")),
        (("model", "model_ema"), ("model", "model_ema")),
        (("net.encoder_q", "net.encoder_k"), ("net.encoder_q", "net.encoder_k")),
    ],
)
def test_of_two_networks_the_first_is_opened_and_the_other_can_be_asked_for(tmp_path, keys, titles):
    first, second = network(), network("residual-8?seed=5")
    if "." in keys[0]:
        value = {
            **prefixed(first.state_dict(), keys[0] + "."),
            **prefixed(second.state_dict(), keys[1] + "."),
        }
    else:
        value = {keys[0]: first.state_dict(), keys[1]: second.state_dict()}
    path = torch_saved(tmp_path / "m.pth", value)
    read = checkpoints.read(path)
    assert torch.equal(scores(read.model), scores(first))
    assert f"holds 2 networks; this is {titles[0]}. ?weights= opens another: {titles[1]}." in str(
        read.notes[0]
    )
    other = checkpoints.read(path, options={"weights": titles[1]})
    assert torch.equal(scores(other.model), scores(second))
    with pytest.raises(CheckpointError, match=f"may be {titles[0]}, {titles[1]}"):
        checkpoints.read(path, options={"weights": "third"})


def test_what_belongs_to_no_network_is_named(tmp_path):
    state = prefixed(network().state_dict(), "backbone.")
    state["decoder.conv.weight"] = torch.zeros(4, 4, 3, 3)
    read = checkpoints.read(torch_saved(tmp_path / "m.pth", state))
    assert any("left out, such as decoder.conv.weight" in note for note in read.notes)
    assert torch.equal(scores(read.model), scores(network()))


def test_what_stands_among_the_layers_is_never_dropped():
    """A deep stem or an attention module makes another network: it must end in a refusal."""
    state = network().state_dict()
    state["conv2.weight"] = torch.zeros(16, 16, 3, 3)
    state["layer1.0.se.weight"] = torch.zeros(4, 16)
    picked = networks.pick(state)
    assert {"conv2.weight", "layer1.0.se.weight"} <= picked.tensors.keys()


def test_a_network_without_classifier_answers_with_its_features(tmp_path):
    model = network()
    body = {name: t for name, t in model.state_dict().items() if not name.startswith("fc.")}
    read = checkpoints.read(torch_saved(tmp_path / "m.pth", body))
    assert read.spec == ModelSpec(depth=8, head="none", classes=64)
    model.fc = nn.Identity()
    assert torch.equal(scores(read.model), scores(model))


def test_a_head_of_several_layers_is_put_together(tmp_path):
    model = network()
    torch.manual_seed(0)
    head = nn.Sequential(nn.Linear(64, 20), nn.ReLU(), nn.Dropout(), nn.Linear(20, 7)).eval()
    model.fc = head
    read = checkpoints.read(torch_saved(tmp_path / "m.pth", model.state_dict()))
    assert read.spec == ModelSpec(depth=8, head="20", classes=7)
    torch.testing.assert_close(scores(read.model), scores(model))
    assert any("between the layers of its head" in note for note in read.notes)
