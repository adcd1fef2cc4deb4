"""Whoever does what a refusal or a note says gets on.

The file opens, or something else is wrong.
"""

import re

import pytest
import torch
from torch import nn

import resviz
from resviz.errors import ModelError, ResvizError
from resviz.models import zoo
from resviz.models.architectures.resnet import build
from resviz.models.spec import ModelSpec


def state(text="residual-8"):
    return build(ModelSpec.parse(text)).state_dict()


@pytest.fixture
def saved(tmp_path):
    def save(value, name="m.pth"):
        torch.save(value, tmp_path / name)
        return f"file/{tmp_path / name}"

    return save


def refusal(name):
    with pytest.raises(ResvizError) as caught:
        zoo.load(name)
    return str(caught.value)


def without(tensors, *parts):
    return {n: t for n, t in tensors.items() if not any(part in n for part in parts)}


def test_parameters_without_statistics_open_as_the_norm_that_is_named(saved):
    name = saved(without(state(), "running", "num_batches"))
    assert any("?norm=batch" in note for note in zoo.load(name).notes)
    followed = zoo.load(f"{name}?norm=batch")
    assert followed.spec.norm == "batch"
    assert any("no running mean and variance" in note for note in followed.notes)
    named = zoo.load(f"{name}?norm=group")
    assert not any("running" in note for note in named.notes)


def test_statistics_that_are_missing_are_the_initial_ones(saved):
    """BatchNorm before any training: mean 0, variance 1."""
    model = build(ModelSpec(depth=8))
    loaded = zoo.load(f"{saved(without(model.state_dict(), 'running', 'num_batches'))}?norm=batch")
    x = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(loaded.model(x), model(x))


def test_statistics_that_are_missing_in_one_layer_are_damage(saved):
    assert "layer1.0.bn1.running_mean is missing" in refusal(
        saved(without(state(), "layer1.0.bn1.running"))
    )


@pytest.mark.parametrize("option", ["dilation=2", "stride_in_1x1=1", "activation=silu"])
def test_what_was_taken_for_granted_can_be_said(saved, option):
    text = "residual-50?stem=imagenet&width=4"
    name = saved(state(text))
    granted = [note for note in zoo.load(name).notes if "not in the weights" in note]
    assert len(granted) == 1
    assert f"?{option.partition('=')[0]}" in granted[0]
    followed = zoo.load(f"{name}?{option}")
    assert followed.spec == ModelSpec.parse(f"{text}&{option}")
    assert not any("not in the weights" in note for note in followed.notes)


def test_a_plain_network_opens_as_plain(saved):
    name = saved(state("plain-8"))
    assert any("?family=plain" in note for note in zoo.load(name).notes)
    assert zoo.load(f"{name}?family=plain").spec.family == "plain"


def test_a_broken_spec_in_a_file_gives_way_to_one_that_is_named(tmp_path):
    import json

    from safetensors.torch import save_file

    for spec in ({"depth": 21}, {"colour": "red"}, {"depth": 8, "width": 10**9}):
        path = tmp_path / "m.safetensors"
        save_file(state(), path, {"resviz": json.dumps({"spec": spec})})
        assert "?family=...&depth=..." in refusal(f"file/{path}")
        assert zoo.load(f"file/{path}?family=residual&depth=8").spec == ModelSpec(depth=8)


@pytest.mark.parametrize(
    "head",
    [
        {"fc.bias": torch.zeros(3)},
        {"fc.0.weight": torch.zeros(8, 64), "fc.1.running_mean": torch.zeros(8)},
        {"fc_a.weight": torch.zeros(2, 64), "fc_b.weight": torch.zeros(3, 64)},
        {"fc.weight": torch.zeros(3, 2, 64)},
    ],
)
def test_a_head_that_cannot_be_put_together_is_left_out_on_request(saved, head):
    name = saved({**without(state(), "fc."), **head})
    assert "?head=none" in refusal(name)
    loaded = zoo.load(f"{name}?head=none")
    assert loaded.spec.head == "none"
    assert loaded.labels[-1] == "feature 63"


def test_another_network_is_looked_into_from_python(saved):
    odd = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(3600, 2))
    assert "resviz.layers(model, size)" in refusal(saved(odd.state_dict()))
    assert len(resviz.layers(odd, 32)) >= 4


@pytest.mark.parametrize("suffix", [".ckpt", ".pth.tar", ".PTH"])
def test_the_suffixes_of_checkpoints_are_known(saved, suffix):
    assert zoo.load(saved({"state_dict": state()}, f"m{suffix}")).spec == ModelSpec(depth=8)


def test_a_file_of_another_suffix_opens_once_it_is_renamed(saved, tmp_path):
    said = refusal(saved(state(), "m.weights"))
    (suffix,) = re.findall(r"none of (\.\w+),", said)
    (tmp_path / "m.weights").rename(tmp_path / "m.pth")
    assert suffix == ".safetensors"
    assert zoo.load(f"file/{tmp_path / 'm.pth'}").spec == ModelSpec(depth=8)


def test_an_unknown_option_is_answered_with_those_that_work(saved):
    name = saved(state())
    options = refusal(f"{name}?colour=red").rpartition("choose from ")[2].rstrip(".").split(", ")
    values = {
        "activation": "silu", "block": "basic", "channels": "3", "classes": "10", "depth": "8",
        "dilation": "2", "family": "plain", "groups": "1", "head": "none", "labels": "a,b",
        "mean": "0.5", "norm": "batch", "shortcut": "A", "size": "32", "std": "0.5",
        "stem": "cifar", "stride_in_1x1": "0", "weights": "main", "width": "16",
        "width_per_group": "64",
    }  # fmt: skip
    assert sorted(options) == sorted(values)
    for option, value in values.items():
        if option == "labels":
            value = ",".join("abcdefghij")
        assert zoo.load(f"{name}?{option}={value}").name.endswith(value)


@pytest.mark.parametrize("name", ["file/\0", "file/a\0.pth", "bundled/\0", "run/\0", "new/\0-20"])
def test_a_null_character_in_a_name_is_a_refusal(name, home):
    with pytest.raises(ResvizError):
        zoo.load(name)


def test_a_wrong_value_of_an_option_says_its_rule(saved):
    assert "norm must be one of batch, group, none" in refusal(f"{saved(state())}?norm=layer")
    with pytest.raises(ModelError, match="does not fit"):
        zoo.load(f"{saved(state())}?norm=none")
