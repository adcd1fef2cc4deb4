"""Hooks that write down norms while a network runs forward and backward."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from jaxtyping import Float64
from torch import Tensor, nn

from resviz.models.architectures.blocks import Residual
from resviz.probes.core.hooks import intercept, observe
from resviz.probes.core.statistics import cosine, norm, std
from resviz.probes.gradient_flow.result import Parts
from resviz.progress import Progress

BACKWARD, FORWARD = "backward", "forward"


@dataclass(slots=True)
class Recorder:
    """What the hooks have seen so far.

    A deep network is run in parts, some of them twice: what is known already is not measured again.
    """

    progress: Progress
    blocks: tuple[str, ...]
    modules: Mapping[str, nn.Module]  # the weighted layers
    details: bool
    weights: dict[str, Tensor] = field(default_factory=dict)  # of the layers that have run
    nodes: dict[Any, str] = field(default_factory=dict)  # what made a layer's output -> the layer
    depth: dict[str, int] = field(default_factory=dict)
    block_gradient: dict[str, float] = field(default_factory=dict)
    deviation: dict[str, float] = field(default_factory=dict)
    parts: dict[tuple[str, str], tuple[float, float, float]] = field(default_factory=dict)
    _waiting: dict[tuple[str, str], dict[str, Tensor]] = field(default_factory=dict)

    def layer(self, name: str, _inputs: object, output: Any) -> None:
        """A weighted layer has run, with the weights that it has at this moment."""
        # A second run in the backward pass has a graph of its own, and a reference to one of its
        # nodes would keep all its activations: 4 GiB at depth 1202.
        if name in self.weights:
            return
        weight = self.modules[name].weight
        if isinstance(weight, Tensor) and weight.requires_grad:
            self.weights[name] = weight
        if isinstance(output, Tensor) and output.grad_fn is not None:
            self.nodes[output.grad_fn] = name

    def block(self, name: str, _inputs: object, output: Any) -> None:
        """A block has run; its gradient comes later."""
        if not isinstance(output, Tensor) or not output.requires_grad or name in self.depth:
            return
        self.depth[name] = len(self.weights)
        if self.details:
            self.deviation[name] = std(output.detach())
        output.register_hook(partial(self._gradient, name))
        # a backward pass takes twice the time of a forward one
        self.progress(len(self.depth) / len(self.blocks) / 3)

    def _gradient(self, name: str, gradient: Tensor) -> None:
        self.block_gradient[name] = norm(gradient)
        self.progress((1 + 2 * len(self.block_gradient) / len(self.blocks)) / 3)

    def part(self, direction: str, block: str, which: str, value: Tensor) -> None:
        """One of the two parts of a sum; when both are there, their norms and their cosine."""
        key = direction, block
        if key in self.parts:
            return
        pair = self._waiting.setdefault(key, {})
        pair[which] = value.detach()
        if len(pair) == 2:
            shortcut, branch = pair["shortcut"], pair["branch"]
            self.parts[key] = norm(shortcut), norm(branch), cosine(shortcut, branch)
            del self._waiting[key]

    def measured_blocks(self) -> list[str]:
        """Blocks that got a gradient, in forward order: the last one gets it first."""
        return list(self.block_gradient)[::-1]

    def of_blocks(self, numbers: dict[str, float]) -> Float64[np.ndarray, " blocks"]:
        """The numbers of the measured blocks, NaN where there is none."""
        return np.array([numbers.get(name, np.nan) for name in self.measured_blocks()], np.float64)

    def sums(self, direction: str) -> Parts:
        """The parts of every block in which both were seen."""
        names = [name for name in self.blocks if (direction, name) in self.parts]
        numbers = [self.parts[direction, name] for name in names]
        return Parts(tuple(names), *np.array(numbers, np.float64).reshape(-1, 3).T)


@contextmanager
def recorded(model: nn.Module, recorder: Recorder) -> Iterator[None]:
    """Inside the `with`, `recorder` sees weighted layers, blocks and, for details, the two ways."""
    with ExitStack() as hooks:
        hooks.enter_context(observe(model, recorder.modules, recorder.layer))
        hooks.enter_context(observe(model, recorder.blocks, recorder.block))
        if recorder.details:
            _watch_ways(model, recorder, hooks)
        yield


def _watch_ways(model: nn.Module, recorder: Recorder, hooks: ExitStack) -> None:
    """Hooks on branch and shortcut of each residual block, for the signal and for the gradient."""
    signals: dict[str, tuple[str, str]] = {}  # module -> its block, and which part it gives
    entries: dict[str, tuple[str, str]] = {}
    for name, module in model.named_modules():
        if isinstance(module, Residual):
            for part, way in zip(("branch", "shortcut"), module.ways, strict=True):
                signals[f"{name}.{part}"] = name, part
                entries[f"{name}.{way}"] = name, part

    def signal(module: str, _inputs: object, output: Any) -> None:
        recorder.part(FORWARD, *signals[module], output)

    def entry(module: str, inputs: tuple[Any, ...]) -> tuple[Tensor] | None:
        return _with_own_gradient(inputs, partial(recorder.part, BACKWARD, *entries[module]))

    hooks.enter_context(observe(model, signals, signal))
    hooks.enter_context(intercept(model, entries, entry))


def _with_own_gradient(
    inputs: tuple[Any, ...], record: Callable[[Tensor], None]
) -> tuple[Tensor] | None:
    """The input under a name of its own, so that the gradient through this module is told apart."""
    (x,) = inputs
    if not x.requires_grad:
        return None
    own = x.view_as(x)
    own.register_hook(record)
    return (own,)
