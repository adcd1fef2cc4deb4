"""What goes through a network in place of an image and carries the fields of its units (`fields.py`).

It says that it is a tensor and has a tensor's methods, but is none, so making one costs nothing.
Every operation on it comes to `Traced.__torch_function__`, which knows shapes and fields but no
numbers, and applies the operation's rule of `RULES` (`tracer.py` fills it). What an operation
without a rule does to places is unknown: its result remembers the operation's name in `lost`, and
so does all that comes of it, until a linear layer sees all.
"""

from collections.abc import Callable
from functools import cache, partial
from math import prod
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves, tree_map

from resviz.errors import ProbeError, first_line
from resviz.probes.receptive_field.axis import Axis

Shape = tuple[int, ...]
Dims = tuple[
    int | None, int | None
]  # of height and width, counted from the end; None: summed away, or a single one
Axes = tuple[Axis, Axis]
MAP: Dims = (-2, -1)
RULES: dict[str, Callable[..., Any]] = {}  # operation -> what it does to shapes and fields
_IN_PLACE = {"__iadd__", "__isub__", "__imul__", "__itruediv__"}
_COMPARED = {"__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__"}
_PIXELS = Axis()  # each sees itself


class Seen(NamedTuple):
    """What a `Traced` carries: the map's shape, the fields along height and width, and the dimensions these two are.

    `lost`: the operation after which the fields are unknown.
    """

    form: Shape
    axes: Axes
    dims: Dims = MAP
    lost: str = ""
    kind: torch.dtype = torch.float32

    @property
    def units(self) -> tuple[int, int]:
        """Rows and columns of the map."""
        down, across = self.dims
        return (1 if down is None else self.form[down]), (
            1 if across is None else self.form[across]
        )


class Traced:
    """No numbers, but `seen`; what works in place gives it another one."""

    __slots__ = ("seen",)

    def __init__(self, seen: Seen) -> None:
        self.seen = seen

    @property  # type: ignore[misc]  # what networks ask with isinstance
    def __class__(self) -> type:
        return Tensor

    @classmethod
    def image(cls, channels: int, sides: tuple[int, int], dtype: torch.dtype) -> "Traced":
        """An image, each pixel of which sees itself; raises `ProbeError` if it has none."""
        if min(sides) < 1:
            raise ProbeError(
                "an image has 1 x 1 pixels at least, got {height} x {width}",
                height=sides[0],
                width=sides[1],
            )
        return cls(Seen((1, channels, *sides), (_PIXELS, _PIXELS), kind=dtype))

    def like(self, form: Shape, axes: Axes | None = None, dims: Dims | None = None) -> "Traced":
        """A result with this shape and, unless given, the same fields."""
        seen = self.seen
        return Traced(Seen(form, axes or seen.axes, dims or seen.dims, seen.lost, seen.kind))

    @property
    def form(self) -> Shape:
        return self.seen.form

    @property
    def axes(self) -> Axes:
        return self.seen.axes

    @property
    def dims(self) -> Dims:
        return self.seen.dims

    @property
    def lost(self) -> str:
        return self.seen.lost

    @property
    def kind(self) -> torch.dtype:
        return self.seen.kind

    @property
    def shape(self) -> torch.Size:
        return torch.Size(self.form)

    @property
    def ndim(self) -> int:
        return len(self.form)

    def dim(self) -> int:
        return len(self.form)

    def size(self, dim: int | None = None) -> Any:
        return torch.Size(self.form) if dim is None else self.form[dim]

    def numel(self) -> int:
        return prod(self.form)

    def __getattr__(self, name: str) -> Any:
        """Every other method and property of tensors."""
        found = getattr(Tensor, name)
        return partial(_applied, found, self) if callable(found) else unknown(found.__get__, self)

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _applied(func, *args, **(kwargs or {}))


def _applied(func: Any, *args: Any, **kwargs: Any) -> Any:
    """What an operation of torch gives, by its rule."""
    name: str = func.__name__
    rule = rule_of(name) or partial(unknown, func)
    into = args[0] if args and _in_place(name) else None
    if into is not None and type(into) is not Traced:
        raise ProbeError(
            "the receptive field cannot be followed into a buffer ({name}); choose another model",
            name=name,
        )
    result = rule(*args, **kwargs)
    if into is None:
        return result
    if name == "__setitem__":
        into.seen = into.seen._replace(lost=into.lost or name)
    else:
        into.seen = result.seen
    return into


def _operators() -> dict[str, Callable[..., Any]]:
    """Of tensors, those that Python looks for in the class alone: sums, comparisons, indexing, numbers, truth."""

    def operator(func: Any) -> Callable[..., Any]:
        return lambda self, *args: _applied(func, self, *args)

    own = set(dir(Traced)) - _COMPARED
    names = [name for name in dir(Tensor) if name.startswith("__") and name not in own]
    return {
        name: operator(getattr(Tensor, name)) for name in names if callable(getattr(Tensor, name))
    }


for _name, _operator in _operators().items():
    setattr(Traced, _name, _operator)


@cache
def _in_place(name: str) -> bool:
    return (
        name == "__setitem__"
        or (name.endswith("_") and not name.endswith("__"))
        or name in _IN_PLACE
    )


@cache
def rule_of(name: str) -> Callable[..., Any] | None:
    """What an operation of torch does to shapes and fields."""
    plain = name if name.endswith("__") else name.rstrip("_")
    if rule := RULES.get(name) or RULES.get(plain):
        return rule
    packet = getattr(torch.ops.aten, plain, None)
    if not isinstance(packet, torch._ops.OpOverloadPacket):
        return None
    overloads = (getattr(packet, overload) for overload in packet.overloads())
    return (
        RULES["__add__"]
        if any(torch.Tag.pointwise in overload.tags for overload in overloads)
        else None
    )


def unknown(func: Any, *args: Any, **kwargs: Any) -> Any:
    """The right shape, and no fields any more."""
    result = run_empty(func, *args, **kwargs)
    traced = next((leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Traced)), None)
    if traced is None:
        return result
    name = traced.lost or func.__name__

    def lost(value: Any) -> Any:
        return lose(traced, tuple(value.shape), name) if isinstance(value, Tensor) else value

    return tree_map(lost, result)


def run_empty(func: Any, *args: Any, **kwargs: Any) -> Any:
    """The operation on tensors that have shapes and no numbers; raises `ProbeError` if it cannot do without."""

    def empty(value: Any) -> Any:
        if isinstance(value, Traced):
            return torch.empty(value.form, dtype=value.kind, device="meta")
        return value.to("meta") if isinstance(value, Tensor) else value

    with torch._C.DisableTorchFunctionSubclass():
        args, kwargs = tree_map(empty, (args, kwargs))
        try:
            return func(*args, **kwargs)
        except (RuntimeError, NotImplementedError, TypeError, ValueError) as reason:
            told = f"{func.__name__} ({first_line(reason)})"
            raise ProbeError(
                "fields cannot be followed through the operation {told}; choose another model or image size",
                told=told,
            ) from None


def form_of(func: Any, *args: Any, **kwargs: Any) -> Shape:
    return tuple(run_empty(func, *args, **kwargs).shape)


def lose(x: Traced, form: Shape, name: str) -> Traced:
    return Traced(Seen(form, x.axes, (None, None), x.lost or name, x.kind))


def bound(x: Traced) -> Traced:
    return x.like(x.form, (x.axes[0].bound(), x.axes[1].bound()))
