"""`ModelSpec`: everything that defines a network, as one frozen value.

A spec is written in a name as well: `residual-56?norm=none&init=torch&seed=3` (see
`ModelSpec.parse`).
"""

from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass, fields
from urllib.parse import parse_qsl, urlencode

from resviz.errors import SpecError

# name -> the block's class in blocks.py: a new family is one class there and one line here
FAMILIES = {
    "plain": "Plain",
    "residual": "Residual",
    "preactivation": "Preactivation",
    "weighted": "Weighted",
    "scaled": "Scaled",
    "gated": "Gated",
    "rezero": "ReZero",
    "fixup": "Fixup",
}
WITHOUT_NORM = ("fixup",)  # families made to do without normalisation
STEMS = ("cifar", "imagenet")
BLOCKS = ("basic", "bottleneck")
SHORTCUTS = ("A", "B", "C")
NORMS = ("batch", "group", "none")
ACTIVATIONS = {  # name -> the class in torch.nn
    "relu": "ReLU",
    "leaky_relu": "LeakyReLU",
    "elu": "ELU",
    "gelu": "GELU",
    "silu": "SiLU",
    "tanh": "Tanh",
}
INITS = ("he", "he-in", "torch", "zero-gamma")

# He et al. 2015, Table 1: blocks per stage of the ImageNet networks, and their block.
IMAGENET_STAGES = {
    18: ("basic", (2, 2, 2, 2)),
    34: ("basic", (3, 4, 6, 3)),
    50: ("bottleneck", (3, 4, 6, 3)),
    101: ("bottleneck", (3, 4, 23, 3)),
    152: ("bottleneck", (3, 8, 36, 3)),
}
MAX_CIFAR_DEPTH = 1202
MAX_WEIGHTS = 500_000_000  # 2 GB in float32


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """A residual network or its plain twin.

    `stem="cifar"`: a 3x3 convolution and three stages, depth 6n + 2 (He et al. 2015 section 4.2),
    9n + 2 with bottlenecks. `stem="imagenet"`: a 7x7 convolution of stride 2, max pooling and four
    stages (Table 1). The empty string and zero stand for what is usual with the stem; the finished
    spec never holds them.
    """

    family: str = "residual"
    depth: int = 20
    stem: str = "cifar"
    block: str = ""  # cifar: basic; imagenet: as Table 1 has it for the depth
    shortcut: str = ""  # options A, B, C of He et al. 2015 section 4.1; cifar: A, imagenet: B
    width: int = 0  # channels of the first stage; cifar: 16, imagenet: 64
    groups: int = 1  # groups of the 3x3 convolution in a bottleneck (ResNeXt: 32)
    width_per_group: int = (
        64  # its channels per group where width is 64 (ResNeXt 32x4d: 4, Wide ResNet: 128)
    )
    norm: str = ""  # batch, or none in a family that is made to do without
    activation: str = "relu"
    init: str = "he"
    classes: int = 10
    seed: int = 0

    def __post_init__(self) -> None:
        self._check_choice("family", FAMILIES)
        self._check_choice("stem", STEMS)
        self._check_depth_of_imagenet()
        self._fill("block", "basic" if self.stem == "cifar" else IMAGENET_STAGES[self.depth][0])
        self._fill("shortcut", "A" if self.stem == "cifar" else "B")
        self._fill("width", 16 if self.stem == "cifar" else 64)
        self._fill("norm", "none" if self.family in WITHOUT_NORM else "batch")
        for name, choices in _CHOICES.items():
            self._check_choice(name, choices)
        for name, (low, high) in _RANGES.items():
            self._check_range(name, low, high)
        self._check_block()
        if self.kernel_weights > MAX_WEIGHTS:
            raise SpecError(
                "this network would have {weights:,.0f} million weights, the limit is {limit} million: "
                "choose a smaller width or depth",
                weights=self.kernel_weights / 1e6,
                limit=MAX_WEIGHTS // 10**6,
            )

    @property
    def kernel_weights(self) -> int:
        """Weights of the convolutions in stem and branches, without projections: what a network mostly consists of."""
        kernel = 7 if self.stem == "imagenet" else 3
        total, before = 3 * kernel**2 * self.width, self.width
        for i, blocks in enumerate(self.stages):
            planes = self.width * 2**i
            after, inner = (
                planes * self.expansion,
                int(planes * (self.width_per_group / 64)) * self.groups,
            )
            if self.block == "basic":
                first, others = 9 * planes * (before + planes), 18 * planes**2
            else:
                middle = 9 * inner**2 // self.groups + inner * after
                first, others = before * inner + middle, after * inner + middle
            total += first + (blocks - 1) * others
            before = after
        return total

    @property
    def stages(self) -> tuple[int, ...]:
        """Blocks per stage."""
        if self.stem == "imagenet":
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
        unknown = sorted(set(options) - _OPTIONS)
        if unknown:
            raise SpecError(
                "unknown option {unknown!r}: choose from {options}",
                unknown=unknown[0],
                options=", ".join(sorted(_OPTIONS)),
            )
        return cls.from_dict({"family": family, "depth": depth, **options})

    @classmethod
    def from_dict(cls, values: dict[str, object]) -> "ModelSpec":
        """Build from plain values; numbers may be text. Raises `SpecError` on one that is not a number."""
        return cls(**{k: _whole(k, v) if k in _NUMBERS else str(v) for k, v in values.items()})  # type: ignore[arg-type]

    def as_dict(self) -> dict[str, str | int]:
        """Plain values, as stored beside weights."""
        return asdict(self)

    def __str__(self) -> str:
        usual = (
            ModelSpec(family=self.family, depth=self.depth, stem=self.stem)
            if self._is_usual_depth()
            else None
        )
        differ = {
            k: v for k, v in self.as_dict().items() if usual is None or v != getattr(usual, k)
        }
        query = {k: v for k, v in differ.items() if k in _OPTIONS}
        if self.stem != "cifar":
            query = {"stem": self.stem, **query}
        return f"{self.family}-{self.depth}" + (f"?{urlencode(query)}" if query else "")

    def _is_usual_depth(self) -> bool:
        return self.stem == "imagenet" or (self.depth - 2) % 6 == 0

    def _fill(self, name: str, value: str | int) -> None:
        if not getattr(self, name):
            object.__setattr__(self, name, value)

    def _check_choice(self, name: str, choices: Collection[str]) -> None:
        value = getattr(self, name)
        if value not in choices:
            raise SpecError(
                "{name} must be one of {choices}, got {value!r}",
                name=name,
                choices=_listed(choices),
                value=value,
            )

    def _check_range(self, name: str, low: int, high: int) -> None:
        value = getattr(self, name)
        if not low <= value <= high:
            raise SpecError(
                "{name} must be from {low} to {high}, got {value}",
                name=name,
                low=low,
                high=high,
                value=value,
            )

    def _check_depth_of_imagenet(self) -> None:
        if self.stem == "imagenet" and self.depth not in IMAGENET_STAGES:
            raise SpecError(
                "depth must be one of {choices} with the imagenet stem, got {depth}",
                choices=_listed(IMAGENET_STAGES),
                depth=self.depth,
            )

    def _check_block(self) -> None:
        if self.stem == "imagenet" and self.block != IMAGENET_STAGES[self.depth][0]:
            raise SpecError(
                "depth {depth} has {known} blocks, got {block!r}",
                depth=self.depth,
                known=IMAGENET_STAGES[self.depth][0],
                block=self.block,
            )
        n = 3 * self.layers_per_block
        if self.stem == "cifar" and (self.depth < n + 2 or (self.depth - 2) % n):
            raise SpecError(
                "depth must be {n}n + 2 with n >= 1 for {block} blocks, got {depth}",
                n=n,
                block=self.block,
                depth=self.depth,
            )
        if self.family in WITHOUT_NORM and self.norm != "none":
            raise SpecError(
                "{family} is made to do without normalisation: leave norm out, got {norm!r}",
                family=self.family,
                norm=self.norm,
            )
        if self.block == "basic" and (self.groups != 1 or self.width_per_group != 64):
            raise SpecError(
                "groups and width_per_group need bottleneck blocks; leave them out or set block=bottleneck"
            )


def _whole(name: str, value: object) -> int:
    try:
        return int(str(value))
    except ValueError:
        raise SpecError(
            "{name} must be a whole number, got {value!r}", name=name, value=value
        ) from None


def _listed(values: Iterable[object]) -> str:
    return ", ".join(str(value) for value in values)


_CHOICES: dict[str, Collection[str]] = {
    "block": BLOCKS,
    "shortcut": SHORTCUTS,
    "norm": NORMS,
    "activation": ACTIVATIONS,
    "init": INITS,
}
_RANGES = {
    "depth": (8, MAX_CIFAR_DEPTH),
    "width": (1, 1024),
    "groups": (1, 1024),
    "width_per_group": (1, 1024),
    "classes": (1, 100_000),
    "seed": (0, 2**63 - 1),
}
_NUMBERS = frozenset(_RANGES)
_OPTIONS = frozenset(field.name for field in fields(ModelSpec)) - {"family", "depth"}
