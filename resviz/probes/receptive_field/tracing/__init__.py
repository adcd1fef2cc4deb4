"""Follow receptive fields through a network's own `forward`, without computing anything.

A `FieldTensor` goes through the network in place of an image. It looks like a tensor, but holds a
shape and fields in place of numbers. Each operation of torch has a rule, a function beside which
stands `@rule(name, ...)`, which says what the operation does to shape and fields:

    torch.conv2d(x, weight)  ->  FieldTensor.__torch_function__  ->  rule_of("conv2d")(x, weight)

Example:
    A convolution of 3 x 3 pixels with stride 2, and a pooling of 2 x 2 cells: the units of the
    last map see five rows each, from four rows to four rows further down.

    >>> import torch
    >>> from torch import nn
    >>> net = nn.Sequential(nn.Conv2d(3, 4, 3, stride=2, padding=1), nn.ReLU(), nn.MaxPool2d(2))
    >>> output = net(FieldTensor.image(3, (8, 8), torch.float32))
    >>> output.shape
    torch.Size([1, 4, 2, 2])
    >>> rows = output.fields.rows
    >>> [(rows.first(unit), rows.last(unit)) for unit in range(2)]
    [(-1, 3), (3, 7)]

    An operation without a rule gives the right shape, and its name in place of fields:

    >>> shifted = torch.roll(output, 1, dims=2)
    >>> shifted.fields is None, shifted.unknown_after
    (True, 'roll')

To follow another operation, write a rule in the module of its kind (`windows`, `resizing`,
`pointwise`, `views`, `reshaping`, `contraction`) and name the operation in its decorator. `modules`
spares the most usual modules of torch the detour over `__torch_function__`; `layout` knows where
places are when height and width are split or joined.
"""

# importing the rules registers them, whichever module of this package is asked for first
from resviz.probes.receptive_field.tracing import (
    contraction,
    pointwise,
    reshaping,
    resizing,
    views,
    windows,
)
from resviz.probes.receptive_field.tracing.rules import rule, rule_of
from resviz.probes.receptive_field.tracing.tensor import Fields, FieldTensor

__all__ = [
    "FieldTensor",
    "Fields",
    "contraction",
    "pointwise",
    "reshaping",
    "resizing",
    "rule",
    "rule_of",
    "views",
    "windows",
]
