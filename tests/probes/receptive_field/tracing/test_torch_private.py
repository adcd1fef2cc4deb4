"""Torch's private names are those that were read; another version is to be read again."""

from pathlib import Path

import pytest
import torch
from torch import nn

from resviz.probes.receptive_field.tracing import torch_private

ROOT = Path(__file__).parents[4]


def test_the_version_of_torch_is_the_one_that_was_read():
    """After raising it: read torch/nn/modules/module.py `_wrapped_call_impl` and `_call_impl`,
    torch/overrides.py, and torch/utils/_pytree.py, then write the version into `READ_IN`."""
    assert f"torch=={torch_private.READ_IN}" in (ROOT / "requirements.txt").read_text().split()
    assert torch.__version__.partition("+")[0] == torch_private.READ_IN


def test_a_module_runs_what_lies_where_its_compiled_call_is_kept():
    module = nn.ReLU()
    module.__dict__[torch_private.COMPILED_CALL] = lambda x: "compiled"
    assert module(torch.ones(1)) == "compiled"
    assert torch.equal(torch_private.run_module(module, -torch.ones(1)), torch.zeros(1))


def test_a_module_with_a_hook_or_a_forward_of_its_own_is_not_untouched():
    hooked, patched = nn.ReLU(), nn.ReLU()
    hooked.register_forward_hook(lambda *_: None)
    patched.forward = lambda x: x
    assert torch_private.is_untouched(nn.ReLU())
    assert not torch_private.is_untouched(hooked)
    assert not torch_private.is_untouched(patched)


@pytest.mark.parametrize(("name", "expected"), [("tanh", True), ("roll", False), ("nope", False)])
def test_pointwise_is_what_torch_tags(name: str, expected: bool):
    assert torch_private.is_pointwise(name) == expected


def test_leaves_are_what_lies_inside():
    tree = {"a": [1, (2, 3)], "b": 4}
    assert torch_private.leaves(tree) == [1, 2, 3, 4]
    assert torch_private.map_leaves(lambda n: n + 1, tree) == {"a": [2, (3, 4)], "b": 5}
