"""Imports run one way, down the layers of the app.

    errors, device, files <- models, data <- probes, training <- papers, lessons
        <- figures <- ui <- pages <- app

`cli` stands beside `ui`: it draws with `figures`, without a screen. `papers` and `lessons` are
data: what they need of the layers above they name and do not import. The package itself, `import
resviz`, offers models, data and probes to others and loads them when they are asked for. Inside one
part imports are free.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
APP_FILES = sorted(
    [*ROOT.glob("resviz/**/*.py"), *ROOT.glob("pages/**/*.py"), *ROOT.glob("app.py")]
)

# part -> how far from the ground it stands; an import goes down
LEVELS = {
    "resviz.errors": 0,
    "resviz.device": 0,
    "resviz.files": 0,
    "resviz.paths": 0,
    "resviz.tables": 0,
    "resviz.progress": 0,
    "resviz.data.preprocess": 0,  # what a loaded model does to a picture
    "resviz.data.class_names": 0,
    "resviz.models": 1,
    "resviz.data": 1,
    "resviz.probes": 2,
    "resviz.training": 2,
    "resviz": 3,  # resviz/__init__.py, the public API
    "resviz.papers": 3,
    "resviz.lessons": 3,
    "resviz.figures": 4,
    "resviz.ui": 5,
    "resviz.cli": 5,
    "resviz.__main__": 6,
    "pages": 6,
    "app": 7,
}
# between two parts of one level nothing is imported, except these
SIDEWAYS = {("resviz.device", "resviz.errors"), ("resviz.training", "resviz.probes")}
# and these, where only a type checker looks
SIDEWAYS_TYPES = {("resviz.models", "resviz.data.images")}
# what a part may not import although it lies below
NOT_FOR = {("pages", "resviz.cli"), ("app", "resviz.cli"), ("resviz.__main__", "resviz.ui")}

ONLY_IN = {"streamlit": {"resviz.ui", "pages", "app"}, "plotly": {"resviz.figures"}}
WITHOUT_TORCH = {"resviz.figures", "pages", "app"}
BRINGS_TORCH = {"torch", "torchvision", "captum"}


@dataclass(frozen=True)
class Import:
    """One imported name, in full: `from resviz.data import images` is resviz.data.images."""

    name: str
    line: int
    typing: bool  # under `if TYPE_CHECKING:`
    lazy: bool  # inside a function


def imports(source: str, module: str, is_package: bool = False) -> Iterator[Import]:
    """Every import in `source`, wherever it stands."""
    package = module.split(".") if is_package else module.split(".")[:-1]
    yield from _walk(ast.parse(source), package, typing=False, lazy=False)


def _walk(node: ast.AST, package: list[str], typing: bool, lazy: bool) -> Iterator[Import]:
    for name in _names(node, package):
        yield Import(name, node.lineno, typing, lazy)
    checked = {id(child) for child in node.body} if _is_type_checking(node) else set()
    inner = lazy or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
    for child in ast.iter_child_nodes(node):
        yield from _walk(child, package, typing or id(child) in checked, inner)


def _names(node: ast.AST, package: list[str]) -> list[str]:
    match node:
        case ast.Import():
            return [alias.name for alias in node.names]
        case ast.ImportFrom(level=0):
            return [f"{node.module}.{alias.name}" for alias in node.names]
        case ast.ImportFrom():
            base = package[: len(package) - node.level + 1] + ([node.module] if node.module else [])
            return [".".join([*base, alias.name]) for alias in node.names]
        case ast.Call(
            func=ast.Name("import_module" | "__import__") | ast.Attribute(attr="import_module"),
            args=[ast.Constant(str(name)), *_],
        ):
            return [name]
    return []


def _is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) in {
        "TYPE_CHECKING",
        "typing.TYPE_CHECKING",
    }


def part_of(name: str) -> str | None:
    """The longest part that `name` lies in; None for other libraries."""
    parts = name.split(".")
    prefixes = (".".join(parts[:i]) for i in range(len(parts), 0, -1))
    return next((prefix for prefix in prefixes if prefix in LEVELS), None)


def violations(source: str, module: str, is_package: bool = False) -> list[str]:
    """One line for each import of `module` that runs up, or has no place there."""
    part = part_of(module)
    if part is None or (part == "resviz" and module != "resviz"):
        return [
            f"{module} has no place in the order of imports: give it one in {Path(__file__).name}"
        ]
    found = [(found.line, _objection(part, found)) for found in imports(source, module, is_package)]
    return [f"{module}:{line}: {objection}" for line, objection in found if objection]


def _objection(part: str, found: Import) -> str | None:
    library = found.name.split(".")[0]
    if library in ONLY_IN and part not in ONLY_IN[library]:
        return f"{library} belongs in {', '.join(sorted(ONLY_IN[library]))}, not in {part}"
    if library in BRINGS_TORCH and part in WITHOUT_TORCH and not found.typing:
        return f"{part} does without {library}"
    target = part_of(found.name)
    if target is None or target == part or found.name == "resviz.__version__":
        return None
    if not _allowed(part, target, found):
        return f"{part} may not import {found.name}"
    if part == "resviz" and target != "resviz.errors" and not (found.lazy or found.typing):
        return f"`import resviz` loads nothing: import {found.name} when it is asked for"
    return None


def _allowed(part: str, target: str, found: Import) -> bool:
    as_type = found.typing and any(
        part == a and f"{found.name}.".startswith(f"{b}.") for a, b in SIDEWAYS_TYPES
    )
    below = LEVELS[target] < LEVELS[part] and (part, target) not in NOT_FOR
    return below or as_type or (part, target) in SIDEWAYS


def _module(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@pytest.mark.parametrize("path", APP_FILES, ids=_module)
def test_imports_run_one_way(path: Path) -> None:
    assert not violations(path.read_text(), _module(path), path.name == "__init__.py")


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("resviz.errors", "import resviz.device"),
        ("resviz.models.zoo", "from resviz.probes import gradients"),
        ("resviz.models.zoo", "from resviz import training"),
        ("resviz.models.zoo", "import resviz"),
        ("resviz.models.zoo", "from ..training.store import load"),
        ("resviz.models.zoo", "from resviz.data.images import decode"),
        ("resviz.models.zoo", "def load():\n    from resviz.training import store"),
        ("resviz.models.zoo", "import importlib\nimportlib.import_module('resviz.training.store')"),
        ("resviz.data.images", "from resviz.models import zoo"),
        ("resviz.data.images", "if TYPE_CHECKING:\n    from resviz.models.zoo import LoadedModel"),
        ("resviz.probes.cam", "from resviz.figures.cam import draw"),
        ("resviz.probes.cam", "from resviz.training import loop"),
        ("resviz.figures.cam", "from resviz.ui import i18n"),
        ("resviz.ui.cache", "from resviz.cli import main"),
        ("resviz.ui.cache", "import pages.cam"),
        ("resviz.cli", "from resviz.ui.i18n import _"),
        ("resviz.__main__", "from resviz.ui.i18n import _"),
        ("pages.cam", "from app import router"),
        ("pages.cam", "from resviz.cli import main"),
        ("resviz.models.zoo", "import streamlit as st"),
        ("resviz.figures.cam", "from streamlit.components import v1"),
        ("resviz.ui.layout", "import plotly.graph_objects as go"),
        ("resviz.cli", "def save():\n    import plotly.io"),
        ("resviz.figures.cam", "import torch"),
        ("resviz.figures.cam", "def draw():\n    from torch.nn import functional"),
        ("pages.cam", "import torchvision"),
        ("app", "if True:\n    import torch"),
        ("app", "if not TYPE_CHECKING:\n    import torch"),
        ("app", "if TYPE_CHECKING:\n    pass\nelse:\n    import torch"),
        ("resviz.newcomer", ""),
    ],
)
def test_an_arrow_that_runs_back_is_found(module: str, source: str) -> None:
    assert len(violations(source, module)) == 1


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("resviz.device", "import torch\nfrom resviz.errors import ModelError"),
        (
            "resviz.models.zoo",
            "from resviz.models.spec import ModelSpec\n"
            "from . import resnet\nfrom ..errors import ModelError",
        ),
        (
            "resviz.models.zoo",
            "if TYPE_CHECKING:\n    from resviz.data import images\n    import resviz.data.images",
        ),
        (
            "resviz.training.loop",
            "from resviz.probes.gradients import norms\nfrom resviz import device, __version__",
        ),
        (
            "resviz.figures.cam",
            "import plotly.graph_objects as go\nfrom resviz.probes.cam import Cam",
        ),
        ("resviz.figures.cam", "if TYPE_CHECKING:\n    import torch"),
        (
            "resviz.ui.cache",
            "import streamlit as st, torch\n"
            "from resviz.figures import cam\nfrom resviz.models import zoo",
        ),
        ("resviz.cli", "from resviz.training import jobs\nfrom resviz.figures.cam import draw"),
        ("resviz.__main__", "from resviz.cli import main"),
        (
            "pages.cam",
            "import streamlit as st\n"
            "from resviz.ui.cache import cached_cam\nfrom resviz.figures import cam",
        ),
        ("app", "import streamlit as st\nfrom resviz.ui import layout"),
    ],
)
def test_an_arrow_that_runs_down_is_no_offence(module: str, source: str) -> None:
    assert violations(source, module) == []


def test_the_public_api_is_lazy() -> None:
    lazy = "def __getattr__(name):\n    from resviz.models import zoo"
    assert violations(lazy, "resviz", is_package=True) == []
    assert len(violations("from resviz.models import zoo", "resviz", is_package=True)) == 1
    assert len(violations("from .figures import theme", "resviz", is_package=True)) == 1


def test_a_relative_import_in_a_package_starts_at_the_package() -> None:
    found = [
        found.name
        for found in imports("from . import zoo\nfrom ..data import images", "resviz.models", True)
    ]
    assert found == ["resviz.models.zoo", "resviz.data.images"]


def test_an_objection_names_module_line_and_import() -> None:
    assert violations("\nimport resviz.training.loop", "resviz.data.images") == [
        "resviz.data.images:2: resviz.data may not import resviz.training.loop"
    ]
