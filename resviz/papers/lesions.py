"""Veit et al. 2016: a residual network without one of its blocks."""

from resviz.errors import Sentence
from resviz.papers.card import Card, Numbers, Paper, Rule

PAPER = Paper(
    authors="Veit, Wilber and Belongie",
    year=2016,
    title="Residual Networks Behave Like Ensembles of Relatively Shallow Networks",
    arxiv="1605.06431",
)
CHANCE = 10.0  # percent, of ten digits

CLAIM = Sentence(
    "A residual network hardly notices when one of its blocks is removed; a network without "
    "shortcuts falls to chance."
)

SCALE = Sentence(
    "Twenty layers on digits of 8 x 8 pixels, 360 test images; the paper takes 110 layers on "
    "CIFAR-10, and VGG. The plain network falls even below chance, which is 10%: without a block "
    "its answers are not random but systematically wrong."
)


def holds(numbers: Numbers) -> bool:
    """Whether the residual network loses less than two points and the plain one sinks to chance."""
    by_network = {network: measured for (network, _), measured in numbers.items()}
    whole, without_one = by_network["resnet20-digits"]
    _, plain_without_one = by_network["plain20-digits"]
    return whole - without_one < 2 and plain_without_one < CHANCE + 5


CARD = Card(
    key="lesions",
    paper=PAPER,
    section="section 4.1",
    claim=CLAIM,
    published=(),
    measured="lesions",
    run="lesions",
    scale=SCALE,
    rule=Rule(
        condition=Sentence(
            "In the median over the removed blocks, the residual network loses less than 2 points "
            "and the plain one has at most 5 points more than chance."
        ),
        holds=holds,
        same_setting=False,
    ),
    names={
        "one block out": lambda network: Sentence(
            "{network}, whole and with one block removed (median)", network=network
        ),
    },
    pairs={},
)
