"""Which network is this? From the names and shapes of weights to the values of a `ModelSpec`.

Names are torchvision's, as `networks.pick` gives them.
"""

import math
import re
from collections.abc import Iterable, Mapping

from resviz.errors import CheckpointError, Sentence
from resviz.models.choices import IMAGENET_STAGES

Shapes = Mapping[str, tuple[int, ...]]

TWIN = Sentence(
    "A plain network has the same parameters as a residual one without projections: taken for "
    "residual; ?family=plain opens it as plain."
)
GROUPS = Sentence(
    "The file has no running statistics, so its normalisation is taken for GroupNorm with 16 "
    "channels a group; if it is BatchNorm saved without them, add ?norm=batch."
)
STRIDES = Sentence(
    "Strides, pooling, dilation and activation are not in the weights: taken as in torchvision's "
    "ResNet. If it was trained otherwise, add ?dilation=2 or ?activation=...; anti-aliased "
    "networks cannot be opened."
)
BOTTLENECK_STRIDES = Sentence(
    "Strides, pooling, dilation and activation are not in the weights: taken as in torchvision's "
    "ResNet. If it was trained otherwise, add ?stride_in_1x1=1, ?dilation=2 or ?activation=...; "
    "anti-aliased networks cannot be opened."
)


def spec_values(
    shapes: Shapes, head: str = ""
) -> tuple[dict[str, str | int], tuple[Sentence, ...]]:
    """Values for `ModelSpec.from_dict`, and notes on what weights do not tell.

    Raises `CheckpointError` with the reason why no network has these shapes.
    """
    width, channels, kernel, _ = _shape(shapes, "conv1.weight", 4)
    blocks = _blocks(shapes)
    stem = _stem(kernel, blocks)
    block = "bottleneck" if "layer1.0.conv3.weight" in shapes else "basic"
    values: dict[str, str | int] = {
        "family": "residual",
        "depth": _depth(stem, block, blocks),
        "stem": stem,
        "block": block,
        "shortcut": _shortcut(shapes),
        "width": width,
        "channels": channels,
        "norm": _norm(shapes),
        "head": head,
        "classes": _classes(shapes, head, width * 2 ** (len(blocks) - 1)),
    }
    if block == "bottleneck":
        values |= _cardinality(shapes, width)
    notes = [(TWIN, values["shortcut"] == "A"), (GROUPS, values["norm"] == "group")]
    return values, tuple(note for note, applies in notes if applies)


def _shape(shapes: Shapes, name: str, dimensions: int) -> tuple[int, ...]:
    shape = shapes.get(name, ())
    if len(shape) != dimensions or not all(shape):
        if name in shapes:
            raise CheckpointError("{name} is of shape {shape}", name=name, shape=listed(shape))
        raise CheckpointError("{name} is missing among {count} names", name=name, count=len(shapes))
    return shape


def _blocks(shapes: Shapes) -> tuple[int, ...]:
    """Blocks per stage: layer1.0, layer1.1, ... are counted as far as they go without a gap."""
    matches = [re.match(r"layer(\d{1,2})\.(\d{1,3})\.", name) for name in shapes]
    places = {(int(m[1]), int(m[2])) for m in matches if m}
    stages = len({stage for stage, _ in places})
    return tuple(sum(s == stage for s, _ in places) for stage in range(1, stages + 1))


def _stem(kernel: int, blocks: tuple[int, ...]) -> str:
    """A 3x3 convolution stands before three stages (CIFAR) or four (as most train on CIFAR)."""
    if kernel == 3:
        return "small" if len(blocks) == 4 else "cifar"
    return "imagenet" if kernel == 7 else ""


def _depth(stem: str, block: str, blocks: tuple[int, ...]) -> int:
    """He et al. 2015: Table 1 for four stages; 6n + 2 or 9n + 2 for three."""
    depth = sum(blocks) * (2 if block == "basic" else 3) + 2
    if stem in ("imagenet", "small") and IMAGENET_STAGES.get(depth) == (block, blocks):
        return depth
    if stem == "cifar" and len(blocks) == 3 and len(set(blocks)) == 1:
        return depth
    stems = {"imagenet": Sentence("a 7x7"), "cifar": Sentence("a 3x3"), "small": Sentence("a 3x3")}
    raise CheckpointError(
        "{blocks} {block} blocks stand behind {kind} first convolution",
        blocks=listed(blocks) or Sentence("no"),
        block=block,
        kind=stems.get(stem, Sentence("an unusual")),
    )


def _norm(shapes: Shapes) -> str:
    if "bn1.running_mean" in shapes:
        return "batch"
    return "group" if "bn1.weight" in shapes else "none"


def _classes(shapes: Shapes, head: str, planes: int) -> int:
    """Outputs of the last layer; the features themselves where there is no head."""
    if head == "none":
        return planes * (4 if "layer1.0.conv3.weight" in shapes else 1)
    hidden = len(head.split(",")) if head else 0
    return _shape(shapes, f"fc.{2 * hidden}.weight" if hidden else "fc.weight", 2)[0]


def _shortcut(shapes: Shapes) -> str:
    """A has no weights, B has them where a stage begins and the shape changes, C everywhere."""
    projected = {name.split(".downsample.")[0] for name in shapes if ".downsample." in name}
    if not projected:
        return "A"
    first = "layer1.0"
    inner = shapes.get(f"{first}.conv1.weight", (0, 0))
    changes = f"{first}.conv3.weight" in shapes or inner[0] != inner[1]
    inside = any(not block.endswith(".0") for block in projected)
    return "C" if inside or (first in projected and not changes) else "B"


def _cardinality(shapes: Shapes, width: int) -> dict[str, str | int]:
    """Groups and width per group of the 3x3 convolutions, read where they are widest."""
    stages = [int(m[1]) for name in shapes if (m := re.match(r"layer(\d{1,2})\.", name))]
    inner, per_group, _, _ = _shape(shapes, f"layer{max(stages)}.0.conv2.weight", 4)
    groups = max(1, inner // per_group)
    planes = width * 2 ** (max(stages) - 1)
    return {"groups": groups, "width_per_group": math.ceil(inner / groups * 64 / planes)}


def listed(shape: Iterable[int]) -> str:
    """A shape as a person writes it: 64x3x7x7."""
    return "x".join(map(str, shape))
