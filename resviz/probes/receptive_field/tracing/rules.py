"""The registry of rules: what each operation of torch does to shapes and fields.

A rule takes what the operation takes, with `FieldTensor`s in place of tensors, and returns what it
returns. Operations that torch itself tags as pointwise have the rule of an addition.
"""

from collections.abc import Callable
from functools import cache, partial
from typing import Any, TypeVar

import torch
from torch import Tensor

from resviz.probes.receptive_field.tracing import torch_private

Rule = Callable[..., Any]
AnyRule = TypeVar("AnyRule", bound=Rule)
POINTWISE = "__add__"  # whose rule holds for all that torch tags as pointwise
_RULES: dict[str, Rule] = {}


def rule(*operations: str, takes_operation: bool = False) -> Callable[[AnyRule], AnyRule]:
    """Register a function as the rule of these operations.

    Args:
        operations: Names of methods of tensors, or of functions of torch or of its functional API.
        takes_operation: The rule gets the operation itself as its first argument, so that it can
            run it on tensors without numbers.

    Raises:
        ValueError: One of them has a rule already.

    Example:
        >>> from resviz.probes.receptive_field.tracing.windows import convolution  # @rule("conv2d")
        >>> rule_of("conv2d") is convolution
        True
    """

    def register(function: AnyRule) -> AnyRule:
        for name in operations:
            if name in _RULES:
                raise ValueError(f"the operation {name} has a rule already")
            _RULES[name] = partial(function, _operation(name)) if takes_operation else function
        return function

    return register


def _operation(name: str) -> Any:
    """The operation of this name."""
    return getattr(Tensor, name, None) or getattr(torch, name)


@cache
def rule_of(name: str) -> Rule | None:
    """The rule of an operation, or None where what it does to places is unknown."""
    plain = name if name.endswith("__") else name.rstrip("_")  # add_ places like add
    if function := _RULES.get(name) or _RULES.get(plain):
        return function
    return _RULES[POINTWISE] if torch_private.is_pointwise(plain) else None
