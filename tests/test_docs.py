"""The site in `docs/` is complete and builds without a warning."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import resviz
from tests.test_layout import FEATURES

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
SETTINGS = re.sub(r"!!python/\S+", "", (ROOT / "mkdocs.yml").read_text())
PAGES = sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md"))
IMAGE = re.compile(r"!\[(?P<alt>[^]]*)\]\((?P<file>[^)]+)\)")


def in_navigation(entry: object) -> set[str]:
    """The files that the navigation leads to."""
    if isinstance(entry, str):
        return {entry}
    parts = entry.values() if isinstance(entry, dict) else entry
    return set().union(*map(in_navigation, parts))


def test_every_page_is_in_the_navigation_and_the_other_way_round() -> None:
    assert in_navigation(yaml.safe_load(SETTINGS)["nav"]) == set(PAGES)


def test_every_feature_has_a_page() -> None:
    assert {path.stem for path in (DOCS / "features").glob("*.md")} == FEATURES


@pytest.mark.parametrize("feature", sorted(FEATURES))
def test_a_page_of_a_feature_shows_it_and_says_how_to_read_it(feature: str) -> None:
    text = (DOCS / "features" / f"{feature}.md").read_text()
    images = IMAGE.findall(text)
    assert images, "there is no picture"
    assert all(alt and (DOCS / "features" / file).exists() for alt, file in images)
    assert text.startswith("# ")
    assert "## The same numbers elsewhere" in text
    assert "```sh\nresviz " in text


def test_no_picture_is_forgotten_and_none_is_large() -> None:
    texts = "".join((DOCS / page).read_text() for page in PAGES)
    pictures = sorted((DOCS / "features" / "images").iterdir())
    assert [path.name for path in pictures if path.name not in texts] == []
    assert [path.name for path in pictures if path.stat().st_size > 150_000] == []


def test_the_reference_holds_every_public_name() -> None:
    text = (DOCS / "reference.md").read_text()
    named = {line.split()[1] for line in text.splitlines() if line.startswith(":::")}
    assert named == {f"resviz.{name}" for name in resviz.__all__ if name != "__version__"}


def test_the_examples_are_all_shown() -> None:
    text = "".join((DOCS / page).read_text() for page in PAGES)
    scripts = {path.relative_to(ROOT).as_posix() for path in (ROOT / "examples").rglob("*.py")}
    assert {name for name in scripts if f'--8<-- "{name}"' not in text} == set()


def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "-d", tmp_path]
    quiet = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}  # an advertisement
    built = subprocess.run(
        command, cwd=ROOT, env=quiet, capture_output=True, text=True, timeout=120
    )
    assert (built.returncode, built.stderr) == (0, "")
    page = (tmp_path / "reference.html").read_text()
    assert "grad_cam" in page
    outside = re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="(https?://[^"]+)"', page)
    assert outside == [], "the site asks other machines"
