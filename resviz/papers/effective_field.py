"""Luo et al. 2016: how the effective receptive field grows with depth and changes in training."""

from resviz.errors import Sentence
from resviz.papers.card import Card, Numbers, Paper, Row, Rule

PAPER = Paper(
    authors="Luo, Li, Urtasun and Zemel",
    year=2016,
    title="Understanding the Effective Receptive Field in Deep Convolutional Neural Networks",
    arxiv="1701.04128",
)

PUBLISHED_GROWTH = (
    Row(Sentence("exponent of the depth in the size"), (0.5,), ""),
    Row(Sentence("exponent of the depth in the share of the theoretical field"), (-0.5,), ""),
)

GROWTH_SCALE = Sentence(
    "Random weights, four depths, three seeds, eight inputs of noise; the size is the width of a "
    "fitted Gaussian. The share compares sides: that of a square as large as the area that holds "
    "95% of the gradient energy, and that of the theoretical field."
)

TRAINING_SCALE = Sentence(
    "ResNet-20 on CIFAR-10 photos of 32 pixels, 64 test images: training makes the field smaller "
    "at each depth. The paper's own network for CIFAR-10 is a ResNet on 32 pixels as well, but "
    "without downsampling; ours halves the picture twice. At layer3.2 the picture itself bounds "
    "the field."
)


def grows_as_published(numbers: Numbers) -> bool:
    """Whether both exponents lie within 0.06 of theirs, and shortcuts make the field smaller."""
    by_what = {what: measured for (_, what), measured in numbers.items()}
    plain, residual = by_what["shortcuts"]
    exponents = (*by_what["growth"], *by_what["share"])
    published = (row.numbers[0] for row in PUBLISHED_GROWTH)
    near = all(abs(a - b) < 0.06 for a, b in zip(exponents, published, strict=True))
    return near and residual < plain


def grows_by_training(numbers: Numbers) -> bool:
    """Whether the field of the trained network is larger at each depth."""
    return all(after > before for before, after in numbers.values())


GROWTH = Card(
    key="effective-growth",
    paper=PAPER,
    section="sections 2 and 3",
    claim=Sentence(
        "The effective field is a Gaussian that grows with the square root of the depth, and so "
        "shrinks as a share of the theoretical one; shortcuts make it smaller."
    ),
    published=PUBLISHED_GROWTH,
    measured="effective-growth",
    run="effective",
    scale=GROWTH_SCALE,
    rule=Rule(
        condition=Sentence(
            "Both exponents lie within 0.06 of the published ones, and the residual network's "
            "field is smaller than that of its plain twin."
        ),
        holds=grows_as_published,
        same_setting=True,
    ),
    names={
        "growth": lambda network: Sentence(
            "{network}, exponent of the depth in the size", network=network
        ),
        "share": lambda network: Sentence(
            "{network}, exponent of the depth in the share", network=network
        ),
        "shortcuts": lambda network: Sentence("{network}, untrained, at layer2.2", network=network),
    },
    pairs={
        "shortcuts": lambda plain, residual: Sentence(
            "{plain} plain, {residual} residual", plain=plain, residual=residual
        ),
    },
)

TRAINING = Card(
    key="effective-training",
    paper=PAPER,
    section="section 3",
    claim=Sentence("Training makes the effective field larger."),
    published=(),
    measured="effective-training",
    run="effective",
    scale=TRAINING_SCALE,
    rule=Rule(
        condition=Sentence("The field is larger after training at each of the three depths."),
        holds=grows_by_training,
        same_setting=False,
    ),
    names={
        "training": lambda network: Sentence("{network}, untrained and trained", network=network),
    },
    pairs={},
)
