"""The scripts of `examples/` run as they stand, without a network, and are short."""

import os
import re
import runpy
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import resviz
from resviz.data import samples
from resviz.models import spec
from resviz.models.architectures import blocks
from resviz.probes.attribution.methods import METHODS

EXAMPLES = Path(__file__).parents[1] / "examples"
SCRIPTS = sorted(EXAMPLES.glob("*.py"))
SAYS = {  # a sentence of each that is true only if what it shows came out
    "batchnorm": "blurred: ",
    "feature_maps": "64 channels of (32, 32) cells",
    "gradient_flow": "residual-32: the first layer gets 0.",
    "own_network": "A unit of layer 5 sees 12 pixels",
    "predict": "english springer",
    "receptive_field": "layer4: sees 435 pixels",
    "remove_blocks": "plain20-digits: accuracy 9",
    "train": "finished: 22 steps, 8 layers",
}


def run(
    path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> str:
    """What a script prints, in a folder that it may write into."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr("sys.argv", [str(path)])
    runpy.run_path(str(path), run_name="__main__")
    return capsys.readouterr().out


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data folder with the run of `train.py`, for examples that read one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RESVIZ_HOME", str(tmp_path_factory.mktemp("trained")))
        runpy.run_path(str(EXAMPLES / "train.py"))
        yield Path(os.environ["RESVIZ_HOME"])


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_the_lines_of_python_in_the_readme_run(
    name: str, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (EXAMPLES.parent / name).read_text(), re.DOTALL)
    assert len(blocks) == 1
    (tmp_path / "photo.jpg").write_bytes(samples.read("dog"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RESVIZ_HOME", str(trained))
    names: dict[str, object] = {}
    exec(compile(blocks[0], name, "exec"), names)
    assert len(names["norms"]) == len(names["steps"]) == 22
    assert {f"resviz.{call}" for call in re.findall(r"resviz\.(\w+)", blocks[0])} <= {
        f"resviz.{public}" for public in resviz.__all__
    }


def test_there_are_eight_scripts_and_each_is_checked() -> None:
    assert [path.stem for path in SCRIPTS] == sorted(SAYS)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_an_example_says_what_it_promises(
    path: Path,
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert SAYS[path.stem] in run(path, tmp_path, monkeypatch, capsys)


@pytest.mark.parametrize(
    "path", [*SCRIPTS, *EXAMPLES.glob("adding/*.py")], ids=lambda path: path.stem
)
def test_an_example_is_read_in_a_minute(path: Path) -> None:
    lines = path.read_text().splitlines()
    assert 15 <= len(lines) <= (60 if path.parent.name == "adding" else 40)


def test_an_architecture_is_added_by_a_class_and_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(spec, "FAMILIES", spec.FAMILIES)
    monkeypatch.setattr(blocks, "Damped", None, raising=False)
    monkeypatch.setitem(spec.FAMILIES, "damped", "")
    text = run(EXAMPLES / "adding" / "architecture.py", tmp_path, monkeypatch, capsys)
    assert "new/damped-20: the branch of layer1.2 brings" in text


def test_a_method_is_added_by_a_function_and_a_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(METHODS, "gradient-times-input", METHODS["saliency"])
    text = run(EXAMPLES / "adding" / "method.py", tmp_path, monkeypatch, capsys)
    assert "church: 128 x 128 pixels" in text


def test_a_page_is_added_by_a_file() -> None:
    page = AppTest.from_file(str(EXAMPLES / "adding" / "page.py"), default_timeout=60).run()
    assert not page.exception
    page.selectbox[0].select("dog").run()
    assert not page.exception
    assert "channels are zero everywhere" in page.caption[-1].value
