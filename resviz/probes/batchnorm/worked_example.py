"""BatchNorm of a small batch, one step after the other, in float64.

Rounded to float32, every number is that of `nn.BatchNorm2d`, to the last bit.
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64

from resviz.errors import ProbeError
from resviz.tables import Table

VALUES, CHANNELS, LARGEST = 8, 4, 1e6  # of a batch that is typed: more would be no example


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
    std: Float64[np.ndarray, " c"]  # sqrt(variance + eps)
    x_hat: Float64[np.ndarray, "n c"]
    y: Float64[np.ndarray, "n c"]
    running_mean: Float64[np.ndarray, " c"]  # after this batch
    running_variance: Float64[np.ndarray, " c"]

    @property
    def constant(self) -> Bool[np.ndarray, " c"]:
        """Channels whose values are all the same: x_hat is 0 and beta is all that comes out."""
        return np.asarray(self.variance == 0)

    def table(self) -> Table:
        """Each value on its way through the steps, one row an image and channel."""
        images, channels = self.x.shape
        steps = (self.x, self.centred, self.x_hat, self.y)
        rows = tuple(
            (image, channel, *(float(step[image, channel]) for step in steps))
            for channel in range(channels)
            for image in range(images)
        )
        return Table(("image", "channel", "x", "centred", "x_hat", "y"), rows)


def batchnorm_by_hand(
    x: Float64[np.ndarray, "n c"],
    gamma: Float64[np.ndarray, " c"],
    beta: Float64[np.ndarray, " c"],
    running_mean: Float64[np.ndarray, " c"],
    running_variance: Float64[np.ndarray, " c"],
    eps: float = 1e-5,
    momentum: float = 0.1,
) -> ByHand:
    """Take one training step of BatchNorm, number by number.

    With m and v the batch's mean and variance (divided by n), x_hat = (x - m) / sqrt(v + eps) and
    y = gamma * x_hat + beta. The running averages become (1 - momentum) old + momentum new, as
    PyTorch counts momentum; the new variance among them is divided by n - 1.

    Args:
        x: n values of each of c channels.
        gamma: the scale of each channel.
        beta: the shift of each channel.
        running_mean: the average before this step.
        running_variance: the average before this step.
        eps: is added to the variance, so that no channel is divided by zero.
        momentum: the weight of this batch in the running averages, from 0 to 1.

    Returns:
        Every intermediate number; arrays are (n, c) or (c,).

    Raises:
        ProbeError: the batch has one value per channel, a value is no finite number, or momentum
            or eps lies outside its range.

    Example:
        >>> ones, zeros = np.ones(1), np.zeros(1)
        >>> step = batchnorm_by_hand(np.array([[2.0], [6.0]]), ones, zeros, zeros, ones, eps=0.0)
        >>> step.mean.tolist(), step.variance.tolist(), step.y.ravel().tolist()
        ([4.0], [4.0], [-1.0, 1.0])

    Reference:
        Ioffe and Szegedy 2015, "Batch Normalization", 1502.03167, Algorithm 1 and section 3.1.
    """
    if len(x) < 2:
        raise ProbeError(
            "A batch of one value is its own mean and has no variance; add a second value."
        )
    given = (x, gamma, beta, running_mean, running_variance)
    if not all(np.isfinite(values).all() for values in given):
        raise ProbeError("A value is missing or no finite number; fill in all cells of the batch.")
    if not 0 <= momentum <= 1 or eps < 0:
        raise ProbeError(
            "Momentum lies from 0 to 1 and eps is not negative, got {momentum:g} and {eps:g}.",
            momentum=momentum,
            eps=eps,
        )
    n = len(x)
    # The sum of equal values may round: their mean is set, so that what is left is exactly 0.
    constant = (x == x[0]).all(0)
    mean = np.where(constant, x[0], x.sum(0) / n)
    centred = x - mean
    squares = (centred**2).sum(0)
    variance, unbiased = squares / n, squares / (n - 1)
    std = np.sqrt(variance + eps)
    # A constant channel is 0 / 0 without eps, and 0 with the smallest one.
    x_hat = np.divide(centred, std, out=np.zeros_like(centred), where=std > 0)
    keep = 1 - momentum
    return ByHand(
        x=x,
        mean=mean,
        centred=centred,
        variance=variance,
        unbiased=unbiased,
        std=std,
        x_hat=x_hat,
        y=gamma * x_hat + beta,
        running_mean=keep * running_mean + momentum * mean,
        running_variance=keep * running_variance + momentum * unbiased,
    )


def read_batch(text: str) -> Float64[np.ndarray, "n c"]:
    """Read one line a channel, its values separated by commas, to (n, c).

    Raises:
        ProbeError: says what is wrong with the text.
    """
    rows = [_values(line) for line in text.splitlines() if line.strip()]
    lengths = {len(row) for row in rows}
    if not 1 <= len(rows) <= CHANNELS or len(lengths) > 1 or max(lengths) > VALUES:
        raise ProbeError(
            "Write 1 to {channels} lines with equally many values, at most {values}.",
            channels=CHANNELS,
            values=VALUES,
        )
    # A line is a channel when typed, a column when computed.
    x = np.array(rows).T
    if len(x) < 2:
        raise ProbeError(
            "A batch of one has no variance to divide by; write at least two values in each line."
        )
    if not (np.abs(x) <= LARGEST).all():
        raise ProbeError("A value is too large to show; stay within a million.")
    return x


def _values(line: str) -> list[float]:
    parts = line.replace(";", ",").split(",")
    try:
        return [_value(part) for part in parts if part.strip()]
    except ValueError:
        raise ProbeError(
            "A value is no number; write them like 2, 6, one line for each channel."
        ) from None


def _value(text: str) -> float:
    """The number; raises `ValueError` for "nan" as for any other word."""
    if math.isnan(value := float(text)):
        raise ValueError(text)
    return value
