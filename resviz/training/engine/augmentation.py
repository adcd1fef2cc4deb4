"""Augmentation of whole batches of uint8 images that lie in memory; no worker processes, no copies of the set.

Where a GPU has room for the set it lies there, and only what is drawn travels. Everything is drawn
on the CPU and for whole batches, so that every device and every process of a group draws the same.

Flips alternate (Jordan 2024, airbench): each image is seen unflipped in one epoch and flipped in
the next.
"""

import math
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from resviz.device import fits, moved
from resviz.training.config import TrainConfig
from resviz.training.engine.distributed import ALONE, Group

ALL = slice(None)


class Batches:
    """Augmented, normalised batches of one training set, in an order that depends on seed and epoch only.

    `group`: the processes that share each batch. `device`: where the set lies if there is room,
    else on the CPU.
    """

    def __init__(
        self,
        images: Tensor,
        targets: Tensor,
        config: TrainConfig,
        mean: Tensor,
        std: Tensor,
        group: Group = ALONE,
        device: str = "cpu",
    ) -> None:
        self.config, self.group = config, group
        self.pad = config.side // 8 if config.augmentation == "crop" else 0
        padded = F.pad(images, (self.pad,) * 4)
        self.place = device if fits(padded.nbytes, device) else "cpu"
        self.images, self.targets, self.mean, self.std = (
            t.to(self.place) for t in (padded, targets, mean, std)
        )
        generator = torch.Generator().manual_seed(config.seed)
        self.flipped_first = torch.rand(len(images), generator=generator) < 0.5
        self.generator = (
            generator  # of the epoch that is going on; its state belongs into a checkpoint
        )

    def __len__(self) -> int:
        return max(1, len(self.targets) // self.config.batch_size)

    @property
    def size(self) -> int:
        """Images of each batch, over all processes."""
        return min(self.config.batch_size, len(self.targets))

    def epoch(
        self, epoch: int, first: int = 0, drawn: Tensor | None = None
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Pairs (images float (B, 3, side, side), targets (B,)), B this process's share of `size`; the incomplete last
        batch is left out.

        `first`: the batch to go on with, where the generator's state was `drawn`.
        """
        generator = self.generator = torch.Generator().manual_seed(
            self.config.seed * 1_000_003 + epoch
        )
        order = torch.randperm(len(self.targets), generator=generator)
        if drawn is not None:
            generator.set_state(drawn)
        side = self.config.train_side(epoch)
        for i in range(first, len(self)):
            index = order[i * self.config.batch_size : (i + 1) * self.config.batch_size]
            mine = moved(index[self.group.share(len(index))], self.place)
            yield self._augmented(index, mine, epoch, side, generator), self.targets[mine]

    def _augmented(
        self, index: Tensor, mine: Tensor, epoch: int, side: int, generator: torch.Generator
    ) -> Tensor:
        """The images `mine`: the share of this process in the batch `index`, all of which is drawn."""
        if self.config.augmentation == "none":
            return self.normalised(self.images[mine])
        share = self.group.share(len(index))
        flip = self.flipped_first[index] ^ bool(epoch % 2)
        if self.config.augmentation == "crop":
            images = self.normalised(random_crop(self.images, index, self.pad, generator, share))
            return torch.where(
                moved(flip[share], self.place)[:, None, None, None], images.flip(3), images
            )
        grid = resized_crop_grid(flip, side, self.config.smallest_crop, generator, share)
        images, grid = self.normalised(self.images[mine]), moved(grid, self.place)
        return F.grid_sample(
            images, grid, mode="bilinear", padding_mode="reflection", align_corners=False
        )

    def normalised(self, images: Tensor) -> Tensor:
        """uint8 -> float with the training set's mean 0 and deviation 1 per channel."""
        return normalised(images, (self.mean, self.std))


def normalised(images: Tensor, statistics: tuple[Tensor, Tensor]) -> Tensor:
    """uint8 (N, 3, H, W) -> float, by the mean and the standard deviation of each channel on the scale 0 to 1."""
    mean, std = (s[:, None, None] for s in statistics)
    return (images.float() / 255 - mean) / std


def random_crop(
    padded: Tensor, index: Tensor, pad: int, generator: torch.Generator, share: slice = ALL
) -> Tensor:
    """Images `index`, each cut at its own place out of its padded picture, by a view of all windows.

    Places are drawn for all of them, and the images of `share` returned.
    """
    side = padded.shape[-1] - 2 * pad
    windows = padded.unfold(2, side, 1).unfold(
        3, side, 1
    )  # (N, 3, 2 pad + 1, 2 pad + 1, side, side)
    corners = torch.randint(2 * pad + 1, (2, len(index)), generator=generator)
    which, top, left = moved(torch.stack([index, *corners])[:, share], padded.device.type)
    return windows[which, :, top, left]


def resized_crop_grid(
    flip: Tensor, side: int, smallest: float, generator: torch.Generator, share: slice = ALL
) -> Tensor:
    """Sampling grid (B, side, side, 2) of random crops: area from `smallest` to 1, aspect from 3/4 to 4/3.

    All crops are drawn, and the grids of `share` returned.
    """
    n = len(flip)
    area, aspect, across, down = torch.rand(4, n, generator=generator)
    area = smallest + (1 - smallest) * area
    ratio = torch.exp((2 * aspect - 1) * math.log(4 / 3))
    width, height = (area * ratio).sqrt().clamp(max=1), (area / ratio).sqrt().clamp(max=1)
    theta = torch.zeros(n, 2, 3)
    theta[:, 0, 0] = torch.where(flip, -width, width)
    theta[:, 1, 1] = height
    theta[:, 0, 2] = (2 * across - 1) * (1 - width)
    theta[:, 1, 2] = (2 * down - 1) * (1 - height)
    theta = theta[share]
    return F.affine_grid(theta, [len(theta), 3, side, side], align_corners=False)
