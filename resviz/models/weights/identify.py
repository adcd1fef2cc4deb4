"""Which network is this? From the names and shapes of weights to the values of a `ModelSpec`.

Names follow torchvision. CIFAR repositories differ in a few; `usual_names` turns theirs into these.
"""

import math
import re
from collections.abc import Iterable, Mapping

from torch import Tensor

from resviz.errors import CheckpointError, Sentence
from resviz.models.spec import IMAGENET_STAGES

Shapes = Mapping[str, tuple[int, ...]]

PREFIXES = ("module.", "_orig_mod.", "model.")  # DataParallel, torch.compile, a wrapping module
RENAMES = ((r"^linear\.", "fc."), (r"\.shortcut\.(\d)", r".downsample.\1"))
COUNTERS = (
    "num_batches_tracked",
    "total_ops",
    "total_params",
)  # no weights: BatchNorm's and the profiler thop's

TWIN = Sentence(
    "A plain network has the same weights as a residual one without projections: taken for residual."
)
GROUPS = Sentence(
    "The number of groups of its normalisation is not in the file: taken for 16 channels each."
)


def usual_names(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same tensors under torchvision's names."""
    names = {name: name for name in tensors}
    for prefix in PREFIXES * 2:  # they nest
        if all(new.startswith(prefix) for new in names.values()):
            names = {old: new.removeprefix(prefix) for old, new in names.items()}
    for pattern, replacement in RENAMES:
        names = {old: re.sub(pattern, replacement, new) for old, new in names.items()}
    return {names[old]: t for old, t in tensors.items()}


def spec_values(shapes: Shapes) -> tuple[dict[str, str | int], tuple[Sentence, ...]]:
    """Values for `ModelSpec.from_dict`, and notes on what the weights do not tell; raises `CheckpointError`."""
    width, _, kernel, _ = _shape(shapes, "conv1.weight", 4)
    stem = {7: "imagenet", 3: "cifar"}.get(kernel)
    block = "bottleneck" if "layer1.0.conv3.weight" in shapes else "basic"
    values: dict[str, str | int] = {
        "family": "residual",
        "depth": _depth(stem, block, _blocks(shapes)),
        "stem": stem or "",
        "block": block,
        "shortcut": _shortcut(shapes),
        "width": width,
        "norm": _norm(shapes),
        "classes": _shape(shapes, "fc.weight", 2)[0],
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
    found = {
        tuple(map(int, m.groups()))
        for name in shapes
        if (m := re.match(r"layer(\d{1,2})\.(\d{1,3})\.", name))
    }
    stages = len({stage for stage, _ in found})
    return tuple(sum(s == stage for s, _ in found) for stage in range(1, stages + 1))


def _depth(stem: str | None, block: str, blocks: tuple[int, ...]) -> int:
    """He et al. 2015: Table 1 for the imagenet stem; 6n + 2 or 9n + 2 for the cifar stem."""
    depth = sum(blocks) * (2 if block == "basic" else 3) + 2
    if stem == "imagenet" and IMAGENET_STAGES.get(depth) == (block, blocks):
        return depth
    if stem == "cifar" and len(blocks) == 3 and len(set(blocks)) == 1:
        return depth
    kind = {"imagenet": Sentence("a 7x7"), "cifar": Sentence("a 3x3")}.get(
        stem or "", Sentence("an unusual")
    )
    raise CheckpointError(
        "{blocks} {block} blocks stand behind {kind} first convolution",
        blocks=listed(blocks) or Sentence("no"),
        block=block,
        kind=kind,
    )


def _norm(shapes: Shapes) -> str:
    if "bn1.running_mean" in shapes:
        return "batch"
    return "group" if "bn1.weight" in shapes else "none"


def _shortcut(shapes: Shapes) -> str:
    """A has no weights, B has them where a stage begins and the shape changes, C everywhere."""
    projected = {name.split(".downsample.")[0] for name in shapes if ".downsample." in name}
    if not projected:
        return "A"
    first = "layer1.0"
    inner = shapes.get(f"{first}.conv1.weight", (0, 0))
    changes = f"{first}.conv3.weight" in shapes or inner[0] != inner[1]
    beyond = any(not block.endswith(".0") for block in projected) or (
        first in projected and not changes
    )
    return "C" if beyond else "B"


def _cardinality(shapes: Shapes, width: int) -> dict[str, str | int]:
    """Groups and width per group of the 3x3 convolutions, read where they are widest, in the last stage."""
    stage = max(int(m[1]) for name in shapes if (m := re.match(r"layer(\d{1,2})\.", name)))
    inner, per_group, _, _ = _shape(shapes, f"layer{stage}.0.conv2.weight", 4)
    groups = max(1, inner // per_group)
    planes = width * 2 ** (stage - 1)
    return {"groups": groups, "width_per_group": math.ceil(inner / groups * 64 / planes)}


def listed(shape: Iterable[int]) -> str:
    """A shape as a person writes it: 64x3x7x7."""
    return "x".join(map(str, shape))
