"""What holds for the project as a whole: pins, reasons, settings, and nothing of one machine."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from streamlit import config

from tests.constraints import REQUIREMENTS, pins, pulled_in

ROOT = Path(__file__).parents[1]
IMPORT_NAMES = {
    "pillow": "PIL",
    "pyyaml": "yaml",
    "grad-cam": "pytorch_grad_cam",
}  # where it is not the name itself
OF_ONE_MACHINE = [
    b"/work/",
    b"/root/",
    b"/home/runner/",
    b"pypi.org",
    b"pythonhosted.org",
    b"npmjs.",
    b"deb.debian.org",
]


def _lines(name: str) -> list[str]:
    lines = (line.split("#")[0].strip() for line in (ROOT / name).read_text().splitlines())
    return [line for line in lines if line and not line.startswith("-r ")]


def _files() -> list[Path]:
    """The project's files: what git tracks or would; all that is not ignored."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    paths = (ROOT / name for name in listed.stdout.decode().split("\0") if name)
    return [path for path in paths if path.is_file() and path != Path(__file__)]


@pytest.mark.parametrize("name", REQUIREMENTS)
def test_every_requirement_is_pinned_exactly(name: str) -> None:
    assert [
        line
        for line in _lines(name)
        if not re.fullmatch(r"[A-Za-z0-9_.-]+==[0-9][0-9A-Za-z.]*", line)
    ] == []


@pytest.mark.parametrize("name", REQUIREMENTS)
def test_every_dependency_has_its_reason_in_contributing(name: str) -> None:
    rows = re.findall(
        r"^\| `([\w.-]+)` \| *\S+", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE
    )
    assert set(pins(name)) - {canonicalize_name(row) for row in rows} == set()


def test_the_ranges_in_pyproject_admit_thepins() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    ranges = {
        canonicalize_name(r.name): r.specifier for r in map(Requirement, project["dependencies"])
    }
    exact = pins("requirements.txt")
    assert set(ranges) == set(exact)
    assert {name for name in exact if not ranges[name].contains(exact[name])} == set()


def test_what_the_pinned_packages_pull_in_is_pinned_too() -> None:
    """Other systems need a few more or less; what this one has it has in these versions."""
    fixed, here = pins("constraints.txt"), pulled_in()
    assert {name: version for name, version in here.items() if fixed.get(name) != version} == {}
    assert set(fixed) - set(here) - {"colorama", "tzdata"} == set()


@pytest.mark.parametrize("name", REQUIREMENTS)
def test_nothing_is_named_twice(name: str) -> None:
    names = [line.split("==")[0] for line in _lines(name)]
    assert sorted(set(names)) == sorted(names)


def test_the_app_imports_only_what_requirements_name() -> None:
    named = {IMPORT_NAMES.get(name, name.replace("-", "_")) for name in pins("requirements.txt")}
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    known = named | set(extras) | set(sys.stdlib_module_names) | {"resviz", "pages", "app"}
    imported: dict[str, str] = {}
    for path in [*ROOT.glob("resviz/**/*.py"), *ROOT.glob("pages/**/*.py"), *ROOT.glob("app.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {
                    alias.name.split(".")[0]: str(path.relative_to(ROOT)) for alias in node.names
                }
            elif isinstance(node, ast.ImportFrom) and not node.level:
                imported[node.module.split(".")[0]] = str(path.relative_to(ROOT))
    assert {name: path for name, path in imported.items() if name not in known} == {}


def test_every_setting_is_one_that_streamlit_knows() -> None:
    def keys(table: dict, prefix: str = "") -> list[str]:
        nested = (
            keys(v, f"{prefix}{k}.") if isinstance(v, dict) else [prefix + k]
            for k, v in table.items()
        )
        return [key for part in nested for key in part]

    settings = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())
    assert [key for key in keys(settings) if key not in config.get_config_options()] == []


def test_no_file_names_a_place_of_one_machine() -> None:
    found = {
        (str(path.relative_to(ROOT)), place.decode())
        for path in _files()
        for place in OF_ONE_MACHINE
        if place in path.read_bytes()
    }
    assert found == set()
