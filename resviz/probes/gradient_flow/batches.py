"""The images and targets that gradients of untrained networks are measured for."""

import functools
from dataclasses import dataclass

import torch
from PIL import Image
from torch import Tensor

from resviz.data import samples
from resviz.data.images import decode
from resviz.data.preprocess import Preprocess
from resviz.errors import ProbeError

SOURCES = ("noise", "photos")
FEWEST, MOST = 2, 1024  # BatchNorm needs two images


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """The images that a loss is computed for; their targets are drawn at random.

    `noise`: independent normal numbers, with the mean and standard deviation of normalised pixels.
    `photos`: random squares of the bundled sample photos.
    """

    source: str = "noise"
    size: int = 32

    def __post_init__(self) -> None:
        if self.source not in SOURCES:
            raise ProbeError(
                "a batch is made of {sources}, got {source!r}",
                sources=" or ".join(SOURCES),
                source=self.source,
            )
        if not FEWEST <= self.size <= MOST:
            raise ProbeError(
                "a batch has from {fewest} to {most} images, got {size}",
                fewest=FEWEST,
                most=MOST,
                size=self.size,
            )

    def draw(self, seed: int, preprocess: Preprocess, classes: int) -> tuple[Tensor, Tensor]:
        """Images (size, 3, side, side) as the network receives them, and targets (size,)."""
        generator = torch.Generator().manual_seed(seed)
        side = preprocess.crop
        x = torch.randn(self.size, 3, side, side, generator=generator)
        targets = torch.randint(classes, (self.size,), generator=generator)
        if self.source == "photos":
            x = torch.stack([preprocess(_square(i, generator)) for i in range(self.size)])
        return x, targets


def _square(index: int, generator: torch.Generator) -> Image.Image:
    """A random square, from half to all of the shorter side, of one of the sample photos."""
    photo = _photo(index % len(samples.SAMPLES))
    share, left, top = torch.rand(3, generator=generator).tolist()
    side = round(min(photo.size) * (0.5 + share / 2))
    x = round(left * (photo.width - side))
    y = round(top * (photo.height - side))
    return photo.crop((x, y, x + side, y + side))


@functools.cache
def _photo(index: int) -> Image.Image:
    return decode(samples.read(samples.SAMPLES[index].key)).image
