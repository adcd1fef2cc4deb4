"""Gradient norms over many seeds: one number says little about a random network, mean and deviation more.

A seed draws the weights of a `new/...` network and the batch: so a plain network and its residual
twin start from the same numbers and see the same images. Networks with weights of their own differ
by the batch alone.
"""

import functools
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float64
from PIL import Image
from torch import Tensor

from resviz.data import samples
from resviz.data.images import decode
from resviz.data.preprocess import Preprocess
from resviz.errors import ProbeError
from resviz.models import zoo
from resviz.models.spec import ModelSpec
from resviz.probes.gradient_flow.norms import Gradients, gradients
from resviz.progress import Progress

LEVEL, MUCH = (
    10.0,
    1000.0,
)  # within a factor of 10 a gradient stays level, beyond 1000 it explodes or vanishes
SOURCES = ("noise", "photos")


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """The images that a loss is computed for; their targets are drawn at random.

    `noise`: independent normal numbers, as normalised pixels are in mean and deviation. `photos`:
    random squares of the bundled sample photos.
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
        if not 2 <= self.size <= 1024:
            raise ProbeError("a batch has from 2 to 1024 images, got {size}", size=self.size)

    def draw(self, seed: int, preprocess: Preprocess, classes: int) -> tuple[Tensor, Tensor]:
        """Images (size, 3, side, side) as the network receives them, and targets (size,)."""
        generator = torch.Generator().manual_seed(seed)
        side = preprocess.crop
        x = torch.randn(self.size, 3, side, side, generator=generator)
        targets = torch.randint(classes, (self.size,), generator=generator)
        if self.source == "photos":
            x = torch.stack([preprocess(_square(i, generator)) for i in range(self.size)])
        return x, targets


def measure(
    name: str,
    seed: int,
    batch: Batch,
    double: bool = False,
    progress: Progress | None = None,
    details: bool = True,
) -> Gradients:
    """Gradient norms of the model of that name for one seed; raises what `zoo.load` and `gradients` raise."""
    loaded = zoo.load(seeded(name, seed))
    x, targets = batch.draw(seed, loaded.preprocess, len(loaded.labels))
    return gradients(loaded.model, x, targets, double=double, details=details, progress=progress)


def seeded(name: str, seed: int) -> str:
    """The name of a network with its own seed moved on by `seed`; names of stored weights stay."""
    if not name.startswith("new/"):
        return name
    spec = ModelSpec.parse(name.removeprefix("new/"))
    return f"new/{replace(spec, seed=spec.seed + seed)}"


@dataclass(frozen=True, slots=True)
class Profile:
    """One network's gradients over seeds. Values are (seeds, layers) or (seeds, blocks)."""

    model: str
    seeds: tuple[Gradients, ...]

    def __post_init__(self) -> None:
        if not self.seeds:
            raise ProbeError("gradients are measured for at least one seed")

    @property
    def layers(self) -> tuple[str, ...]:
        return self.seeds[0].layers

    @property
    def blocks(self) -> tuple[str, ...]:
        return self.seeds[0].blocks

    @property
    def precisions(self) -> tuple[str, ...]:
        """What the numbers were computed in, each once."""
        return tuple(sorted({found.precision for found in self.seeds}))

    def values(self, quantity: str) -> Float64[np.ndarray, "seeds places"]:
        """`weight_gradient` and `relative` by layer, `block_gradient` and `deviation` by block."""
        return np.stack([getattr(found, quantity) for found in self.seeds])

    def places(self, quantity: str) -> tuple[str, ...]:
        """Names of the layers or blocks that `values` stands for."""
        return self.layers if quantity in ("weight_gradient", "relative") else self.blocks

    def depth(self, quantity: str) -> Float64[np.ndarray, " places"]:
        """How many weighted layers have run at each place."""
        if self.places(quantity) is self.layers:
            return np.arange(1, len(self.layers) + 1, dtype=float)
        return self.seeds[0].depth.astype(float)

    def mean(self, quantity: str) -> Float64[np.ndarray, " places"]:
        return np.asarray(self.values(quantity).mean(0))

    def std(self, quantity: str) -> Float64[np.ndarray, " places"]:
        """Over the seeds, with n - 1; 0 for one seed."""
        values = self.values(quantity)
        return np.asarray(values.std(0, ddof=1)) if len(values) > 1 else np.zeros(values.shape[1])

    def ratio(self, quantity: str = "weight_gradient") -> float:
        """The mean at the first place over that at the last, NaN for 0 / 0; of layers the last is a convolution."""
        mean = self.mean(quantity)
        last = mean[self.seeds[0].last_convolution if self.places(quantity) is self.layers else -1]
        with np.errstate(divide="ignore", invalid="ignore"):
            return float(mean[0] / last)

    def ratios(self, quantity: str = "weight_gradient") -> tuple[float, ...]:
        """The same ratio for each seed."""
        return tuple(Profile(self.model, (found,)).ratio(quantity) for found in self.seeds)

    def share_shortcut(self, way: str) -> Float64[np.ndarray, "seeds blocks"]:
        """Through the shortcut of each residual block: of the gradient (`backward`) or of the signal (`forward`)."""
        return np.stack([getattr(found, way).share_shortcut for found in self.seeds])


def verdict(ratio: float) -> str:
    """What first over last means on the way back: explodes, grows, level, shrinks or vanishes towards the input."""
    bounds = (("explodes", MUCH), ("grows", LEVEL), ("level", 1 / LEVEL), ("shrinks", 1 / MUCH))
    if not ratio >= 0:
        return "undefined"
    return next((word for word, least in bounds if ratio >= least), "vanishes")


def _square(index: int, generator: torch.Generator) -> Image.Image:
    """A random square, from half to all of the shorter side, of one of the sample photos."""
    photo = _photo(index % len(samples.SAMPLES))
    share, left, top = torch.rand(3, generator=generator).tolist()
    side = round(min(photo.size) * (0.5 + share / 2))
    x, y = (round(at * (length - side)) for at, length in zip((left, top), photo.size, strict=True))
    return photo.crop((x, y, x + side, y + side))


@functools.cache
def _photo(index: int) -> Image.Image:
    return decode(samples.read(samples.SAMPLES[index].key)).image
