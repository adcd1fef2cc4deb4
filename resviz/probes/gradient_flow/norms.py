"""How much gradient reaches each layer, and how it gets there, in one forward and one backward.

The norm of dL/dW per weighted layer and of dL/dx per block's output (He et al. 2015, section 4.1,
speak of the norms of the backward-propagated signals); at each residual block the part of dL/dx
that comes back through the shortcut and the part through the branch (He et al. 2016, 1603.05027,
eqn. 5: the gradient is their sum); and on the way forth the deviation of each block's output and
what shortcut and branch contribute to it.

BatchNorm normalises with the batch, as in training. `.grad` and running statistics are not touched.
"""

import copy
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Float64, Int
from torch import Tensor, nn

from resviz.errors import ProbeError
from resviz.models.architectures.blocks import Residual
from resviz.probes.core.autograd import batch_statistics, differentiable, light
from resviz.probes.core.hooks import intercept, observe
from resviz.probes.core.layers import blocks
from resviz.probes.core.statistics import dot, norm, std
from resviz.progress import Progress, silent

TRUSTED = (
    1e-30,
    1e30,
)  # norms within which float32 is believed: single numbers are still far from its ends

Loss = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True, slots=True)
class Parts:
    """A sum of two tensors in each of some residual blocks: their norms and their inner product."""

    blocks: tuple[str, ...]
    shortcut: Float64[np.ndarray, " blocks"]
    branch: Float64[np.ndarray, " blocks"]
    inner: Float64[np.ndarray, " blocks"]

    @property
    def total(self) -> Float64[np.ndarray, " blocks"]:
        """The norm of the sum."""
        square = self.shortcut**2 + 2 * self.inner + self.branch**2
        return np.asarray(np.sqrt(np.maximum(square, 0.0)))

    @property
    def share_shortcut(self) -> Float64[np.ndarray, " blocks"]:
        """<s, s + b> / |s + b|^2: how much of the sum is the shortcut's, along the sum; both shares add up to 1.

        It is more than 1 where the branch works against the sum, and undefined (NaN) where the sum
        is zero.
        """
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray((self.shortcut**2 + self.inner) / self.total**2)

    @property
    def share_branch(self) -> Float64[np.ndarray, " blocks"]:
        """The branch's share of the sum, 1 - `share_shortcut`."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray((self.branch**2 + self.inner) / self.total**2)


@dataclass(frozen=True, slots=True)
class Gradients:
    """L2 norms for one batch; `layers` and `blocks` in forward order.

    `depth` counts the weighted layers that have run when a block ends; `backward` splits the
    gradient at the input of each residual block, `forward` the signal at its sum. `precision` is
    what the numbers were computed in.
    """

    loss: float
    precision: str
    layers: tuple[str, ...]
    last_convolution: int  # index among the layers
    weight_gradient: Float64[np.ndarray, " layers"]
    weight: Float64[np.ndarray, " layers"]
    blocks: tuple[str, ...]
    depth: Int[np.ndarray, " blocks"]
    block_gradient: Float64[np.ndarray, " blocks"]
    deviation: Float64[np.ndarray, " blocks"]
    backward: Parts
    forward: Parts

    @property
    def relative(self) -> Float64[np.ndarray, " layers"]:
        """||dL/dW|| / ||W||: by which share of itself a step of size 1 would change a layer (0 where W is zero)."""
        zero = np.zeros_like(self.weight)
        return np.asarray(np.divide(self.weight_gradient, self.weight, zero, where=self.weight > 0))


def gradients(
    model: nn.Module,
    x: Float[Tensor, "n c h w"],
    targets: Int[Tensor, " n"],
    *,
    loss: Loss = F.cross_entropy,
    details: bool = True,
    double: bool = False,
    progress: Progress | None = None,
) -> Gradients:
    """Gradient norms of `loss(model(x), targets)` by layer and block.

    Without `details` neither `deviation` nor the parts are measured (their arrays are NaN or
    empty). Where float32 loses numbers, and with `double`, everything is computed in float64.
    Raises `ProbeError` for a network without weighted layers, or whose loss is NaN.
    """
    if not double:
        found = _measure(model, x, targets, loss, details, progress)
        if not _lost(found):
            return found
    found = _measure(copy.deepcopy(model).double(), x.double(), targets, loss, details, progress)
    if math.isnan(found.loss):
        raise ProbeError(
            "the loss of this network is not a number, and so is its gradient; choose another one"
        )
    return found


def _lost(found: Gradients) -> bool:
    """Whether float32 could not hold some number: norms fade layer by layer, so a lost zero has tiny neighbours."""
    every = np.concatenate([found.weight_gradient, found.block_gradient, [found.loss]])
    return not np.isfinite(every).all() or bool(
        ((every > 0) & (every < TRUSTED[0])).any() or every.max() > TRUSTED[1]
    )


@dataclass(slots=True)
class _Record:
    """What the hooks write down; a network that is run in parts tells some of it twice."""

    progress: Progress
    blocks: tuple[str, ...]
    layers: dict[str, None] = field(default_factory=dict)  # an ordered set
    depth: dict[str, int] = field(default_factory=dict)
    block_gradient: dict[str, float] = field(default_factory=dict)
    deviation: dict[str, float] = field(default_factory=dict)
    waiting: dict[str, dict[str, Tensor]] = field(default_factory=dict)
    parts: dict[str, dict[str, tuple[float, float, float]]] = field(
        default_factory=lambda: {"back": {}, "forth": {}}
    )

    def block(self, details: bool, name: str, _inputs: object, output: object) -> None:
        if not isinstance(output, Tensor) or not output.requires_grad or name in self.depth:
            return
        self.depth[name] = len(self.layers)
        if details:
            self.deviation[name] = std(output.detach())
        output.register_hook(partial(self._gradient, name))
        self.progress(len(self.depth) / len(self.blocks) / 3)

    def _gradient(self, name: str, gradient: Tensor) -> None:
        self.block_gradient[name] = norm(gradient)
        self.progress((1 + 2 * len(self.block_gradient) / len(self.blocks)) / 3)

    def part(self, kind: str, block: str, which: str, value: Tensor) -> None:
        """One of the two parts; when both are there, their norms and inner product."""
        if block in self.parts[kind]:
            return
        pair = self.waiting.setdefault(f"{kind} {block}", {})
        pair[which] = value.detach()
        if len(pair) == 2:
            shortcut, branch = pair["shortcut"], pair["branch"]
            self.parts[kind][block] = norm(shortcut), norm(branch), dot(shortcut, branch)
            del self.waiting[f"{kind} {block}"]

    def as_parts(self, kind: str) -> Parts:
        found = {name: self.parts[kind][name] for name in self.blocks if name in self.parts[kind]}
        return Parts(tuple(found), *np.array(list(found.values()), np.float64).reshape(-1, 3).T)


def _measure(
    model: nn.Module,
    x: Tensor,
    targets: Tensor,
    loss: Loss,
    details: bool,
    progress: Progress | None,
) -> Gradients:
    named = {
        name: m
        for name, m in model.named_modules()
        if isinstance(m, nn.modules.conv._ConvNd | nn.Linear)
    }
    record = _Record(progress or silent, blocks(model))
    weights = [module.weight for module in named.values()]
    with (
        differentiable(weights),
        batch_statistics(model),
        light(model),
        _watching(model, named, record, details),
    ):
        value = loss(model(x.clone()), targets)
        if not named or not value.requires_grad:
            raise ProbeError(
                "the loss of this network depends on no weights of convolutions or matrices"
            )
        ran = [name for name in record.layers if named[name].weight.requires_grad]
        found = torch.autograd.grad(value, [named[name].weight for name in ran], allow_unused=True)
    used = [
        (name, gradient) for name, gradient in zip(ran, found, strict=True) if gradient is not None
    ]
    layers = tuple(name for name, _ in used)
    return Gradients(
        loss=float(value.detach()),
        precision=str(x.dtype).removeprefix("torch."),
        layers=layers,
        last_convolution=max(
            (i for i, name in enumerate(layers) if named[name].weight.ndim > 2), default=0
        ),
        weight_gradient=np.array([norm(gradient) for _, gradient in used]),
        weight=np.array([norm(named[name].weight.detach()) for name in layers]),
        blocks=tuple(record.block_gradient)[::-1],
        depth=np.array([record.depth[name] for name in reversed(record.block_gradient)], int),
        block_gradient=np.array(list(record.block_gradient.values())[::-1], float),
        deviation=np.array(
            [record.deviation.get(name, math.nan) for name in reversed(record.block_gradient)],
            float,
        ),
        backward=record.as_parts("back"),
        forward=record.as_parts("forth"),
    )


@contextmanager
def _watching(
    model: nn.Module, layers: Mapping[str, nn.Module], record: _Record, details: bool
) -> Iterator[None]:
    """Hooks on weighted layers, blocks and, for `details`, on the two ways through each residual block."""
    back: dict[str, tuple[str, str]] = {}
    forth: dict[str, tuple[str, str]] = {}
    for name, module in model.named_modules():
        if details and isinstance(module, Residual):
            for which, way in zip(("branch", "shortcut"), module.ways, strict=True):
                back[f"{name}.{way}"] = forth[f"{name}.{which}"] = (name, which)

    def separate(layer: str, inputs: tuple[Tensor]) -> tuple[Tensor] | None:
        """Give the module its own name for its input: the gradient through it can be told apart."""
        (x,) = inputs
        if not x.requires_grad:
            return None
        own = x.view_as(x)
        own.register_hook(partial(record.part, "back", *back[layer]))
        return (own,)

    def add_forward(layer: str, _inputs: object, output: Tensor) -> None:
        record.part("forth", *forth[layer], output)

    with (
        intercept(model, layers, lambda layer, _: record.layers.setdefault(layer)),
        intercept(model, back, separate),
        observe(model, record.blocks, partial(record.block, details)),
        observe(model, forth, add_forward),
    ):
        yield
