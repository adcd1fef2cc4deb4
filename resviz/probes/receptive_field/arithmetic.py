"""How the field of a layer comes about, window by window (Araujo et al. 2019, Distill).

With kernel k, stride s, padding p and dilation d of a window, size r, jump j (pixels from unit to
unit) and start (of the field of the first unit) go on from 1, 1, 0 by

    r <- r + (k - 1) d j        start <- start - p j        j <- j s

All along the height of the image. In a network with skips the rows follow the longest path.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import isinf
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float64
from torch import nn

from resviz.errors import ProbeError
from resviz.probes.receptive_field.axis import Axis, Size
from resviz.probes.receptive_field.follow import follow

_WINDOW = nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d
MAX_WINDOWS = 8


@dataclass(frozen=True, slots=True)
class Window:
    """Kernel, stride, padding and dilation along the height.

    Raises `ProbeError` where they are no window.
    """

    kernel: int = 3
    stride: int = 1
    dilation: int = 1
    padding: int = 0

    def __post_init__(self) -> None:
        bounded = (self.kernel, 31), (self.stride, 8), (self.dilation, 16)
        if self.padding < 0 or not all(1 <= number <= most for number, most in bounded):
            raise ProbeError(
                "a window has a kernel of 1 to 31, a stride of 1 to 8 and a dilation of 1 to "
                "16, got"
                " {kernel}, {stride} and {dilation}",
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


class _Passed(NamedTuple):
    """A window of the network; behind it the size along the longest path, and the jump."""

    name: str
    kind: str
    window: Window
    size: Size
    jump: Fraction


def arithmetic(
    model: nn.Module, layer: str, input_size: int | tuple[int, int] = 224
) -> tuple[Step, ...]:
    """The rows from the image to `layer` along the longest path.

    Windows of one cell and stride 1 change nothing and are left out.

    Raises:
        ProbeError: As `receptive_field`, for a layer behind a mean over the map, and for one behind
            an operation that is no convolution or pooling module.
    """
    sides = (input_size, input_size) if isinstance(input_size, int) else input_size
    goal = follow(model, [layer], sides).maps[layer].rows
    if isinf(goal.most):
        raise ProbeError(
            "{layer} sees the whole image through a mean over the map; choose an earlier layer",
            layer=layer,
        )
    path = _longest_path(_passed(model, layer, sides), goal)
    if path is None:
        raise ProbeError(
            "the fields of {layer} come through an operation that is no convolution or pooling"
            " layer, so its rows cannot be listed; choose an earlier layer",
            layer=layer,
        )
    windows = [passed.window for passed in path]
    return stack(windows, [passed.name for passed in path], [passed.kind for passed in path])


def _longest_path(passed: Sequence[_Passed], goal: Axis) -> list[_Passed] | None:
    """The windows that lead to the goal; None where something else does.

    Backward from the goal: a window belongs to the path if it leaves size and jump as they are
    wanted, and then wants what came before it.
    """
    size, jump = goal.most, goal.first.rate
    path: list[_Passed] = []
    for step in reversed(passed):
        if (step.size, step.jump) != (size, jump):
            continue
        path.insert(0, step)
        jump /= step.window.stride
        size -= (step.window.kernel - 1) * step.window.dilation * jump
    return path if size == jump == 1 else None


def stack(
    windows: Sequence[Window],
    names: Sequence[str] | None = None,
    kinds: Sequence[str] | None = None,
) -> tuple[Step, ...]:
    """The rows of windows one after the other; by default they are numbered.

    Example:
        >>> [(step.size, step.jump) for step in stack([Window(3, stride=2), Window(3)])]
        [(3, 2), (7, 2)]
    """
    names = names or [str(number) for number in range(1, len(windows) + 1)]
    kinds = kinds or ["window"] * len(windows)
    size, jump, start = 1, 1, 0
    steps = []
    for name, kind, window in zip(names, kinds, windows, strict=True):
        size += (window.kernel - 1) * window.dilation * jump
        start -= window.padding * jump
        jump *= window.stride
        steps.append(Step(name, kind, window, size, jump, start))
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


def _passed(model: nn.Module, layer: str, sides: tuple[int, int]) -> list[_Passed]:
    """The windows that finish before the layer."""
    maps = follow(model, None, sides).maps
    modules = dict(model.named_modules())
    names = list(maps)
    passed = []
    for name in names[: names.index(layer) + 1]:
        module, rows = modules[name], maps[name].rows
        if not isinstance(module, _WINDOW):
            continue
        window = _window(module)
        if (window.kernel, window.stride) != (1, 1):
            kind = type(module).__name__
            passed.append(_Passed(name, kind, window, rows.most, rows.first.rate))
    return passed


def _window(module: nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d) -> Window:
    """The settings of a module along the height."""
    kernel, stride = _down(module.kernel_size), _down(module.stride or module.kernel_size)
    dilation = _down(getattr(module, "dilation", 1))
    if module.padding in ("same", "valid"):
        padding = (kernel - 1) * dilation // 2 if module.padding == "same" else 0
    else:
        padding = _down(module.padding)
    return Window(kernel, stride, dilation, padding)


def _down(value: Any) -> int:
    """The height of a setting for height and width."""
    return int(value[0] if isinstance(value, tuple) else value)
