"""What the pinned packages pull in, with the versions of this environment.

After the requirements have changed: `python -m tests.constraints > constraints.txt`.
"""

from collections.abc import Iterable
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
REQUIREMENTS = ("requirements.txt", "requirements-dev.txt")
HEADER = """\
# What the pinned packages pull in, so that `make app` installs the same next year. Made, not
# written, in an environment of `make test`: python -m tests.constraints > constraints.txt
"""


def pins(name: str) -> dict[str, str]:
    """The packages of one file, with their versions."""
    lines = (line.split("#")[0].strip() for line in (ROOT / name).read_text().splitlines())
    pairs = (line.split("==") for line in lines if line and not line.startswith("-r "))
    return {canonicalize_name(package): version for package, version in pairs}


def pulled_in() -> dict[str, str]:
    """Everything that the requirements need and do not name themselves."""
    named = {package for name in REQUIREMENTS for package in pins(name)}
    needed: dict[tuple[str, ...], str] = {}
    for package in sorted(named):
        follow(package, (), needed)
    return {name: version for (name, *_), version in needed.items() if name not in named}


def follow(package: str, extras: Iterable[str], needed: dict[tuple[str, ...], str]) -> None:
    """Add what `package` needs on this system, and what that needs."""
    for requirement in map(Requirement, distribution(package).requires or ()):
        key = (canonicalize_name(requirement.name), *sorted(requirement.extras))
        if key in needed or not _holds(requirement, extras):
            continue
        needed[key] = distribution(requirement.name).version
        follow(requirement.name, requirement.extras, needed)


def _holds(requirement: Requirement, extras: Iterable[str]) -> bool:
    if requirement.marker is None:
        return True
    return any(requirement.marker.evaluate({"extra": extra}) for extra in ("", *extras))


def text() -> str:
    lines = (f"{name}=={version}\n" for name, version in sorted(pulled_in().items()))
    return HEADER + "".join(lines)


if __name__ == "__main__":
    print(text(), end="")
