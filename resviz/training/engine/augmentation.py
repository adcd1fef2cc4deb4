"""Augmentation of whole batches of uint8 images in memory; no worker processes, no copies.

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
EPOCH_STRIDE = 1_000_003  # a prime: no two pairs of seed and epoch share a generator
LARGEST_ASPECT = 4 / 3


class Batches:
    """Augmented, normalised batches of one training set, in an order of seed and epoch only.

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
        self.images, self.targets = padded.to(self.place), targets.to(self.place)
        self.mean, self.std = mean.to(self.place), std.to(self.place)
        generator = torch.Generator().manual_seed(config.seed)
        self.flipped_first = torch.rand(len(images), generator=generator) < 0.5
        # that of the epoch that goes on; a checkpoint keeps its state
        self.generator = generator

    def __len__(self) -> int:
        return max(1, len(self.targets) // self.config.batch_size)

    @property
    def size(self) -> int:
        """Images of each batch, over all processes."""
        return min(self.config.batch_size, len(self.targets))

    def epoch(
        self, epoch: int, first: int = 0, drawn: Tensor | None = None
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield the batches of an epoch; the incomplete last one is left out.

        Each is a pair of images, float (B, 3, side, side), and targets (B,), B this process's share
        of `size`. `first`: the batch to go on with, where the generator's state was `drawn`.
        """
        seed = self.config.seed * EPOCH_STRIDE + epoch
        self.generator = torch.Generator().manual_seed(seed)
        order = torch.randperm(len(self.targets), generator=self.generator)
        # the order is drawn anew, and only then the state of a checkpoint is put back: the order
        # itself need not be kept
        if drawn is not None:
            self.generator.set_state(drawn)
        for batch in order.split(self.config.batch_size)[first : len(self)]:
            share = self.group.share(len(batch))
            mine = moved(batch[share], self.place)
            yield self._augmented(batch, mine, epoch), self.targets[mine]

    def _augmented(self, batch: Tensor, mine: Tensor, epoch: int) -> Tensor:
        """Augment the images `mine`: this process's share of `batch`, all of which is drawn."""
        if self.config.augmentation == "none":
            return self.normalised(self.images[mine])
        flip = self.flipped_first[batch] ^ bool(epoch % 2)
        if self.config.augmentation == "crop":
            return self._cropped(batch, flip)
        return self._resized(mine, flip, self.config.train_side(epoch))

    def _cropped(self, batch: Tensor, flip: Tensor) -> Tensor:
        share = self.group.share(len(batch))
        crops = random_crop(self.images, batch, self.pad, self.generator, share)
        images = self.normalised(crops)
        is_flipped = moved(flip[share], self.place)[:, None, None, None]
        return torch.where(is_flipped, images.flip(3), images)

    def _resized(self, mine: Tensor, flip: Tensor, side: int) -> Tensor:
        share = self.group.share(len(flip))
        grid = resized_crop_grid(flip, side, self.config.smallest_crop, self.generator, share)
        return F.grid_sample(
            self.normalised(self.images[mine]),
            moved(grid, self.place),
            mode="bilinear",
            padding_mode="reflection",
            align_corners=False,
        )

    def normalised(self, images: Tensor) -> Tensor:
        """Turn uint8 images into floats: the training set's mean becomes 0 and its std 1."""
        return normalised(images, (self.mean, self.std))


def normalised(images: Tensor, statistics: tuple[Tensor, Tensor]) -> Tensor:
    """Turn uint8 (N, 3, H, W) into floats, by mean and std of each channel on the scale 0 to 1."""
    mean, std = (values[:, None, None] for values in statistics)
    return (images.float() / 255 - mean) / std


def random_crop(
    padded: Tensor, index: Tensor, pad: int, generator: torch.Generator, share: slice = ALL
) -> Tensor:
    """Cut each of the images `index` at its own place out of its padded picture.

    Places are drawn for all of them, and the images of `share` returned.
    """
    side = padded.shape[-1] - 2 * pad
    # a view of all windows, (N, 3, 2 pad + 1, 2 pad + 1, side, side): only the cuts are copied
    windows = padded.unfold(2, side, 1).unfold(3, side, 1)
    corners = torch.randint(2 * pad + 1, (2, len(index)), generator=generator)
    places = torch.stack([index, *corners])[:, share]
    which, top, left = moved(places, padded.device.type)
    return windows[which, :, top, left]


def resized_crop_grid(
    flip: Tensor, side: int, smallest: float, generator: torch.Generator, share: slice = ALL
) -> Tensor:
    """Draw random crops as a sampling grid (B, side, side, 2).

    Their area is from `smallest` to 1, their aspect from 3/4 to 4/3.

    All crops are drawn, and the grids of `share` returned.
    """
    draws = torch.rand(4, len(flip), generator=generator)
    theta = _crop_matrices(flip, draws, smallest)[share]
    return F.affine_grid(theta, [len(theta), 3, side, side], align_corners=False)


def _crop_matrices(flip: Tensor, draws: Tensor, smallest: float) -> Tensor:
    """Affine matrices (B, 2, 3) of the crops.

    `draws`: numbers (4, B) from 0 to 1 for area, aspect, place across and place down.
    """
    area, aspect, across, down = draws
    area = smallest + (1 - smallest) * area
    # even in the logarithm: 3/4 is as likely as 4/3
    ratio = torch.exp((2 * aspect - 1) * math.log(LARGEST_ASPECT))
    width = (area * ratio).sqrt().clamp(max=1)
    height = (area / ratio).sqrt().clamp(max=1)
    theta = torch.zeros(len(flip), 2, 3)
    theta[:, 0, 0] = torch.where(flip, -width, width)
    theta[:, 1, 1] = height
    theta[:, 0, 2] = (2 * across - 1) * (1 - width)
    theta[:, 1, 2] = (2 * down - 1) * (1 - height)
    return theta
