"""Pictures made worse: four ways that a camera, the light or a file can differ from what a network was trained on.

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
    if kind == "none":
        return images
    if kind == "invert":
        return 255 - images
    x = images.float() / 255
    if kind == "blur":
        x = _blurred(x, BLUR[strength - 1] * x.shape[-1] / 224)
    elif kind == "noise":
        x = x + NOISE[strength - 1] * torch.randn(
            x.shape, generator=torch.Generator().manual_seed(seed)
        )
    else:
        mean = x.mean((2, 3), keepdim=True)
        x = mean + CONTRAST[strength - 1] * (x - mean)
    return (x.clamp(0, 1) * 255).round().to(torch.uint8)


def _blurred(x: "Tensor", deviation: float) -> "Tensor":
    """A Gaussian, cut off at four deviations, first along rows, then along columns; the picture is mirrored outside."""
    import torch
    import torch.nn.functional as F

    radius = min(math.ceil(4 * deviation), min(x.shape[2:]) - 1)
    weight = torch.exp(-((torch.arange(-radius, radius + 1) / deviation) ** 2) / 2)
    kernel = (weight / weight.sum()).reshape(1, 1, 1, -1)
    flat = F.pad(
        x.flatten(0, 1)[:, None], (radius,) * 4, mode="reflect"
    )  # (N 3, 1, H + 2r, W + 2r)
    return F.conv2d(F.conv2d(flat, kernel), kernel.transpose(2, 3)).reshape(x.shape)
