"""How far a batch's mean and variance lie from those of all images, by batch size.

A batch's moments are means of its images' moments, so one forward is enough: of every image the
mean and the second moment of each channel are kept, and batches are drawn from these, with
replacement. The mean of n draws scatters by s / sqrt(n) with s the standard deviation of the
images' own means. The cells of one image are no independent draws: usually they are alike, and a
batch counts images rather than cells.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float64, Int
from torch import Tensor, nn

from resviz.errors import ProbeError
from resviz.probes.batchnorm.channels import does_not_run
from resviz.probes.batchnorm.layers import array, batch_norm, check_images
from resviz.probes.core.entry import probe
from resviz.probes.core.hooks import eval_mode, observe
from resviz.tables import Table

# Doubled from step to step, they stand evenly on a logarithmic axis.
SIZES = (2, 4, 8, 16, 32, 64, 128, 256)


@dataclass(frozen=True, slots=True)
class BatchSizes:
    """Estimates of one layer's mean and variance from `draws` batches of each size.

    `image_means` are each image's own means, `image_squares` its mean squared distances from
    `mean`; `mean` and `variance` are those over all images; `cells` is the number of places in one
    image.
    """

    layer: str
    sizes: Int[np.ndarray, " sizes"]
    means: Float64[np.ndarray, "sizes draws channels"]
    variances: Float64[np.ndarray, "sizes draws channels"]
    image_means: Float64[np.ndarray, "images channels"]
    image_squares: Float64[np.ndarray, "images channels"]
    mean: Float64[np.ndarray, " channels"]
    variance: Float64[np.ndarray, " channels"]
    cells: int
    eps: float

    @property
    def mean_error(self) -> Float64[np.ndarray, "sizes channels"]:
        """Root mean square of (batch mean - mean), in standard deviations of the channel."""
        squares = ((self.means - self.mean) ** 2).mean(1)
        # eps is part of what the layer divides by, and keeps constant channels finite.
        return np.asarray(np.sqrt(squares / (self.variance + self.eps)))

    @property
    def mean_theory(self) -> Float64[np.ndarray, "sizes channels"]:
        """s / sqrt(n), exact for draws with replacement."""
        s = self.image_means.std(0) / self._sigma
        return self._over_root(s)

    @property
    def variance_error(self) -> Float64[np.ndarray, "sizes channels"]:
        """Root mean square of (batch variance / variance - 1)."""
        squares = ((self.variances - self.variance) ** 2).mean(1)
        return np.asarray(np.sqrt(squares) / (self.variance + self.eps))

    @property
    def variance_theory(self) -> Float64[np.ndarray, "sizes channels"]:
        """The std of the images' mean squares over sqrt(n): to first order, good for large n."""
        return self._over_root(self.image_squares.std(0) / (self.variance + self.eps))

    @property
    def independent_cells(self) -> Float64[np.ndarray, " sizes"]:
        """1 / sqrt(n cells): the mean's error if the cells of an image were independent."""
        return np.asarray(1 / np.sqrt(self.sizes * self.cells))

    @property
    def effective_cells(self) -> float:
        """How many independent cells would scatter as the mean of one image does: sigma^2 / s^2.

        The mean over all channels; about 1 where all cells of an image are alike, and more than
        there are where an image's cells make up for each other. Infinite if all means are equal.
        """
        ratios = self.image_means.var(0) / self._sigma**2
        return float(1 / ratios.mean()) if ratios.any() else np.inf

    @property
    def output_error(self) -> Float64[np.ndarray, "sizes channels"]:
        """Root mean square change of the layer's output, in its own standard deviations.

        Compared are the statistics of all images. With x standardised, the batch gives (x - d) a
        with a = sigma / sigma_batch and d the mean's error: the mean square of a change
        (a - 1) x - a d is (a - 1)^2 + a^2 d^2.
        """
        a = self._sigma / np.sqrt(self.variances + self.eps)
        d = (self.means - self.mean) / self._sigma
        x_hat_variance = self.variance / (self.variance + self.eps)
        squares = (a - 1) ** 2 * x_hat_variance + (a * d) ** 2
        return np.asarray(np.sqrt(squares.mean(1)))

    def table(self) -> Table:
        """Errors of each channel for each batch size."""
        rows = []
        for i, images in enumerate(self.sizes.tolist()):
            for channel in range(len(self.mean)):
                rows.append((images, self.layer, channel, *self._errors(i, channel)))
        columns = ("images", "layer", "channel", *_ERRORS)
        return Table(columns, tuple(rows))

    def summary(self) -> Table:
        """The same as root mean squares over all channels, one row for each batch size."""
        columns = [np.sqrt((getattr(self, name) ** 2).mean(1)) for name in _ERRORS]
        rows = zip(self.sizes.tolist(), *columns, self.independent_cells, strict=True)
        return Table(("images", *_ERRORS, "independent_cells"), tuple(rows))

    def _errors(self, size: int, channel: int) -> tuple[float, ...]:
        return tuple(float(getattr(self, name)[size, channel]) for name in _ERRORS)

    @property
    def _sigma(self) -> Float64[np.ndarray, " channels"]:
        return np.asarray(np.sqrt(self.variance + self.eps))

    def _over_root(
        self, at_one: Float64[np.ndarray, " channels"]
    ) -> Float64[np.ndarray, "sizes channels"]:
        return np.asarray(at_one / np.sqrt(self.sizes)[:, None])


_ERRORS = ("mean_error", "mean_theory", "variance_error", "output_error")


@probe
def batch_size(
    model: nn.Module,
    x: Float[Tensor, "n c h w"],
    layer: str,
    sizes: tuple[int, ...] = SIZES,
    draws: int = 200,  # an error from n draws is good to 1/sqrt(2n): five in a hundred
    seed: int = 0,
) -> BatchSizes:
    """Draw batches from the images `x` for one BatchNorm layer, in evaluation mode.

    Args:
        model: a network with BatchNorm.
        x: two images or more, as the model receives them.
        layer: the name of a BatchNorm layer.
        sizes: numbers of images in a batch.
        draws: how many batches of each size.
        seed: of the draws.

    Raises:
        ProbeError: there is no such layer, fewer than two images, or values that are not numbers.
    """
    norm = batch_norm(model, layer)
    if len(x) < 2:
        raise ProbeError("Batches differ only where there are several images; add a second one.")
    check_images(x)
    values = _inputs(model, x, layer)
    image_means = array(values.mean(2))
    mean = image_means.mean(0)
    # Squares around the mean keep digits that the mean of squares would lose.
    offset = torch.from_numpy(mean).to(values)[None, :, None]
    image_squares = array((values - offset).square_().mean(2))
    random = np.random.default_rng(seed)
    means, variances = _draw(image_means, image_squares, sizes, draws, random)
    return BatchSizes(
        layer=layer,
        sizes=np.array(sizes),
        means=means,
        variances=variances,
        image_means=image_means,
        image_squares=image_squares,
        mean=mean,
        variance=image_squares.mean(0),
        cells=values.shape[2],
        eps=norm.eps,
    )


def _inputs(model: nn.Module, x: Tensor, layer: str) -> Float[Tensor, "images channels cells"]:
    """What flows into the layer, in float32 at least."""
    inputs: list[Tensor] = []

    def record(_layer: str, given: tuple[Tensor], _output: object) -> None:
        wide = given[0].to(torch.promote_types(given[0].dtype, torch.float32))
        inputs.append(wide.reshape(*wide.shape[:2], -1))  # (n, c, h, w) or (n, c)

    with eval_mode(model), torch.no_grad(), observe(model, [layer], record):
        model(x.clone())  # a network may change its input in place
    if not inputs:
        raise does_not_run(layer)
    # Of a layer that runs more than once the last run counts, as in all probes of BatchNorm.
    return inputs[-1]


def _draw(
    image_means: Float64[np.ndarray, "images channels"],
    image_squares: Float64[np.ndarray, "images channels"],
    sizes: tuple[int, ...],
    draws: int,
    random: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and biased variance of each drawn batch, both (sizes, draws, channels).

    The variance is E(x - mean)^2 - (batch mean - mean)^2.
    """
    images, channels = image_means.shape
    mean = image_means.mean(0)
    means = np.empty((len(sizes), draws, channels))
    variances = np.empty_like(means)
    for i, size in enumerate(sizes):
        # How often each image is drawn, as shares: a batch's moments are weighted means.
        shares = random.multinomial(size, np.full(images, 1 / images), draws) / size
        means[i] = shares @ image_means
        offsets = means[i] - mean
        # Rounding may leave a tiny number below zero.
        variances[i] = np.maximum(shares @ image_squares - offsets**2, 0)
    return means, variances
