"""BatchNorm of a small batch, one step after the other (Ioffe and Szegedy 2015, Algorithm 1), in float64.

Rounded to float32, every number is that of `nn.BatchNorm2d`, to the last bit.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64

from resviz.errors import ProbeError


@dataclass(frozen=True, slots=True)
class ByHand:
    """All steps for a batch of n values in each of c channels.

    `variance` is divided by n and normalises; `unbiased` is divided by n - 1 and goes into the
    running average.
    """

    x: Float64[np.ndarray, "n c"]
    mean: Float64[np.ndarray, " c"]
    centred: Float64[np.ndarray, "n c"]  # x - mean
    variance: Float64[np.ndarray, " c"]
    unbiased: Float64[np.ndarray, " c"]
    deviation: Float64[np.ndarray, " c"]  # sqrt(variance + eps)
    x_hat: Float64[np.ndarray, "n c"]
    y: Float64[np.ndarray, "n c"]
    running_mean: Float64[np.ndarray, " c"]  # after this batch
    running_variance: Float64[np.ndarray, " c"]

    @property
    def constant(self) -> Bool[np.ndarray, " c"]:
        """Channels whose values are all the same: x_hat is 0 and beta is all that comes out."""
        return np.asarray(self.variance == 0)


def batchnorm_by_hand(
    x: Float64[np.ndarray, "n c"],
    gamma: Float64[np.ndarray, " c"],
    beta: Float64[np.ndarray, " c"],
    running_mean: Float64[np.ndarray, " c"],
    running_variance: Float64[np.ndarray, " c"],
    eps: float = 1e-5,
    momentum: float = 0.1,
) -> ByHand:
    """One training step of BatchNorm: running = (1 - momentum) running + momentum new, as PyTorch counts momentum.

    Raises `ProbeError` for a batch of one and for values that are not numbers.
    """
    if len(x) < 2:
        raise ProbeError(
            "A batch of one value is its own mean and has no variance; add a second value."
        )
    if not all(
        np.isfinite(values).all() for values in (x, gamma, beta, running_mean, running_variance)
    ):
        raise ProbeError("A value is missing or no finite number; fill in all cells of the batch.")
    n = len(x)
    constant = (x == x[0]).all(0)
    mean = np.where(constant, x[0], x.sum(0) / n)
    centred = x - mean
    variance = (centred**2).sum(0) / n
    unbiased = (centred**2).sum(0) / (n - 1)
    deviation = np.sqrt(variance + eps)
    x_hat = centred / deviation
    return ByHand(
        x,
        mean,
        centred,
        variance,
        unbiased,
        deviation,
        x_hat,
        gamma * x_hat + beta,
        (1 - momentum) * running_mean + momentum * mean,
        (1 - momentum) * running_variance + momentum * unbiased,
    )
