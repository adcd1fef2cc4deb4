"""What one measurement of gradients gives: norms by layer and block, and the parts of sums."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float64, Int

CHAOS = 1e-3  # rounding errors that have grown to this share of the signal make norms uncertain


@dataclass(frozen=True, slots=True)
class Parts:
    """The sum s + b of two tensors in each of some residual blocks: their norms and their cosine.

    The cosine is 0 where one of them is zero. Norms and cosine, unlike inner products, stay within
    float64 in networks whose gradients are 1e-200.
    """

    blocks: tuple[str, ...]
    shortcut: Float64[np.ndarray, " blocks"]
    branch: Float64[np.ndarray, " blocks"]
    cosine: Float64[np.ndarray, " blocks"]

    @property
    def inner(self) -> Float64[np.ndarray, " blocks"]:
        """The inner product <s, b>."""
        return np.asarray(self.shortcut * self.branch * self.cosine)

    @property
    def total(self) -> Float64[np.ndarray, " blocks"]:
        """The norm of the sum."""
        shortcut, branch, inner, unit = self._in_units()
        square = shortcut**2 + 2 * inner + branch**2
        return np.asarray(unit * np.sqrt(np.maximum(square, 0.0)))

    @property
    def share_shortcut(self) -> Float64[np.ndarray, " blocks"]:
        """<s, s + b> / |s + b|^2: the shortcut's share of the sum, projected onto the sum.

        Both shares add up to 1. It is more than 1 where the branch works against the sum, and
        undefined (NaN) where the sum is zero.
        """
        return self._share(of_branch=False)

    @property
    def share_branch(self) -> Float64[np.ndarray, " blocks"]:
        """<b, s + b> / |s + b|^2, which is 1 - `share_shortcut`."""
        return self._share(of_branch=True)

    def _share(self, of_branch: bool) -> Float64[np.ndarray, " blocks"]:
        shortcut, branch, inner, _unit = self._in_units()
        own = branch if of_branch else shortcut
        square = shortcut**2 + 2 * inner + branch**2
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray((own**2 + inner) / square)

    def _in_units(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Both norms and the inner product with the larger norm as the unit, and that unit."""
        # the square of 1e-200 is zero in float64, and that of 1e200 infinite
        larger = np.maximum(self.shortcut, self.branch)
        unit = np.where(larger > 0, larger, 1.0)
        shortcut, branch = self.shortcut / unit, self.branch / unit
        return shortcut, branch, shortcut * branch * self.cosine, unit


@dataclass(frozen=True, slots=True)
class Gradients:
    """L2 norms for one batch; `layers` and `blocks` in forward order.

    `compared` are the layers that "first against last" is about: convolutions on the way of the
    signal, not those that compute a gate. `depth` counts the weighted layers that have run when a
    block ends; `deviation` is the standard deviation of a block's output. `backward` splits the
    gradient at the input of each residual block, `forward` the signal at its sum. `precision` is
    what the numbers were computed in.
    """

    loss: float
    precision: str
    layers: tuple[str, ...]
    compared: Int[np.ndarray, " compared"]  # indices among the layers
    weight_gradient: Float64[np.ndarray, " layers"]
    weight: Float64[np.ndarray, " layers"]
    blocks: tuple[str, ...]
    depth: Int[np.ndarray, " blocks"]
    block_gradient: Float64[np.ndarray, " blocks"]
    deviation: Float64[np.ndarray, " blocks"]
    backward: Parts
    forward: Parts

    @property
    def last_convolution(self) -> int:
        """Index of the last layer on the way of the signal, a convolution where there are some."""
        return int(self.compared[-1])

    @property
    def relative(self) -> Float64[np.ndarray, " layers"]:
        """||dL/dW|| / ||W||: by which share of itself a step of size 1 would change a layer.

        It is 0 where W is zero.
        """
        zero = np.zeros_like(self.weight)
        return np.asarray(np.divide(self.weight_gradient, self.weight, zero, where=self.weight > 0))

    @property
    def amplification(self) -> float:
        """How many times a relative change of the signal grows up to the last block, at the most.

        ||dL/dx|| std(x) after a block, over the same after the last one. NaN without two blocks, or
        where the last one gets no gradient.
        """
        if len(self.blocks) < 2 or not self.block_gradient[-1]:
            return float("nan")
        # without details the signal was not measured: under normalisation it is level
        signal = np.where(np.isnan(self.deviation), 1.0, self.deviation)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            gradient, signal = self.block_gradient / self.block_gradient[-1], signal / signal[-1]
            return float(np.max(gradient * signal))

    @property
    def approximate(self) -> bool:
        """Whether rounding errors, amplified on their way through the network, reach the norms."""
        epsilon = torch.finfo(getattr(torch, self.precision)).eps
        return bool(self.amplification * epsilon > CHAOS)
