"""Corruptions: four ways that pictures differ from those that a network was trained on.

Strengths 1 to 5 of blur, noise and contrast are those of ImageNet-C (Hendrycks and Dietterich 2019,
1903.12261), blur scaled from their 224 pixels to the side of the picture; a negative has no
strength.
"""

import math
from typing import TYPE_CHECKING

from resviz.errors import ImageError

if TYPE_CHECKING:
    from torch import Tensor

KINDS = ("none", "blur", "noise", "contrast", "invert")
STRENGTHS = (1, 2, 3, 4, 5)
BLUR = (1.0, 2.0, 3.0, 4.0, 6.0)  # standard deviation in pixels of 224
NOISE = (0.08, 0.12, 0.18, 0.26, 0.38)  # standard deviation, white is 1
CONTRAST = (0.4, 0.3, 0.2, 0.1, 0.05)  # what remains of the distance to a channel's mean


def corrupt(images: "Tensor", kind: str, strength: int = 3, seed: int = 0) -> "Tensor":
    """Images (N, 3, H, W) as uint8, corrupted, as uint8; the noise depends on `seed` alone.

    Raises `ImageError` for another kind or strength.
    """
    import torch  # here, so that the names above cost nothing

    _check(kind, strength)
    if kind == "none":
        return images
    if kind == "invert":
        return 255 - images
    x = _degraded(images.float() / 255, kind, strength - 1, seed)
    return (x.clamp(0, 1) * 255).round().to(torch.uint8)


def _check(kind: str, strength: int) -> None:
    if kind not in KINDS:
        raise ImageError(
            "There is no corruption {kind!r}; choose one of {kinds}.",
            kind=kind,
            kinds=", ".join(KINDS),
        )
    if strength not in STRENGTHS:
        raise ImageError(
            "The strength of a corruption is a whole number from 1 to 5, got {strength}.",
            strength=strength,
        )


def _degraded(x: "Tensor", kind: str, level: int, seed: int) -> "Tensor":
    """Blur, noise or contrast of images on the scale 0 to 1, which may leave it."""
    import torch

    if kind == "blur":
        return _blurred(x, BLUR[level] * x.shape[-1] / 224)
    if kind == "noise":
        generator = torch.Generator().manual_seed(seed)
        return x + NOISE[level] * torch.randn(x.shape, generator=generator)
    mean = x.mean((2, 3), keepdim=True)
    return mean + CONTRAST[level] * (x - mean)


def _blurred(x: "Tensor", std: float) -> "Tensor":
    """A Gaussian cut off at four standard deviations, along rows, then along columns."""
    import torch
    import torch.nn.functional as F

    radius = min(math.ceil(4 * std), min(x.shape[2:]) - 1)
    steps = torch.arange(-radius, radius + 1)
    weight = torch.exp(-((steps / std) ** 2) / 2)
    kernel = (weight / weight.sum()).reshape(1, 1, 1, -1)
    planes = x.flatten(0, 1)[:, None]  # (3N, 1, H, W)
    mirrored = F.pad(planes, (radius,) * 4, mode="reflect")  # (3N, 1, H + 2r, W + 2r)
    rows = F.conv2d(mirrored, kernel)
    return F.conv2d(rows, kernel.transpose(2, 3)).reshape(x.shape)
