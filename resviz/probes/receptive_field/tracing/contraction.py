"""Products that sum over a dimension: linear layers, matrix products, attention."""

from typing import Any

from torch import Tensor

from resviz.probes.receptive_field.axis import Axis, repeated
from resviz.probes.receptive_field.tracing.layout import (
    FREE,
    Digit,
    Layout,
    layout_of,
    sum_over,
    with_layout,
)
from resviz.probes.receptive_field.tracing.reshaping import along
from resviz.probes.receptive_field.tracing.rules import rule
from resviz.probes.receptive_field.tracing.tensor import Fields, FieldTensor, Shape, lose, shape_of
from resviz.probes.receptive_field.union import union


@rule("linear")
def linear(x: FieldTensor, weight: Tensor, bias: Any = None) -> FieldTensor:
    """Sees all of the last dimension; of a vector, all there is."""
    shape = (*x.shape[:-1], weight.shape[0])
    if x.ndim == 2:
        # of a vector whose places are unknown too: all of them are in the sum
        rows, columns = x.fields.axes if x.fields else (Axis(), Axis())
        everything = Fields(rows.entire(), columns.entire(), (1, 1), (None, None))
        return FieldTensor(shape, x.dtype, everything)
    if x.fields is None or _places(layout_of(x.shape, x.fields)[-1]):
        return lose(x, shape, "linear")  # each output has weights for the places of its own
    layout = (*layout_of(x.shape, x.fields)[:-1], _free(shape[-1]))
    return x.like(shape, with_layout(x.fields, layout))


@rule("conv1d")
def convolution_over_channels(x: FieldTensor, *args: Any, **kwargs: Any) -> FieldTensor:
    """Of values without places, as the means of all channels: it leaves them without."""
    from torch import conv1d

    shape = shape_of(conv1d, x, *args, **kwargs)
    if x.fields is None or x.fields.dims != (None, None):
        return lose(x, shape, "conv1d")
    return x.like(shape, x.fields)


@rule("matmul", "bmm", "__matmul__")
def product(a: Any, b: Any) -> FieldTensor:
    """The sum over the last dimension of `a` and the last but one of `b`."""
    if type(b) is not FieldTensor and b.ndim == 2:
        return linear(a, b.transpose(-2, -1))
    shape = _product_shape(a, b)
    if not (_can_be_multiplied(a) and _can_be_multiplied(b)):
        traced = [x for x in (a, b) if type(x) is FieldTensor]
        unknown = [x for x in traced if x.fields is None]
        return lose((unknown or traced)[0], shape, "matmul")
    left = sum_over(a.fields, -1, layout_of(a.shape, a.fields))
    right = sum_over(b.fields, -2, layout_of(b.shape, b.fields))
    fields = _met(left, right, shape)
    return lose(a, shape, "matmul") if fields is None else a.like(shape, fields)


@rule("scaled_dot_product_attention")
def attention(
    query: FieldTensor, key: FieldTensor, value: FieldTensor, *_: Any, **__: Any
) -> FieldTensor:
    """Each query takes from all values, by how well their keys fit."""
    weights = along(product(query, key.transpose(-2, -1)), -1)
    return product(weights, value)


def _product_shape(a: Any, b: Any) -> Shape:
    """The shape of a matrix product."""
    from torch import matmul

    return shape_of(matmul, a, b)


def _can_be_multiplied(x: Any) -> bool:
    """Whether a product is followed: not of constants, nor over the height or the width alone."""
    if type(x) is not FieldTensor or x.fields is None or x.ndim < 3:
        return False
    return x.fields.layout is not None or x.fields.dims == (None, None)


def _free(size: int) -> tuple[Digit, ...]:
    """A dimension without places."""
    return (Digit(FREE, 1, size),) if size > 1 else ()


def _places(digits: tuple[Digit, ...]) -> bool:
    """Whether a dimension has places."""
    return any(digit.axis != FREE for digit in digits)


def _met(left: Fields, right: Fields, shape: Shape) -> Fields | None:
    """The fields of a product, from those of both factors after the sum.

    Where both have places that are not the same, as the attention of one token to another, the
    places of the left one stay, and all of the right one's are seen.
    """
    a = layout_of(shape, left)
    b = layout_of(shape, right)
    place_by_place = _places(a[-2]) and _places(b[-1])
    if place_by_place:
        right = sum_over(right, -1, b)
        b = layout_of(shape, right)
    layout = []
    for dim, size in enumerate(shape):
        digits = a[dim] if _places(a[dim]) else b[dim]
        layout.append(digits if _places(digits) else _free(size))
    units = max(left.units, right.units, key=lambda units: units[0] * units[1])
    rows, columns = (
        _axis_met(left.axes[i], right.axes[i], left.units[i], right.units[i]) for i in (0, 1)
    )
    if rows is None or columns is None or not _counts(tuple(layout), units):
        return None
    if place_by_place:  # each place sees the others in its own way: that is no gate
        rows, columns = rows._replace(gated=False), columns._replace(gated=False)
    return with_layout(Fields(rows, columns, units), tuple(layout))


def _axis_met(a: Axis, b: Axis, units: int, others: int) -> Axis | None:
    """The union of two axes, one of which may have fewer units: each stands for neighbours."""
    most = max(units, others)
    if most % units or most % others:
        return None
    return union(_spread(a, units, most), _spread(b, others, most), most)


def _spread(axis: Axis, units: int, most: int) -> Axis:
    """Each unit repeated; a single one stands in all places."""
    if units == most:
        return axis
    return axis.stretched(most) if units == 1 else repeated(axis, units, most)


def _counts(layout: Layout, units: tuple[int, int]) -> bool:
    """Whether the digits of a layout count all units once."""
    for axis in (0, 1):
        size = 1
        for digit in (d for digits in layout for d in digits if d.axis == axis):
            size *= digit.size
        if size != units[axis]:
            return False
    return True
