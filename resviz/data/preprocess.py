"""From a picture to what a network receives: scale the shorter side, cut out the centre, normalise.

Equal to the evaluation transforms of torchvision's weights on PIL images, bit for bit, without
importing torchvision.
"""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True, slots=True)
class Preprocess:
    """`resize`: the shorter side in pixels; `crop`: side of the square cut out of the middle."""

    resize: int = 256
    crop: int = 224
    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD
    interpolation: str = "bilinear"

    def __call__(self, image: Image.Image) -> Tensor:
        """Tensor (3, crop, crop) of an RGB picture."""
        return self.tensor(self.view(image))

    def tensor(self, view: Image.Image) -> Tensor:
        """Tensor (3, crop, crop) of what `view` has made."""
        pixels = torch.from_numpy(np.array(view)).permute(2, 0, 1).contiguous()
        return self.normalise(pixels)

    def normalise(self, pixels: Tensor) -> Tensor:
        """Views as uint8, (3, H, W) or (N, 3, H, W), to floats: x = (pixel / 255 - mean) / std.

        A network of one channel gets the luminance. One of two gets a zero beside it, one of four
        and more the colours and zeros: what a channel has on average, once it is normalised.
        """
        colours = pixels if len(self.mean) > 2 else _luminance(pixels)
        filled = colours.shape[-3]
        x = (colours.float().div(255) - _column(self.mean[:filled])) / _column(self.std[:filled])
        return F.pad(x, (0, 0, 0, 0, 0, len(self.mean) - filled)) if len(self.mean) > filled else x

    def view(self, image: Image.Image) -> Image.Image:
        """The picture as the network receives it, before normalisation: `crop` x `crop` RGB."""
        width, height = self.scaled_size(image.size)
        resample = Image.Resampling[self.interpolation.upper()]
        scaled = image if image.size == (width, height) else image.resize((width, height), resample)
        left, top = _offset(width, self.crop), _offset(height, self.crop)
        return scaled.crop((left, top, left + self.crop, top + self.crop))

    def scaled_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """Width and height after scaling, the longer side rounded down as torchvision does."""
        width, height = size
        if width <= height:
            return self.resize, int(self.resize * height / width)
        return int(self.resize * width / height), self.resize

    def box(self, size: tuple[int, int]) -> tuple[float, float, float, float]:
        """Left, top, right, bottom of what the network sees, in pixels of the original picture."""
        width, height = self.scaled_size(size)
        fx, fy = size[0] / width, size[1] / height
        left, top = _offset(width, self.crop), _offset(height, self.crop)
        return left * fx, top * fy, (left + self.crop) * fx, (top + self.crop) * fy


def _offset(length: int, crop: int) -> int:
    return round((length - crop) / 2.0)


def _luminance(pixels: Tensor) -> Tensor:
    """Grey of colours by ITU-R BT.601, in Pillow's whole numbers: (..., 3, H, W) to 1 channel."""
    red, green, blue = pixels.int().unbind(-3)
    grey = (19_595 * red + 38_470 * green + 7_471 * blue + 0x8000) >> 16
    return grey.unsqueeze(-3)


def _column(values: tuple[float, ...]) -> Tensor:
    return torch.tensor(values)[:, None, None]
