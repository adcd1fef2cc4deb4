"""Norms, means and standard deviations: fast where float32 holds them, exact where it cannot.

Variance as E[v^2] - E[v]^2 takes a fraction of the time of `torch.var_mean`, but loses digits where
the mean is large against the spread, and everything where squares leave the type. Each function
here notices that and computes those cases again, centred or scaled, in float64.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float32, Float64
from torch import Tensor

# Norms between these have squares that float32 holds with all their digits; sums of a million
# squares still fit.
TRUSTED_NORM = (1e-15, 1e15)


def norm(tensor: Tensor) -> float:
    """sqrt(sum_i v_i^2), also where the squares leave the tensor's own type.

    Example:
        >>> f"{norm(torch.tensor([3e-25, 4e-25])):.2g}"  # 9e-50 is zero in float32
        '5e-25'
    """
    size = float(torch.linalg.vector_norm(tensor))
    if TRUSTED_NORM[0] < size < TRUSTED_NORM[1]:
        return size
    scaled, largest = _scaled(tensor)
    return largest * float(torch.linalg.vector_norm(scaled))


def dot(a: Tensor, b: Tensor) -> float:
    """sum_i a_i b_i, also where the products leave the tensors' own type."""
    product = float(torch.dot(a.reshape(-1), b.reshape(-1)))
    if 1e-30 < abs(product) < 1e30:
        return product
    (scaled_a, largest_a), (scaled_b, largest_b) = _scaled(a), _scaled(b)
    return float(torch.dot(scaled_a.reshape(-1), scaled_b.reshape(-1))) * largest_a * largest_b


def cosine(a: Tensor, b: Tensor) -> float:
    """<a, b> / (|a| |b|), 0 where one of them is zero; it survives where the product underflows.

    Example:
        >>> a, b = torch.tensor([1.0, 0.0]), torch.tensor([1e-30, 1e-30])
        >>> round(cosine(a, b), 3)
        0.707
    """
    lengths = norm(a), norm(b)
    if not all(lengths):
        return 0.0
    if 1e-30 < lengths[0] * lengths[1] < 1e30:
        return dot(a, b) / (lengths[0] * lengths[1])
    (scaled_a, largest_a), (scaled_b, largest_b) = _scaled(a), _scaled(b)
    product = float(torch.dot(scaled_a.reshape(-1), scaled_b.reshape(-1)))
    return product * (largest_a / lengths[0]) * (largest_b / lengths[1])


def std(tensor: Tensor) -> float:
    """Return the standard deviation sqrt(E[v^2] - E[v]^2) over all numbers; one number has 0."""
    mean, size = float(tensor.mean()), norm(tensor)
    if size < TRUSTED_NORM[1]:
        square = size**2 / tensor.numel()
        if mean * mean < 0.99 * square:
            return math.sqrt(square - mean * mean)
    # Here the difference of two nearly equal numbers would lose digits.
    scaled, largest = _scaled(tensor)
    return largest * float(scaled.std(correction=0))


def mean_and_square(values: Tensor) -> Float32[Tensor, "2"]:
    """Mean and mean square of all values, without waiting for the device."""
    square = torch.linalg.vector_norm(values, dtype=torch.float32).square() / values.numel()
    return torch.stack([values.mean(dtype=torch.float32), square])


def std_of(mean_and_square: Float[Tensor, "... 2"]) -> Float[Tensor, "..."]:
    """Standard deviations from pairs of mean and mean square, averaged over batches or not."""
    mean, square = mean_and_square.unbind(-1)
    return (square - mean.square()).clamp(min=0).sqrt()


def over_places(x: Float[Tensor, "n channels ..."]) -> tuple[Tensor, Tensor]:
    """Mean and biased variance of each channel over images and places: what BatchNorm trains with.

    At least in float32, and in float64 where `x` is. A channel whose values are all equal has a
    variance of exactly 0, which the mean's own rounding would hide.
    """
    over = [dim for dim in range(x.ndim) if dim != 1]
    wide = x if x.dtype == torch.float64 else x.float()
    mean = wide.mean(over, keepdim=True)
    variance = (wide - mean).square_().mean(over)
    is_constant = wide.amax(over) == wide.amin(over)
    return mean.flatten(), variance.masked_fill(is_constant, 0.0)


def by_layer(
    values: Float64[np.ndarray, "k channels"], sizes: Sequence[int]
) -> tuple[Float64[np.ndarray, "k layers"], Float64[np.ndarray, "k layers"]]:
    """Mean and standard deviation over the channels of each layer; `sizes` are their numbers."""
    starts = np.cumsum([0, *sizes[:-1]])
    counts = np.asarray(sizes)
    means = np.add.reduceat(values, starts, axis=1) / counts
    squares = (values - np.repeat(means, counts, axis=1)) ** 2
    return means, np.sqrt(np.add.reduceat(squares, starts, axis=1) / counts)


@dataclass(frozen=True, slots=True)
class ChannelSums:
    """Mean and L2 norm of each channel over its cells; `std` where these two cannot give it."""

    mean: Float32[np.ndarray, " channels"]
    norm: Float32[np.ndarray, " channels"]
    cells: int
    std: Float32[np.ndarray, " channels"] | None


def channel_sums(values: Float[Tensor, "channels height width"]) -> ChannelSums:
    """Sum over space, in a tenth of the time of `torch.var_mean`."""
    flat = values.flatten(1)  # (channels, cells)
    cells = flat.shape[1]
    mean = flat.mean(1).cpu().numpy()
    size = torch.linalg.vector_norm(flat, dim=1).cpu().numpy()
    # Where std is less than a tenth of the mean, it would be off by more than 4e-5 of itself.
    is_lost = (size < np.abs(mean) * (1.01 * cells) ** 0.5) | np.isinf(size)
    if not is_lost.any():
        return ChannelSums(mean, size, cells, None)
    exact = np.full_like(mean, np.nan)
    exact[is_lost] = _centred_std(flat[torch.from_numpy(is_lost).to(flat.device)])
    return ChannelSums(mean, size, cells, exact)


def means_and_stds(
    sums: Sequence[ChannelSums],
) -> tuple[Float32[np.ndarray, " all"], Float32[np.ndarray, " all"]]:
    """Mean and std of all channels of all maps in one row: std^2 = |v|^2 / n - mean^2."""
    mean = np.concatenate([one.mean for one in sums])
    size = np.concatenate([one.norm for one in sums])
    counts = [len(one.mean) for one in sums]
    cells = np.repeat(np.array([one.cells for one in sums], np.float32), counts)
    exact = np.concatenate([_exact(one) for one in sums])
    with np.errstate(invalid="ignore", over="ignore"):  # `exact` has the numbers that get lost
        quick = np.sqrt(size**2 / cells - mean**2)
    return mean, np.where(np.isnan(exact), quick, exact)


def _exact(sums: ChannelSums) -> Float32[np.ndarray, " channels"]:
    return np.full_like(sums.mean, np.nan) if sums.std is None else sums.std


def _centred_std(flat: Float[Tensor, "channels cells"]) -> Float64[np.ndarray, " channels"]:
    """Standard deviation of each row, centred on its first number, then on its mean."""
    wide = flat.cpu().double()
    centred = wide - wide[:, :1]
    centred -= centred.mean(1, keepdim=True)
    sizes = torch.linalg.vector_norm(centred, dim=1)
    return np.asarray(sizes.numpy() / flat.shape[1] ** 0.5)


def _scaled(tensor: Tensor) -> tuple[Float64[Tensor, "..."], float]:
    """The tensor in float64 over its largest magnitude (unless 0 or infinite), and that."""
    wide = tensor.cpu().double()  # Apple GPUs know no float64
    largest = float(wide.abs().max()) if wide.numel() else 0.0
    if largest == 0.0 or not math.isfinite(largest):
        return wide, 1.0
    return wide / largest, largest
