import inspect
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import resviz

PUBLIC = {
    "CamGraph": "resviz.probes.attribution.grad_cam",
    "ResvizError": "resviz.errors",
    "activations": "resviz.probes.feature_maps.activations",
    "attribute": "resviz.probes.attribution.methods",
    "batchnorm": "resviz.probes.batchnorm.statistics",
    "batchnorm_by_hand": "resviz.probes.batchnorm.worked_example",
    "batchnorm_modes": "resviz.probes.batchnorm.modes",
    "blocks": "resviz.probes.core.layers",
    "decode": "resviz.data.images",
    "effective_receptive_field": "resviz.probes.receptive_field.effective",
    "fuse": "resviz.probes.batchnorm.folding",
    "grad_cam": "resviz.probes.attribution.grad_cam",
    "grad_cams": "resviz.probes.attribution.grad_cam",
    "gradient_times_activation": "resviz.probes.feature_maps.activations",
    "gradients": "resviz.probes.gradient_flow.norms",
    "layers": "resviz.probes.core.layers",
    "lesioned": "resviz.probes.gradient_flow.lesions",
    "load": "resviz.models.zoo",
    "predict": "resviz.probes.core.prediction",
    "read_run": "resviz.training.runs.reader",
    "receptive_field": "resviz.probes.receptive_field.theoretical",
    "residual_parts": "resviz.probes.feature_maps.residual",
    "runs": "resviz.training.runs.reader",
}
NAME_THERE = {"read_run": "read"}


def test_the_public_names_are_these_and_no_others():
    assert set(resviz.__all__) == {*PUBLIC, "__version__"}
    assert set(PUBLIC) <= set(dir(resviz))


def test_every_public_function_is_explained_in_the_docstring():
    explained = set(re.findall(r"^ {4}(\w+)\(", resviz.__doc__, re.MULTILINE))
    assert explained == set(PUBLIC) - {"ResvizError"}
    assert "`ResvizError`" in resviz.__doc__


@pytest.mark.parametrize(("name", "home"), PUBLIC.items())
def test_every_public_name_imports_and_comes_from_where_it_should(name: str, home: str):
    value = getattr(resviz, name)
    assert callable(value)
    assert (value.__name__, value.__module__) == (NAME_THERE.get(name, name), home)
    assert vars(resviz)[name] is value  # found at once the next time


@pytest.mark.parametrize("name", ["Load", "models_", "torch", "import_modul"])
def test_a_name_that_is_not_public_is_an_ordinary_attribute_error(name: str):
    with pytest.raises(AttributeError, match=f"module 'resviz' has no attribute {name!r}"):
        getattr(resviz, name)


def test_a_run_is_listed_and_read_by_its_id(home: Path):
    assert resviz.runs() == ()
    with pytest.raises(resviz.ResvizError, match="There is no run 'residual-20-1'"):
        resviz.read_run("residual-20-1")


# What a public name does not need: a class returns nothing, `runs` asks for nothing.
WITHOUT = {
    "CamGraph": {"Returns"},
    "ResvizError": {"Returns", "Raises", "Reference"},
    "lesioned": {"Returns"},
    "read_run": {"Reference"},
    "runs": {"Args", "Raises", "Reference"},
}
SECTIONS = {"Args", "Returns", "Raises", "Example", "Reference"}


@pytest.mark.parametrize("name", PUBLIC)
def test_the_docstring_of_a_public_name_has_every_section(name: str):
    """The examples in them are run by `test_docstrings`."""
    text = inspect.getdoc(getattr(resviz, name))
    sections = set(re.findall(r"^(\w+):$", text, re.MULTILINE))
    assert SECTIONS - sections - WITHOUT.get(name, set()) == set()
    assert ">>> " in text
    assert text.splitlines()[0].endswith((".", ":"))


def test_the_version_is_that_of_the_package():
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
    assert resviz.__version__ == project["version"]


def test_importing_resviz_alone_imports_no_other_package():
    program = (
        "import sys; before = set(sys.modules); import resviz\n"
        "new = {name for name in set(sys.modules) - before\n"
        "       if name.split('.')[0] not in sys.stdlib_module_names}\n"
        "assert new == {'resviz'}, new\n"
        "resviz.ResvizError; assert 'torch' not in sys.modules and 'numpy' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
