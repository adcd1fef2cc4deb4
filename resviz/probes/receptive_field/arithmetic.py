"""How the field of a layer comes about, window by window: the recurrences of Araujo et al. 2019 written out.

With kernel k, stride s, padding p and dilation d of a window, size r, jump j (pixels from unit to
unit) and start (of the field of the first unit) go on from 1, 1, 0 by

    r <- r + (k - 1) d j        start <- start - p j        j <- j s

All along the height of the image. In a network with skips the rows follow the longest path.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import isinf
from typing import Any

import numpy as np
from jaxtyping import Float64
from torch import nn

from resviz.errors import ProbeError
from resviz.probes.receptive_field.axis import Size
from resviz.probes.receptive_field.theoretical import follow

_WINDOW = nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d
MAX_WINDOWS = 8


@dataclass(frozen=True, slots=True)
class Window:
    """Kernel, stride, padding and dilation along the height; raises `ProbeError` where they are no window."""

    kernel: int = 3
    stride: int = 1
    dilation: int = 1
    padding: int = 0

    def __post_init__(self) -> None:
        if not (
            1 <= self.kernel <= 31
            and 1 <= self.stride <= 8
            and 1 <= self.dilation <= 16
            and self.padding >= 0
        ):
            raise ProbeError(
                "a window has a kernel of 1 to 31, a stride of 1 to 8 and a dilation of 1 to 16, got "
                "{kernel}, {stride} and {dilation}",
                kernel=self.kernel,
                stride=self.stride,
                dilation=self.dilation,
            )


@dataclass(frozen=True, slots=True)
class Step:
    """A window, and size, jump and start of the fields behind it, in pixels."""

    name: str
    kind: str
    window: Window
    size: int
    jump: int
    start: int


def arithmetic(
    model: nn.Module, layer: str, input_size: int | tuple[int, int] = 224
) -> tuple[Step, ...]:
    """The rows from the image to `layer` along the longest path; windows of one cell and stride 1 change nothing.

    Raises what `receptive_field` raises, and `ProbeError` for a layer behind a mean over the map or
    behind an operation that is no convolution or pooling module.
    """
    sides = (input_size, input_size) if isinstance(input_size, int) else input_size
    goal = follow(model, [layer], sides).maps[layer].axes[0]
    if isinf(goal.most):
        raise ProbeError(
            "{layer} sees the whole image through a mean over the map; choose an earlier layer",
            layer=layer,
        )
    size: Size = goal.most
    jump = goal.first.rate
    steps: list[tuple[str, str, Window]] = []
    for name, kind, window, (size_behind, jump_behind) in reversed(_windows(model, layer, sides)):
        if (size_behind, jump_behind) == (size, jump):
            steps.append((name, kind, window))
            jump /= window.stride
            size -= (window.kernel - 1) * window.dilation * jump
    if size != 1 or jump != 1:
        raise ProbeError(
            "the way to {layer} leads through an operation that is no convolution or pooling layer, so "
            "its rows cannot be listed; choose an earlier layer",
            layer=layer,
        )
    names, kinds = (
        [name for name, _, _ in reversed(steps)],
        [kind for _, kind, _ in reversed(steps)],
    )
    return stack([window for _, _, window in reversed(steps)], names, kinds)


def stack(
    windows: Sequence[Window],
    names: Sequence[str] | None = None,
    kinds: Sequence[str] | None = None,
) -> tuple[Step, ...]:
    """The rows of windows one after the other."""
    size, jump, start = 1, 1, 0
    steps = []
    for i, window in enumerate(windows):
        size += (window.kernel - 1) * window.dilation * jump
        start -= window.padding * jump
        jump *= window.stride
        steps.append(
            Step(
                names[i] if names else str(i + 1),
                kinds[i] if kinds else "window",
                window,
                size,
                jump,
                start,
            )
        )
    return tuple(steps)


def path_shares(windows: Sequence[Window]) -> Float64[np.ndarray, " pixels"]:
    """The share of all paths from a unit behind the windows that ends at each pixel of its field.

    With equal weights and no activation function this is the gradient by the pixels (Luo et al.
    2016, section 2.1): towards a Gaussian, the narrower beside the field the more windows there
    are. Zero in the holes that dilation or stride leaves.
    """
    shares = np.ones(1)
    for window in reversed(windows):
        spread = np.zeros((len(shares) - 1) * window.stride + 1)
        spread[:: window.stride] = shares
        taps = np.zeros((window.kernel - 1) * window.dilation + 1)
        taps[:: window.dilation] = 1 / window.kernel
        shares = np.convolve(spread, taps)
    return shares


def _windows(
    model: nn.Module, layer: str, sides: tuple[int, int]
) -> list[tuple[str, str, Window, tuple[Size, Fraction]]]:
    """The windows that finish before the layer, with the longest path's size and the jump behind each."""
    seen = follow(model, None, sides).maps
    modules = dict(model.named_modules())
    found = []
    for name in list(seen)[: list(seen).index(layer) + 1]:
        module, axis = modules[name], seen[name].axes[0]
        if isinstance(module, _WINDOW):
            window = _window(module)
            if (window.kernel, window.stride) != (1, 1):
                found.append((name, type(module).__name__, window, (axis.most, axis.first.rate)))
    return found


def _window(module: nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d) -> Window:
    kernel, stride = _down(module.kernel_size), _down(module.stride or module.kernel_size)
    dilation = _down(getattr(module, "dilation", 1))
    reach = (kernel - 1) * dilation
    padding = {"same": reach // 2, "valid": 0}.get(str(module.padding))
    return Window(kernel, stride, dilation, _down(module.padding) if padding is None else padding)


def _down(value: Any) -> int:
    """Of a setting for height and width that for the height."""
    return int(value[0] if isinstance(value, tuple) else value)
