"""What a paper card consists of: a citation, a claim, published and measured numbers, and a rule.

A card is data. Published numbers stand in the file of their paper, each with the place where it can
be read; ours lie in `assets/measured.json`. Neither is ever shown as the other, and the verdict is
not written down: `Card.verdict` applies the rule to what was measured.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from resviz.errors import DataError, Sentence

REPRODUCED = "reproduced"
DIRECTION = "same direction at a smaller scale"
MISSED = "not reproduced"
VERDICTS = (REPRODUCED, DIRECTION, MISSED)

RowName = Callable[[str], Sentence]  # the network -> what the row is called
Numbers = Mapping[tuple[str, str], tuple[float, ...]]  # (network, what) -> what was measured


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """A citation; `arxiv` is the number of the preprint."""

    authors: str
    year: int
    title: str
    arxiv: str


@dataclass(frozen=True, slots=True)
class Row:
    """A quantity with one number, or with two: before and after, or as `pair` words them."""

    name: Sentence
    numbers: tuple[float, ...]
    unit: str
    pair: Callable[[str, str], Sentence] | None = None

    @property
    def text(self) -> str:
        """The numbers as they are stored, percentages with one decimal."""
        unit = self.unit if self.unit == "%" else f" {self.unit}".rstrip()
        numbers = [self._written(number) for number in self.numbers]
        if self.pair:
            return self.pair(*(number + unit for number in numbers))
        return " → ".join(numbers) + unit

    def _written(self, number: float) -> str:
        return f"{number:.1f}" if self.unit == "%" else str(number)


@dataclass(frozen=True, slots=True)
class Measured:
    """Our numbers, the day (ISO 8601), the versions of the software and the command to repeat."""

    date: str
    command: str
    versions: dict[str, str]
    rows: tuple[Row, ...]
    numbers: Numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How a verdict follows from the numbers.

    Where the claim does not hold it is "not reproduced"; where it holds it is "reproduced" in the
    setting of the paper, and "same direction" in a smaller one.
    """

    condition: Sentence  # what `holds` asks, for a reader
    holds: Callable[[Numbers], bool]
    same_setting: bool

    def verdict(self, numbers: Numbers) -> str:
        """One of `VERDICTS`."""
        if not self.holds(numbers):
            return MISSED
        return REPRODUCED if self.same_setting else DIRECTION


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One claim of one paper. Without `published` rows the claim stands in words alone.

    `measured` names our numbers in `measured.json`, `run` the benchmark that writes them; `scale`
    says, in whole sentences, at which scale they were taken.
    """

    key: str
    paper: Paper
    section: str
    claim: Sentence
    published: tuple[Row, ...]
    measured: str
    run: str
    scale: Sentence
    rule: Rule
    names: Mapping[str, RowName]  # of our rows, by their key `what`
    pairs: Mapping[
        str, Callable[[str, str], Sentence]
    ]  # where two numbers are not before and after

    @property
    def ours(self) -> Measured:
        """What we measured; raises `DataError` where nobody has yet."""
        stored = stored_numbers(self.measured)
        return Measured(
            date=stored["date"],
            command=stored["command"],
            versions=stored["versions"],
            rows=tuple(self._row(row) for row in stored["rows"]),
            numbers={
                (row["network"], row["what"]): tuple(row["numbers"]) for row in stored["rows"]
            },
        )

    @property
    def verdict(self) -> str:
        """What the rule makes of our numbers, one of `VERDICTS`."""
        return self.rule.verdict(self.ours.numbers)

    def _row(self, row: Mapping[str, Any]) -> Row:
        name = self.names[row["what"]](row["network"])
        return Row(name, tuple(row["numbers"]), row["unit"], self.pairs.get(row["what"]))


def stored_numbers(key: str) -> dict[str, Any]:
    """What `measured.json` holds under a key; raises `DataError` where nothing was measured."""
    stored = _measured_file()
    if key not in stored:
        raise DataError(
            "{key} has not been measured yet; run python -m benchmarks.papers {key}.", key=key
        )
    return stored[key]


@cache
def _measured_file() -> dict[str, dict[str, Any]]:
    text = (resources.files("resviz.data") / "assets" / "measured.json").read_text()
    content: dict[str, dict[str, Any]] = json.loads(text)
    return content
