"""Names of classes: the thousand of ImageNet, as one file of ours, an English and a Chinese name a line."""

from functools import cache
from pathlib import Path

_FILE = Path(__file__).parent / "assets" / "imagenet_classes.tsv"


@cache
def imagenet(language: str = "en") -> tuple[str, ...]:
    """Name the 1,000 classes of ILSVRC 2012 in the order of the published weights.

    Args:
        language: `en` or `zh`.
    """
    column = {"en": 0, "zh": 1}[language]
    lines = _FILE.read_text(encoding="utf-8").splitlines()
    return tuple(line.split("\t")[column] for line in lines)
