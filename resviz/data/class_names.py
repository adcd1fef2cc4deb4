"""Names of classes in English and Chinese: the thousand of ImageNet, and the ten of CIFAR-10.

Imagenette's ten are among the thousand. `assets/imagenet_classes.tsv` has a class a line: its
English name as the published weights have it, a tab, its Chinese name.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

LANGUAGES = ("en", "zh")
CIFAR10 = MappingProxyType(
    {
        "airplane": "飞机",
        "automobile": "汽车",
        "bird": "鸟",
        "cat": "猫",
        "deer": "鹿",
        "dog": "狗",
        "frog": "青蛙",
        "horse": "马",
        "ship": "船",
        "truck": "卡车",
    }
)
_FILE = Path(__file__).parent / "assets" / "imagenet_classes.tsv"


@cache
def imagenet(language: str = "en") -> tuple[str, ...]:
    """Name the 1,000 classes of ILSVRC 2012 in the order of the published weights.

    Args:
        language: one of `LANGUAGES`.
    """
    column = LANGUAGES.index(language)
    lines = _FILE.read_text(encoding="utf-8").splitlines()
    return tuple(line.split("\t")[column] for line in lines)


def translated(label: str, language: str) -> str:
    """Give a class its name in a language; a name that is in none of our lists stays as it is."""
    return label if language == "en" else _chinese().get(label, label)


@cache
def _chinese() -> Mapping[str, str]:
    # CIFAR's names are plainer words; none of them is an ImageNet name with another meaning
    pairs = zip(imagenet("en"), imagenet("zh"), strict=True)
    return MappingProxyType({**dict(pairs), **CIFAR10})
