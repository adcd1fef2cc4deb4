"""Where a module may stand: layers outside, features inside, one name for a feature everywhere.

The order of the layers themselves is in `test_imports`. The modules that are shorter than the rule
are listed: a list that only becomes shorter, for an entry without a reason fails too.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.test_imports import imports

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "resviz"
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path.name != "__init__.py")
FEATURES = {
    "overview",
    "feature_maps",
    "attribution",
    "receptive_field",
    "gradient_flow",
    "batchnorm",
    "training",
}
COMING = {
    "architecture"
}  # features that are drawn on others' pages, and have none of their own yet
FLOORS = {"base", "services", "widgets", "shell", "core", "papers"}  # folders beside the features

# Inside ui an import goes down; what is in none of these is a feature, and on the top.
UI_FLOORS = ("base", "services", "widgets", "shell")
# What the features of a layer stand on.
SHARED = {
    "probes": {"core"},
    "figures": {"encoded", "html", "raster", "theme", "families", "log_axis"},
}

MOST_MODULES = 14
SHORTEST, LONGEST = 40, 250  # lines of a file
SAME_NAME = 0.95  # the share of modules whose test has their name

SHORT = {  # each is one thing that has no neighbour to live with
    "resviz/__main__.py",  # what `python -m resviz` runs
    "resviz/figures/batchnorm/frames.py",
    "resviz/figures/batchnorm/no_norm.py",
    "resviz/figures/families.py",
    "resviz/figures/log_axis.py",
    "resviz/figures/papers/card.py",
    "resviz/models/loaded.py",
    "resviz/papers/cards.py",
    "resviz/paths.py",
    "resviz/probes/core/clone.py",
    "resviz/progress.py",
    "resviz/training/runs/throughput.py",
    "resviz/ui/base/upload_quota.py",
    "resviz/ui/gradient_flow/sections.py",
    "resviz/ui/receptive_field/sections.py",
    "resviz/ui/services/architecture.py",
    "resviz/ui/services/network_names.py",
    "resviz/ui/services/subject.py",
    "resviz/ui/widgets/clickable.py",
    "resviz/ui/widgets/colour_scale.py",
    "resviz/ui/widgets/depth_by_step.py",
    "resviz/ui/widgets/evidence.py",
    "resviz/ui/widgets/linked_cursor.py",
}


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def dotted(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def upward(path: Path) -> Iterator[str]:
    """The imports of one file that run to a floor above, or aside to another feature."""
    module = dotted(path)
    for found in imports(path.read_text(), module, path.name == "__init__.py"):
        target = found.name.split(".")
        while len(target) > 3 and not (ROOT / Path(*target)).with_suffix(".py").exists():
            target = target[:-1]
        if runs_upward(module, ".".join(target)):
            yield f"{module} -> {'.'.join(target)}"


def runs_upward(module: str, target: str) -> bool:
    """
    >>> runs_upward("resviz.ui.widgets.chart", "resviz.ui.shell.sidebar")
    True
    >>> runs_upward("resviz.ui.shell.sidebar", "resviz.ui.widgets.chart")
    False
    >>> runs_upward("resviz.probes.batchnorm.modes", "resviz.probes.attribution.methods")
    True
    """
    here, there = module.split("."), target.split(".")
    same_layer = here[:2] == there[:2] and len(here) > 2 and len(there) > 2
    if not same_layer or here[2] == there[2]:
        return False
    if here[1] == "ui":
        return floor(there[2]) >= floor(here[2])
    return here[1] in SHARED and there[2] not in SHARED[here[1]]


def floor(part: str) -> int:
    return UI_FLOORS.index(part) if part in UI_FLOORS else len(UI_FLOORS)


@pytest.mark.parametrize("layer", ["probes", "figures", "ui"])
def test_inside_a_layer_imports_run_down_and_features_stay_apart(layer: str) -> None:
    files = sorted((PACKAGE / layer).rglob("*.py"))
    assert {line for path in files for line in upward(path)} == set()


@pytest.mark.parametrize("layer", ["probes", "ui"])
def test_no_module_lies_directly_in(layer: str) -> None:
    assert [path.name for path in (PACKAGE / layer).glob("*.py")] == ["__init__.py"]


def test_a_folder_can_be_taken_in_at_a_glance() -> None:
    folders = [path.parent for path in MODULES]
    crowded = {named(folder) for folder in folders if folders.count(folder) > MOST_MODULES}
    assert crowded == set()


def test_a_file_is_neither_a_scrap_nor_a_book() -> None:
    lines = {named(path): len(path.read_text().splitlines()) for path in MODULES}
    assert {name for name, count in lines.items() if count < SHORTEST} - SHORT == set()
    assert {name for name, count in lines.items() if count > LONGEST} == set()


def test_no_exception_is_stale() -> None:
    lines = {named(path): len(path.read_text().splitlines()) for path in MODULES}
    assert {name for name in SHORT if lines.get(name, LONGEST) >= SHORTEST} == set()


def test_a_test_has_the_name_of_its_module() -> None:
    untested = [path for path in MODULES if not its_test(path).exists()]
    share = 1 - len(untested) / len(MODULES)
    assert share >= SAME_NAME, "\n".join(f"{named(its_test(path))} is missing" for path in untested)


def its_test(path: Path) -> Path:
    inside = path.relative_to(PACKAGE)
    return ROOT / "tests" / inside.parent / f"test_{inside.name}"


def test_a_test_file_is_of_a_module_that_is_there() -> None:
    """Tests of whole pages (app), of the browser and of the project stand for themselves."""
    mirrored = [
        path for layer in ("data", "models", "probes", "figures") for path in named_tests(layer)
    ]
    lost = [named(path) for path in mirrored if not module_of(path).exists()]
    assert set(lost) - ABOUT_SEVERAL == set()


ABOUT_SEVERAL = {
    "tests/models/test_advice.py",
    "tests/data/test_formats.py",
    "tests/models/test_families.py",
    "tests/models/test_zoo_runs.py",
}


def named_tests(layer: str) -> list[Path]:
    return sorted((ROOT / "tests" / layer).rglob("test_*.py"))


def module_of(test: Path) -> Path:
    inside = test.relative_to(ROOT / "tests")
    return PACKAGE / inside.parent / inside.name.removeprefix("test_")


def test_a_feature_has_one_name_in_every_layer() -> None:
    pages = {path.stem for path in (ROOT / "pages").glob("*.py")}
    assert pages == FEATURES
    for layer in ("probes", "figures", "ui", "tests/probes", "tests/figures", "tests/ui"):
        top = ROOT / layer if layer.startswith("tests") else PACKAGE / layer
        folders = {path.parent.relative_to(top).parts[0] for path in top.glob("*/**/*.py")}
        assert folders - FEATURES - COMING - FLOORS == set(), layer
