"""Schneider et al. 2020: the same remedy on common corruptions, counted as mean errors."""

from resviz.errors import Sentence
from resviz.papers.card import Card, Numbers, Paper, Row, Rule

PAPER = Paper(
    authors="Schneider, Rusak, Eck, Bringmann, Brendel and Bethge",
    year=2020,
    title="Improving robustness against common corruptions by covariate shift adaptation",
    arxiv="2006.16971",
)

CLAIM = Sentence(
    "Networks err less on corrupted images with the statistics of those images in place of the "
    "stored ones."
)

# In the abstract as mCE: an error relative to AlexNet's, over 15 corruptions of 5 strengths.
PUBLISHED = (Row(Sentence("ResNet-50 on ImageNet-C, mean corruption error"), (76.7, 62.2), "%"),)

SCALE = Sentence(
    "Two small networks, 1,000 test images each, with statistics from 1,000 others; four "
    "corruptions at medium strength instead of fifteen at five strengths, and plain errors, not "
    "errors relative to AlexNet's."
)


def holds(numbers: Numbers) -> bool:
    """Whether each network's mean error falls by more than five points."""
    return all(after < before - 5 for before, after in numbers.values())


CARD = Card(
    key="corruptions",
    paper=PAPER,
    section="abstract",
    claim=CLAIM,
    published=PUBLISHED,
    measured="corruptions",
    run="adabn",
    scale=SCALE,
    rule=Rule(
        condition=Sentence("The mean error of each network falls by more than 5 points."),
        holds=holds,
        same_setting=False,
    ),
    names={
        "mean error": lambda network: Sentence(
            "{network}, mean error over the four", network=network
        ),
    },
    pairs={},
)
