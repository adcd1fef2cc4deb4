"""Which layers lie on the way of the signal, and which only compute a gate that weighs it.

Squeeze-and-excitation, gated shortcuts and attention over channels multiply the signal by numbers
between 0 and 1 that a small network of its own computes. Its convolutions run late and get little
gradient, but they are not the last ones of the network.
"""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

# what makes a gate out of numbers, in autograd's names
_SQUASHING = {
    "HardsigmoidBackward0",
    "HardtanhBackward0",  # relu6(x + 3) / 6
    "SigmoidBackward0",
    "SoftmaxBackward0",
    "TanhBackward0",
}
_LEAF = "torch::autograd::AccumulateGrad"


def on_signal_path(loss: Tensor, nodes: Mapping[Any, str]) -> set[str]:
    """Names of the layers from whose output a signal reaches the loss other than as a gate.

    Args:
        loss: a number with a graph.
        nodes: what made each layer's output (its `grad_fn`) -> the layer's name.
    """
    reached: set[Any] = set()
    waiting = [loss.grad_fn]
    while waiting:
        node = waiting.pop()
        if node is None or node in reached:
            continue
        reached.add(node)
        waiting += _signals(node)
    return {name for node, name in nodes.items() if node in reached}


def _signals(node: Any) -> list[Any]:
    """What an operation takes in, without the gates where it multiplies a signal by them."""
    inputs = _inputs(node)
    if node.name() != "MulBackward0":
        return inputs
    sources = [_source(factor) for factor in inputs]
    signals = [
        factor
        for factor, source in zip(inputs, sources, strict=True)
        if source not in _SQUASHING and source != _LEAF
    ]
    # a tanh times a learned number has no other signal: then it is the signal itself
    return signals or inputs


def _source(node: Any) -> str:
    """The operation that a factor comes from, behind all that only moves or rescales numbers."""
    while node.name() not in _SQUASHING:
        inputs = _inputs(node)
        if len(inputs) != 1:
            break
        node = inputs[0]
    return str(node.name())


def _inputs(node: Any) -> list[Any]:
    return [source for source, _index in node.next_functions if source is not None]
