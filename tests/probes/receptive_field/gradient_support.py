"""The oracle of the tests on fields: which pixels change a unit, when nothing is zero by accident.

`skeleton` makes that so and cheap: one channel, positive constant weights, averages in place of
maxima, nothing but the geometry of the network.
"""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Thin(nn.Module):
    """A convolution's geometry: from the sum of all channels to one, with equal weights."""

    def __init__(self, conv: nn.Conv2d | nn.ConvTranspose2d) -> None:
        super().__init__()
        self.function = F.conv_transpose2d if isinstance(conv, nn.ConvTranspose2d) else F.conv2d
        self.weight = torch.full(
            (1, 1, *conv.kernel_size), 1 / np.prod(conv.kernel_size), dtype=torch.float64
        )
        self.settings = {"stride": conv.stride, "padding": conv.padding, "dilation": conv.dilation}
        if isinstance(conv, nn.ConvTranspose2d):
            self.settings["output_padding"] = conv.output_padding

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x.sum(1, keepdim=True), self.weight, **self.settings)


class Total(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.sum(-1, keepdim=True)


NOTHING = (
    nn.ReLU,
    nn.ReLU6,
    nn.SiLU,
    nn.GELU,
    nn.Hardswish,
    nn.Hardsigmoid,
    nn.BatchNorm2d,
    nn.LayerNorm,
    nn.Dropout,
)


def skeleton(model: nn.Module) -> nn.Module:
    """The same geometry, one channel, all gradients positive; changes the model."""
    for name, child in list(model.named_children()):
        if isinstance(child, nn.Conv2d | nn.ConvTranspose2d):
            setattr(model, name, Thin(child))
        elif isinstance(child, nn.Linear):
            setattr(model, name, Total())
        elif isinstance(child, NOTHING):
            setattr(model, name, nn.Identity())
        else:
            skeleton(child)
    if hasattr(model, "layer_scale"):
        model.layer_scale = nn.Parameter(torch.ones(1, 1, 1, dtype=torch.float64))
    return model


def outputs(model: nn.Module, x: Tensor) -> dict[str, Tensor]:
    found: dict[str, Tensor] = {}
    for name, module in model.named_modules():
        if name:
            module.register_forward_hook(lambda m, i, o, name=name: found.update({name: o}))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(F, "max_pool2d", mean_pool)
        model(x)
    return found


def mean_pool(
    x: Tensor,
    kernel_size,
    stride=None,
    padding=0,
    dilation=1,
    ceil_mode=False,
    return_indices=False,
):
    return F.avg_pool2d(x, kernel_size, stride, padding, ceil_mode)


def support(
    output: Tensor, x: Tensor, unit: tuple[int, int]
) -> tuple[tuple[int, int], tuple[int, int]]:
    """First and last row, first and last column of the pixels that change the unit."""
    (gradient,) = torch.autograd.grad(output[..., unit[0], unit[1]].sum(), x, retain_graph=True)
    rows, columns = gradient[0].abs().sum(0).nonzero(as_tuple=True)
    return (int(rows.min()), int(rows.max())), (int(columns.min()), int(columns.max()))
