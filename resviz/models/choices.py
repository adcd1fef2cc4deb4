"""What a network may be made of: the values that the fields of a `ModelSpec` may have."""

from collections.abc import Collection

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
STEMS = ("cifar", "imagenet", "small")
FOUR_STAGES = ("imagenet", "small")  # stems before the four stages of He et al. 2015, Table 1
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
DILATIONS = (1, 2, 4)

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

CHOICES: dict[str, Collection[str | int]] = {
    "block": BLOCKS,
    "shortcut": SHORTCUTS,
    "norm": NORMS,
    "activation": ACTIVATIONS,
    "init": INITS,
    "stride_in_1x1": (0, 1),
    "dilation": DILATIONS,
}
RANGES = {
    "depth": (8, MAX_CIFAR_DEPTH),
    "width": (1, 1024),
    "groups": (1, 1024),
    "width_per_group": (1, 1024),
    "channels": (1, 64),
    "classes": (1, 100_000),
    "seed": (0, 2**63 - 1),
}
NUMBERS = frozenset(RANGES) | {"stride_in_1x1", "dilation"}
HEAD_WIDTH = 16_384  # the most that a hidden layer of the head may have
