"""Which axes of a layer's output are the map: the one answer for all probes that look at maps.

Most networks give channels x height x width. Swin and ConvNeXt work with the channels last. A map
has the proportions of the image, and that tells the two apart.
"""

from collections.abc import Sequence
from math import log

from torch import Tensor, nn

from resviz.errors import ProbeError, Sentence
from resviz.models.architectures.blocks import Block

_CONVOLUTIONS = nn.Conv1d | nn.Conv2d | nn.Conv3d
# Rounding in strides and padding to whole windows may change the proportions by so much (e-fold).
_ROUNDING = 0.35


def has_channels_last(shape: Sequence[int], sides: Sequence[int]) -> bool:
    """Whether a map of this shape, three numbers, has its channels at the end.

    `sides` are height and width of the image.

    Example:
        >>> has_channels_last((768, 7, 7), (224, 224)), has_channels_last((7, 7, 768), (224, 224))
        (False, True)
    """
    first, second, third = (max(1, length) for length in shape)
    if third == 1:
        return False  # a single channel at the end: rather a map that was pooled along one side
    as_first = _distortion((second, third), sides)
    as_last = _distortion((first, second), sides)
    return as_last < as_first and as_last < _ROUNDING


def cells(shape: Sequence[int], sides: Sequence[int]) -> int:
    """How many cells a map of this shape has."""
    first, second, third = shape
    return first * second if has_channels_last(shape, sides) else second * third


def map_of(model: nn.Module, layer: str, output: object, sides: Sequence[int]) -> Tensor:
    """The map of one image as 1 x channels x height x width, a view where the channels come last.

    `sides` are height and width of the image. Raises what `check_spatial` raises.
    """
    tensor = check_spatial(model, layer, output)
    if has_channels_last(tensor.shape[1:], sides):
        return tensor.permute(0, 3, 1, 2)
    return tensor


def check_spatial(model: nn.Module, layer: str, output: object) -> Tensor:
    """`output`, if it has the four dimensions of one image's map; else raises `ProbeError`."""
    if isinstance(output, Tensor) and output.ndim == 4 and output.shape[0] == 1:
        return output
    reason = Sentence("it gives no tensor")
    if isinstance(output, Tensor):
        reason = Sentence("its shape is {shape}", shape=" x ".join(map(str, output.shape[1:])))
    raise ProbeError(
        "{layer} has no spatial output ({reason}); choose a convolution or a block{example}",
        layer=layer,
        reason=reason,
        example=_example(model),
    )


def _distortion(cells: Sequence[int], sides: Sequence[int]) -> float:
    """How far two sides are from the image's proportions: the logarithm of the factor between."""
    (height, width), (rows, columns) = sides, cells
    return abs(log(rows / height) - log(columns / width))


def _example(model: nn.Module) -> Sentence:
    """A layer to choose: the last of our blocks, else the last convolution."""
    named = [(name, module) for name, module in model.named_modules() if name]
    blocks = [name for name, module in named if isinstance(module, Block)]
    convolutions = [name for name, module in named if isinstance(module, _CONVOLUTIONS)]
    if not blocks and not convolutions:
        return Sentence("")
    return Sentence(" such as {name}", name=(blocks or convolutions)[-1])
