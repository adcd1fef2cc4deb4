"""Paper cards: what was published, and what resviz measured of the same claim.

Published numbers stand here, each with the place where it can be read; ours come from
`assets/measured.json`, which `python -m benchmarks.papers` writes. Neither is ever shown as the
other.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from resviz.errors import DataError, Sentence

REPRODUCED, DIRECTION, MISSED = "reproduced", "same direction at a smaller scale", "not reproduced"
VERDICTS = (REPRODUCED, DIRECTION, MISSED)


@dataclass(frozen=True, slots=True)
class Row:
    """A quantity with one number, or with two: before and after something was done, or what `pair` makes of them."""

    name: Sentence
    numbers: tuple[float, ...]
    unit: str
    pair: Callable[[str, str], Sentence] | None = None

    @property
    def text(self) -> str:
        """The numbers as they are stored (percentages with one decimal), an arrow between before and after."""
        unit = self.unit if self.unit == "%" else f" {self.unit}".rstrip()
        numbers = [f"{number:.1f}" if self.unit == "%" else str(number) for number in self.numbers]
        return (
            self.pair(*(number + unit for number in numbers))
            if self.pair
            else " → ".join(numbers) + unit
        )


@dataclass(frozen=True, slots=True)
class Measured:
    """Our numbers, the day (ISO 8601), the versions they were measured with, and the command that does it again."""

    date: str
    command: str
    versions: dict[str, str]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One claim of one paper. Without `published` rows the claim stands in words alone.

    `measured` names our numbers in `measured.json`; `scale` says, in whole sentences, at which
    scale they were taken.
    """

    key: str
    authors: str
    year: int
    title: str
    arxiv: str
    section: str
    claim: Sentence
    published: tuple[Row, ...]
    measured: str
    scale: Sentence
    verdict: str  # one of VERDICTS

    @property
    def ours(self) -> Measured:
        """What we measured; raises `DataError` where nobody has yet."""
        return measured(self.measured)


# what a row of `measured.json` is called, by its key `what`
NAMES: Mapping[str, Callable[[str], Sentence]] = {
    "clean": lambda network: Sentence("{network}, unharmed", network=network),
    "blur": lambda network: Sentence("{network}, blurred", network=network),
    "noise": lambda network: Sentence("{network}, noise", network=network),
    "contrast": lambda network: Sentence("{network}, weak contrast", network=network),
    "negative": lambda network: Sentence("{network}, negative", network=network),
    "one block out": lambda network: Sentence(
        "{network}, whole and with one block out (median)", network=network
    ),
    "growth": lambda network: Sentence(
        "{network}, exponent of the depth in the size", network=network
    ),
    "share": lambda network: Sentence(
        "{network}, exponent of the depth in the share", network=network
    ),
    "shortcuts": lambda network: Sentence("{network}, untrained, at layer2.2", network=network),
    "training": lambda network: Sentence("{network}, untrained and trained", network=network),
    "mean error": lambda network: Sentence("{network}, mean error over the four", network=network),
}
# how two numbers are told that are not before and after, by the same key
PAIRS: Mapping[str, Callable[[str, str], Sentence]] = {
    "shortcuts": lambda plain, residual: Sentence(
        "{plain} plain, {residual} residual", plain=plain, residual=residual
    ),
}
CARDS = (
    Card(
        key="adabn",
        authors="Li, Wang, Shi, Liu and Hou",
        year=2016,
        title="Revisiting Batch Normalization For Practical Domain Adaptation",
        arxiv="1603.04779",
        section="Algorithm 1",
        claim=Sentence(
            "Measuring BatchNorm's statistics again on images of the new kind, without their labels, is enough to "
            "raise the accuracy on them."
        ),
        published=(),
        measured="adabn",
        scale=Sentence(
            "Two small networks and four corruptions at medium strength; 1,000 test images each and statistics from "
            "1,000 others, so that a number is good to about 1.5 points. Blur hardly harms resnet20-cifar10: there is "
            "nothing to win, and new statistics cost about two points, as on unharmed images. Negatives harm much and "
            "gain little or nothing. A likely reason, which we have not tested: they turn the signs of the content, "
            "not only its statistics."
        ),
        verdict=DIRECTION,
    ),
    Card(
        key="corruptions",
        authors="Schneider, Rusak, Eck, Bringmann, Brendel and Bethge",
        year=2020,
        title="Improving robustness against common corruptions by covariate shift adaptation",
        arxiv="2006.16971",
        section="abstract",
        claim=Sentence(
            "Networks err less on corrupted images with the statistics of those images in place of the stored ones."
        ),
        # in the abstract as mCE, an error relative to AlexNet's, over 15 corruptions of 5 strengths
        published=(
            Row(Sentence("ResNet-50 on ImageNet-C, mean corruption error"), (76.7, 62.2), "%"),
        ),
        measured="corruptions",
        scale=Sentence(
            "Two small networks, 1,000 test images each and statistics from 1,000 others; four corruptions at medium "
            "strength instead of fifteen at five strengths, and plain errors, not relative to AlexNet's."
        ),
        verdict=DIRECTION,
    ),
    Card(
        key="effective-growth",
        authors="Luo, Li, Urtasun and Zemel",
        year=2016,
        title="Understanding the Effective Receptive Field in Deep Convolutional Neural Networks",
        arxiv="1701.04128",
        section="sections 2 and 3",
        claim=Sentence(
            "The effective field is a Gaussian that grows with the square root of the depth, and so shrinks as a "
            "share of the theoretical one; shortcuts make it smaller."
        ),
        published=(
            Row(Sentence("exponent of the depth in the size"), (0.5,), ""),
            Row(
                Sentence("exponent of the depth in the share of the theoretical field"), (-0.5,), ""
            ),
        ),
        measured="effective-growth",
        scale=Sentence(
            "Random weights, four depths, three seeds, eight inputs of noise; the size is the fitted Gaussian's width. "
            "The share compares sides: of a square as large as the area that holds 95% of what moves the unit, and of "
            "the theoretical field."
        ),
        verdict=REPRODUCED,
    ),
    Card(
        key="effective-training",
        authors="Luo, Li, Urtasun and Zemel",
        year=2016,
        title="Understanding the Effective Receptive Field in Deep Convolutional Neural Networks",
        arxiv="1701.04128",
        section="section 3",
        claim=Sentence("Training makes the effective field larger."),
        published=(),
        measured="effective-training",
        scale=Sentence(
            "One network on CIFAR-10 photos of 32 pixels, 64 test images: here training makes it smaller at each "
            "depth. The paper looks at other networks, one of them on far larger photos."
        ),
        verdict=MISSED,
    ),
    Card(
        key="lesions",
        authors="Veit, Wilber and Belongie",
        year=2016,
        title="Residual Networks Behave Like Ensembles of Relatively Shallow Networks",
        arxiv="1605.06431",
        section="section 4.1",
        claim=Sentence(
            "A residual network hardly notices when one of its blocks is taken out; a network without shortcuts falls "
            "to chance."
        ),
        published=(),
        measured="lesions",
        scale=Sentence(
            "Twenty layers on digits of 8 x 8 pixels, 360 test images; the paper takes 110 layers on CIFAR-10, and VGG."
        ),
        verdict=DIRECTION,
    ),
)


def card(key: str) -> Card:
    """The card of that key; raises `DataError` naming those there are."""
    found = {card.key: card for card in CARDS}
    if key not in found:
        raise DataError(
            "There is no paper card {key!r}; choose from {keys}.", key=key, keys=", ".join(found)
        )
    return found[key]


@cache
def measured(key: str) -> Measured:
    """Our numbers of that key; raises `DataError` where they have not been measured."""
    stored = json.loads((resources.files("resviz.data") / "assets" / "measured.json").read_text())
    if key not in stored:
        raise DataError(
            "{key} has not been measured yet; run python -m benchmarks.papers {key}.", key=key
        )
    told = stored[key]
    rows = tuple(
        Row(
            NAMES[row["what"]](row["network"]),
            tuple(row["numbers"]),
            row["unit"],
            PAIRS.get(row["what"]),
        )
        for row in told["rows"]
    )
    return Measured(told["date"], told["command"], told["versions"], rows)
