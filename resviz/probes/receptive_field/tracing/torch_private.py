"""The names of torch that are not promised to stay, each with the reason why it is needed.

A test pins the version of torch that they were read in; whoever raises it reads them again.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import nn
from torch.utils._pytree import tree_leaves, tree_map  # torch.func promises no public ones

READ_IN = "2.14.1"

# Where a module keeps its compiled call: `__call__` runs what is there in place of `_call_impl`.
# A hook would cost three times as much, and cannot replace what the module runs.
COMPILED_CALL = "_compiled_call_impl"


def run_module(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
    """Run a module with its hooks, as `__call__` does where nothing is compiled."""
    return module._call_impl(*args, **kwargs)


def is_untouched(module: nn.Module) -> bool:
    """Whether a module runs the `forward` of its class and nothing else.

    There is no public way to ask whether a module has hooks.
    """
    own = module.__dict__
    hooks = own["_forward_hooks"] or own["_forward_pre_hooks"]
    return not hooks and "forward" not in own


def without_torch_function() -> AbstractContextManager[None]:
    """Run operations on real tensors: `__torch_function__` would be asked again, without end.

    The public `torch.overrides` can disable all of it only for modes.
    """
    return torch._C.DisableTorchFunctionSubclass()


def is_pointwise(name: str) -> bool:
    """Whether torch tags the operation as pointwise: each number comes from one place."""
    packet = getattr(torch.ops.aten, name, None)
    if not isinstance(packet, torch._ops.OpOverloadPacket):
        return False
    overloads = (getattr(packet, overload) for overload in packet.overloads())
    return any(torch.Tag.pointwise in overload.tags for overload in overloads)


def map_leaves(function: Callable[[Any], Any], tree: Any) -> Any:
    """Apply a function to everything inside lists, tuples and dictionaries."""
    return tree_map(function, tree)


def leaves(tree: Any) -> list[Any]:
    """Everything inside lists, tuples and dictionaries."""
    return tree_leaves(tree)
