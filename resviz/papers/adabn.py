"""Li et al. 2016: BatchNorm's statistics measured again on images of another kind (AdaBN)."""

from resviz.errors import Sentence
from resviz.papers.card import Card, Numbers, Paper, Rule

PAPER = Paper(
    authors="Li, Wang, Shi, Liu and Hou",
    year=2016,
    title="Revisiting Batch Normalization For Practical Domain Adaptation",
    arxiv="1603.04779",
)

CLAIM = Sentence(
    "Measuring BatchNorm's statistics again on images of the new kind, without their labels, is "
    "enough to raise the accuracy on them."
)

SCALE = Sentence(
    "Two small networks and four corruptions at medium strength; 1,000 test images each, with "
    "statistics from 1,000 others, so that a number is good to about 1.5 points. Blur hardly harms "
    "resnet20-cifar10: there is nothing to win, and new statistics cost about two points, as they "
    "do on clean images. Negatives harm much and gain little or nothing. A likely reason, which we "
    "have not tested: they turn the signs of the content, not only its statistics."
)


def holds(numbers: Numbers) -> bool:
    """Whether accuracy rises by more than two points in most cases, and falls far in none."""
    gains = [after - before for (_, what), (before, after) in numbers.items() if what != "clean"]
    rising = sum(gain > 2 for gain in gains)
    return rising > len(gains) / 2 and min(gains) > -3


CARD = Card(
    key="adabn",
    paper=PAPER,
    section="Algorithm 1",
    claim=CLAIM,
    published=(),
    measured="adabn",
    run="adabn",
    scale=SCALE,
    rule=Rule(
        condition=Sentence(
            "Accuracy rises by more than 2 points on most corrupted sets and falls by 3 on none."
        ),
        holds=holds,
        same_setting=False,
    ),
    names={
        "clean": lambda network: Sentence("{network}, clean images", network=network),
        "blur": lambda network: Sentence("{network}, blur", network=network),
        "noise": lambda network: Sentence("{network}, noise", network=network),
        "contrast": lambda network: Sentence("{network}, low contrast", network=network),
        "negative": lambda network: Sentence("{network}, negative", network=network),
    },
    pairs={},
)
