"""`FieldTensor`: what goes through a network in place of an image and carries receptive fields.

It says that it is a tensor and has a tensor's methods, but is none, so that making one costs
nothing. Every operation on it comes to `apply`, which asks for the operation's rule.
"""

from collections.abc import Callable
from functools import cache, partial
from math import prod
from typing import Any, NamedTuple

import torch
from torch import Size, Tensor

from resviz.errors import ProbeError, first_line
from resviz.probes.receptive_field.axis import Axis
from resviz.probes.receptive_field.tracing import torch_private
from resviz.probes.receptive_field.tracing.rules import rule_of

Shape = tuple[int, ...]
Axes = tuple[Axis, Axis]
# Which dimensions height and width are, counted from the end. None: summed away, or a single one.
Dims = tuple[int | None, int | None]
MAP: Dims = (-2, -1)
SPLIT: Dims = (0, 0)  # they are no dimension each: `Fields.layout` tells where they are
_IN_PLACE = {"__iadd__", "__isub__", "__imul__", "__itruediv__", "__setitem__"}
_COMPARED = {"__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__"}
_PIXELS = Axis()  # each sees itself


class Fields(NamedTuple):
    """The fields of a map's units along height and width.

    `units`: rows and columns of the map. `dims`: the dimensions of the tensor that these two are.
    `layout`: where they are if not a dimension each (`layout`).
    """

    rows: Axis
    columns: Axis
    units: tuple[int, int]
    dims: Dims = MAP
    layout: Any = None

    @property
    def axes(self) -> Axes:
        """Along height and along width."""
        return self.rows, self.columns


class FieldTensor:
    """A tensor's shape and the fields of its units, without numbers.

    Operations in place give it another shape and other fields; `fields` themselves never change,
    so that whoever keeps them keeps what was.

    Attributes:
        shape: As a tensor's.
        dtype: As a tensor's.
        fields: What the units see; None where that is unknown.
        unknown_after: The first operation after which the fields were unknown, else empty.
    """

    __slots__ = ("dtype", "fields", "shape", "unknown_after")

    def __init__(
        self, shape: Shape, dtype: torch.dtype, fields: Fields | None, unknown_after: str = ""
    ) -> None:
        self.shape = shape if type(shape) is Size else Size(shape)
        self.dtype = dtype
        self.fields = fields
        self.unknown_after = unknown_after

    @property  # type: ignore[misc]  # networks ask with isinstance
    def __class__(self) -> type:
        return Tensor

    @classmethod
    def image(cls, channels: int, sides: tuple[int, int], dtype: torch.dtype) -> "FieldTensor":
        """An image, each pixel of which sees itself; raises `ProbeError` if it has none."""
        height, width = sides
        if min(sides) < 1:
            raise ProbeError(
                "an image has 1 x 1 pixels at least, got {height} x {width}",
                height=height,
                width=width,
            )
        return cls((1, channels, height, width), dtype, Fields(_PIXELS, _PIXELS, sides))

    def like(self, shape: Shape, fields: Fields | None) -> "FieldTensor":
        """A result of this shape with these fields."""
        return FieldTensor(shape, self.dtype, fields, self.unknown_after)

    @property
    def ndim(self) -> int:
        """As a tensor's."""
        return len(self.shape)

    def dim(self) -> int:
        """As a tensor's."""
        return len(self.shape)

    def size(self, dim: int | None = None) -> Any:
        """As a tensor's."""
        return self.shape if dim is None else self.shape[dim]

    def numel(self) -> int:
        """As a tensor's."""
        return prod(self.shape)

    def __getattr__(self, name: str) -> Any:
        """Every other method and property of tensors."""
        attribute = getattr(Tensor, name)
        if callable(attribute):
            return partial(apply, attribute, self)
        return apply_unknown(attribute.__get__, self)

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """What torch calls in place of an operation one of whose inputs this is."""
        return apply(func, *args, **(kwargs or {}))


def apply(func: Any, *args: Any, **kwargs: Any) -> Any:
    """What an operation of torch gives, by its rule."""
    name: str = func.__name__
    function = rule_of(name) or partial(apply_unknown, func)
    if not (args and is_in_place(name)):
        return function(*args, **kwargs)
    target = args[0]
    if type(target) is not FieldTensor:
        raise ProbeError(
            "the receptive field cannot be followed into a buffer ({name}); choose another model",
            name=name,
        )
    if name == "__setitem__":  # some of its places have other fields than the others
        target.fields, target.unknown_after = None, target.unknown_after or name
        return target
    result = function(*args, **kwargs)
    target.shape, target.dtype = result.shape, result.dtype
    target.fields, target.unknown_after = result.fields, result.unknown_after
    return target


@cache
def is_in_place(name: str) -> bool:
    """Whether an operation changes its first argument."""
    return name in _IN_PLACE or (name.endswith("_") and not name.endswith("__"))


def _operators() -> dict[str, Callable[..., Any]]:
    """The methods that Python looks for in the class alone: sums, indexing, numbers, truth."""

    def operator(func: Any) -> Callable[..., Any]:
        return lambda self, *args: apply(func, self, *args)

    own = set(dir(FieldTensor)) - _COMPARED
    special = (name for name in dir(Tensor) if name.startswith("__") and name not in own)
    methods = {name: getattr(Tensor, name) for name in special}
    return {name: operator(method) for name, method in methods.items() if callable(method)}


for _name, _operator in _operators().items():
    setattr(FieldTensor, _name, _operator)


# ---- what rules are made of


def lose(x: FieldTensor, shape: Shape, operation: str) -> FieldTensor:
    """A result of this shape whose fields are unknown, by this operation unless by one before."""
    return FieldTensor(shape, x.dtype, None, x.unknown_after or operation)


def bind(x: FieldTensor) -> FieldTensor:
    """The same, but tied to the size of the map (`Axis.bound`)."""
    if x.fields is None:
        return x.like(x.shape, None)
    rows, columns = x.fields.rows.bound(), x.fields.columns.bound()
    return x.like(x.shape, x.fields._replace(rows=rows, columns=columns))


def apply_unknown(func: Any, *args: Any, **kwargs: Any) -> Any:
    """The right shape, and no fields any more."""
    result = run_empty(func, *args, **kwargs)
    inputs = torch_private.leaves((args, kwargs))
    source = next((value for value in inputs if type(value) is FieldTensor), None)
    if source is None:
        return result

    def without_fields(value: Any) -> Any:
        if not isinstance(value, Tensor):
            return value
        return lose(source, tuple(value.shape), func.__name__)

    return torch_private.map_leaves(without_fields, result)


def run_empty(func: Any, *args: Any, **kwargs: Any) -> Any:
    """Run an operation on tensors that have shapes and no numbers.

    Raises `ProbeError` if it cannot do without numbers.
    """
    with torch_private.without_torch_function():
        args, kwargs = torch_private.map_leaves(_emptied, (args, kwargs))
        try:
            return func(*args, **kwargs)
        except (RuntimeError, NotImplementedError, TypeError, ValueError) as reason:
            raise ProbeError(
                "fields cannot be followed through the operation {operation} ({reason}); choose"
                " another model or image size",
                operation=func.__name__,
                reason=first_line(reason),
            ) from None


def _emptied(value: Any) -> Any:
    """A tensor of the same shape without numbers; anything else as it is."""
    if type(value) is FieldTensor:
        return torch.empty(value.shape, dtype=value.dtype, device="meta")
    return value.to("meta") if isinstance(value, Tensor) else value


def shape_of(func: Any, *args: Any, **kwargs: Any) -> Shape:
    """The shape of what an operation gives."""
    return tuple(run_empty(func, *args, **kwargs).shape)
