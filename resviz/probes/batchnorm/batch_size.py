"""How far a batch's mean and variance lie from those of all images, by batch size.

A batch's moments are means of its images' moments, so one forward is enough: of every image the
mean and the second moment of each channel are kept, and batches are drawn from these, with
replacement. The mean of n draws scatters by s / sqrt(n) with s the deviation of the images' own
means: the cells of one image are alike, so that a batch counts images, not cells.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float64, Int
from torch import Tensor, nn

from resviz.errors import ProbeError
from resviz.probes.batchnorm.layers import array, batch_norms, check_images
from resviz.probes.core.hooks import eval_mode, observe

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
        return np.asarray(
            np.sqrt(((self.means - self.mean) ** 2).mean(1) / (self.variance + self.eps))
        )

    @property
    def mean_theory(self) -> Float64[np.ndarray, "sizes channels"]:
        """s / sqrt(n), exact for draws with replacement."""
        return np.asarray(
            self._over_root(self.image_means.std(0) / np.sqrt(self.variance + self.eps))
        )

    @property
    def variance_error(self) -> Float64[np.ndarray, "sizes channels"]:
        """Root mean square of (batch variance / variance - 1)."""
        return np.asarray(
            np.sqrt(((self.variances - self.variance) ** 2).mean(1)) / (self.variance + self.eps)
        )

    @property
    def variance_theory(self) -> Float64[np.ndarray, "sizes channels"]:
        """The same by the deviation of the images' mean squares over sqrt(n): to first order, good for large n."""
        return np.asarray(self._over_root(self.image_squares.std(0) / (self.variance + self.eps)))

    @property
    def independent_cells(self) -> Float64[np.ndarray, " sizes"]:
        """1 / sqrt(n cells): how the mean would scatter if the cells of an image had nothing to do with each other."""
        return np.asarray(1 / np.sqrt(self.sizes * self.cells))

    @property
    def output_error(self) -> Float64[np.ndarray, "sizes channels"]:
        """Root mean square change of the layer's output against the statistics of all images, in its own deviations.

        With x standardised, the batch gives (x - d) a with a = sigma / sigma_batch and d the mean's
        error: the mean square of a change (a - 1) x - a d is (a - 1)^2 + a^2 d^2.
        """
        sigma = np.sqrt(self.variance + self.eps)
        a, d = sigma / np.sqrt(self.variances + self.eps), (self.means - self.mean) / sigma
        share = self.variance / (self.variance + self.eps)  # the variance of x_hat
        return np.asarray(np.sqrt(((a - 1) ** 2 * share + (a * d) ** 2).mean(1)))

    def _over_root(
        self, at_one: Float64[np.ndarray, " channels"]
    ) -> Float64[np.ndarray, "sizes channels"]:
        return np.asarray(at_one / np.sqrt(self.sizes)[:, None])


def batch_size(
    model: nn.Module,
    x: Float[Tensor, "n c h w"],
    layer: str,
    sizes: tuple[int, ...] = SIZES,
    draws: int = 200,
    seed: int = 0,
) -> BatchSizes:
    """Draw batches from the images `x` for one BatchNorm layer, whose input is that of evaluation mode.

    Raises `ProbeError` for another layer, for fewer than two images and for values that are not
    numbers.
    """
    norms = batch_norms(model)
    if layer not in norms:
        raise ProbeError(
            "{layer} is no BatchNorm layer of this model; choose one such as {example}.",
            layer=layer,
            example=next(iter(norms)),
        )
    if len(x) < 2:
        raise ProbeError("Batches differ only where there are several images; add a second one.")
    check_images(x)
    found: list[Tensor] = []
    with (
        eval_mode(model),
        torch.no_grad(),
        observe(model, [layer], lambda _, inputs, _after: found.append(inputs[0])),
    ):
        model(x)
    if not found:
        raise ProbeError(
            "{layer} does not run when the model looks at an image; choose another layer.",
            layer=layer,
        )
    values = (
        found[-1].flatten(2) if found[-1].ndim > 2 else found[-1][:, :, None]
    )  # (images, channels, cells)
    image_means = array(values.mean(2))
    mean = image_means.mean(0)
    offset = torch.from_numpy(mean).to(values)[None, :, None]
    image_squares = array((values - offset).square_().mean(2))
    means, variances = _draw(
        image_means, image_squares, mean, sizes, draws, np.random.default_rng(seed)
    )
    return BatchSizes(
        layer,
        np.array(sizes),
        means,
        variances,
        image_means,
        image_squares,
        mean,
        image_squares.mean(0),
        values.shape[2],
        norms[layer].eps,
    )


def _draw(
    image_means: np.ndarray,
    image_squares: np.ndarray,
    mean: np.ndarray,
    sizes: tuple[int, ...],
    draws: int,
    random: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and biased variance of each drawn batch, (sizes, draws, channels): E(x - mean)^2 - (batch mean - mean)^2."""
    shape = (len(sizes), draws, len(mean))
    means, variances = np.empty(shape), np.empty(shape)
    for i, size in enumerate(sizes):
        picks = (
            random.multinomial(size, np.full(len(image_means), 1 / len(image_means)), draws) / size
        )
        means[i] = picks @ image_means
        variances[i] = np.maximum(picks @ image_squares - (means[i] - mean) ** 2, 0)
    return means, variances
