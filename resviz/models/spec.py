"""`ModelSpec`: everything that defines a network, as one frozen value.

A spec is written in a name as well: `residual-56?norm=none&init=torch&seed=3` (see
`ModelSpec.parse`).
"""

from dataclasses import asdict, dataclass, fields
from urllib.parse import parse_qsl, urlencode

from resviz.errors import SpecError
from resviz.models import rules
from resviz.models.choices import (
    ACTIVATIONS,
    FAMILIES,
    FOUR_STAGES,
    IMAGENET_STAGES,
    INITS,
    MAX_WEIGHTS,
    NORMS,
    NUMBERS,
    SHORTCUTS,
    WITHOUT_NORM,
)
from resviz.models.size import kernel_weights, size_in_bytes

__all__ = [
    "ACTIVATIONS",
    "FAMILIES",
    "IMAGENET_STAGES",
    "INITS",
    "MAX_WEIGHTS",
    "NORMS",
    "SHORTCUTS",
    "WITHOUT_NORM",
    "ModelSpec",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """A residual network or its plain twin.

    `stem="cifar"`: a 3x3 convolution and three stages, depth 6n + 2 (He et al. 2015 section 4.2),
    9n + 2 with bottlenecks. `stem="imagenet"`: a 7x7 convolution of stride 2, max pooling and four
    stages (Table 1). `stem="small"`: those four stages behind a 3x3 convolution of stride 1, as
    most train a ResNet-18 on CIFAR-10. The empty string and zero stand for what is usual with the
    stem; the finished spec never holds them, but for an empty head.
    """

    family: str = "residual"
    depth: int = 20
    stem: str = "cifar"
    block: str = ""  # cifar: basic; four stages: as Table 1 has it for the depth
    shortcut: str = ""  # options A, B, C of He et al. 2015 section 4.1; cifar: A, else B
    width: int = 0  # channels of the first stage; cifar: 16, four stages: 64
    groups: int = 1  # groups of the 3x3 convolution in a bottleneck (ResNeXt: 32)
    # its channels per group where width is 64 (ResNeXt 32x4d: 4, Wide ResNet: 128)
    width_per_group: int = 64
    norm: str = ""  # batch, or none in a family that is made to do without
    activation: str = "relu"
    stride_in_1x1: int = 0  # 1: a bottleneck strides in its first 1x1, as He et al. have it
    dilation: int = 1  # of the last stage, in place of strides: 2 in one stage, 4 in two
    channels: int = 3  # of the picture
    head: str = ""  # widths of hidden layers, such as 512 or 512,256; none: no classifier
    init: str = "he"
    classes: int = 10
    seed: int = 0

    def __post_init__(self) -> None:
        rules.check_kind(self)
        self._fill_usual()
        rules.check(self)

    @property
    def kernel_weights(self) -> int:
        """Weights of the convolutions in stem and branches, most of what a network consists of."""
        return kernel_weights(self)

    @property
    def size_in_bytes(self) -> int:
        """Memory of all parameters and buffers in float32, without building the network."""
        return size_in_bytes(self)

    @property
    def stages(self) -> tuple[int, ...]:
        """Blocks per stage."""
        if self.stem in FOUR_STAGES:
            return IMAGENET_STAGES[self.depth][1]
        return ((self.depth - 2) // (3 * self.layers_per_block),) * 3

    @property
    def layers_per_block(self) -> int:
        """Convolutions on the branch of one block."""
        return 2 if self.block == "basic" else 3

    @property
    def expansion(self) -> int:
        """Output channels of a block over those of its 3x3 convolution."""
        return 1 if self.block == "basic" else 4

    @property
    def features(self) -> int:
        """Channels of the last stage, which the head receives."""
        return self.width * self.expansion << (len(self.stages) - 1)

    @property
    def head_widths(self) -> tuple[int, ...]:
        """Outputs of each layer of the head; empty where there is no head."""
        if self.head == "none":
            return ()
        hidden = [int(width) for width in self.head.split(",") if width]
        return (*hidden, self.classes)

    @classmethod
    def parse(cls, text: str) -> "ModelSpec":
        """Read `FAMILY-DEPTH?option=value&...`, the inverse of `str(spec)`; raises `SpecError`."""
        name, _, query = text.partition("?")
        family, dash, depth = name.rpartition("-")
        if not dash:
            raise SpecError(
                "a new network is named FAMILY-DEPTH, such as residual-56, got {text!r}", text=text
            )
        options = dict(parse_qsl(query, keep_blank_values=True))
        rules.check_options(options, OPTIONS)
        return cls.from_dict({"family": family, "depth": depth, **options})

    @classmethod
    def from_dict(cls, values: dict[str, object]) -> "ModelSpec":
        """Build from plain values, of which numbers may be text; raises `SpecError`."""
        rules.check_options(values, OPTIONS | {"family", "depth"})
        typed = {
            name: _whole(name, value) if name in NUMBERS else str(value)
            for name, value in values.items()
        }
        return cls(**typed)  # type: ignore[arg-type]

    def as_dict(self) -> dict[str, str | int]:
        """Plain values, as stored beside weights."""
        return asdict(self)

    def __str__(self) -> str:
        values = self.as_dict()
        if self._is_usual_depth():
            usual = ModelSpec(family=self.family, depth=self.depth, stem=self.stem).as_dict()
            values = {name: value for name, value in values.items() if value != usual[name]}
        query = {name: value for name, value in values.items() if name in OPTIONS}
        if self.stem != "cifar":
            query = {"stem": self.stem, **query}
        return f"{self.family}-{self.depth}" + (f"?{urlencode(query, safe=',')}" if query else "")

    def _is_usual_depth(self) -> bool:
        return self.stem in FOUR_STAGES or (self.depth - 2) % 6 == 0

    def _fill_usual(self) -> None:
        cifar = self.stem == "cifar"
        self._fill("block", "basic" if cifar else IMAGENET_STAGES[self.depth][0])
        self._fill("shortcut", "A" if cifar else "B")
        self._fill("width", 16 if cifar else 64)
        self._fill("norm", "none" if self.family in WITHOUT_NORM else "batch")

    def _fill(self, name: str, value: str | int) -> None:
        if not getattr(self, name):
            object.__setattr__(self, name, value)


OPTIONS = frozenset(field.name for field in fields(ModelSpec)) - {"family", "depth"}


def _whole(name: str, value: object) -> int:
    try:
        return int(str(value))
    except ValueError:
        raise SpecError(
            "{name} must be a whole number, got {value!r}", name=name, value=value
        ) from None
