"""Copies of a network to look at, also of one that torch itself cannot copy.

weight_norm and pruning leave a tensor with a graph in their module, which `copy.deepcopy` refuses;
what is shared needs no copy, and what is copied needs no graph.
"""

import copy
from collections.abc import Iterator

import torch
from torch import Tensor, nn

_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")


def bare_clone(model: nn.Module) -> nn.Module:
    """A copy of the structure in evaluation mode that shares all tensors and has nobody's hooks."""
    clone = copy.deepcopy(model, {id(tensor): tensor for tensor in _tensors(model)}).eval()
    for module in clone.modules():
        for hooks in _HOOKS:
            getattr(module, hooks).clear()
    return clone


def own_clone(model: nn.Module) -> nn.Module:
    """A deep copy with tensors of its own."""
    computed = [tensor for tensor in _tensors(model) if not tensor.is_leaf]
    return copy.deepcopy(model, {id(tensor): tensor.detach().clone() for tensor in computed})


def _tensors(model: nn.Module) -> Iterator[Tensor]:
    """Parameters, buffers, and tensors that modules hold as plain attributes."""
    yield from model.parameters()
    yield from model.buffers()
    for module in model.modules():
        yield from (value for value in vars(module).values() if isinstance(value, torch.Tensor))
