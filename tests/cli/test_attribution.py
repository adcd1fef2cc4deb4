"""`attribute`: the files hold the probe's map."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from resviz import cli
from resviz.data import samples
from resviz.data.images import decode
from resviz.figures.raster import overlay_png
from resviz.models import zoo
from resviz.probes.attribution.methods import METHODS, attribute, last_spatial

NET = "new/residual-8?width=4"


def subject(model: str, data: bytes) -> tuple[zoo.LoadedModel, torch.Tensor, Image.Image]:
    """Model, input and what the model sees of the photo."""
    loaded, image = zoo.load(model), decode(data).image
    return loaded, loaded.preprocess(image)[None], loaded.preprocess.view(image)


def test_attribute_writes_the_probes_map(ask, photo, tmp_path):
    out = tmp_path / "out"
    found = ask(
        "attribute",
        photo,
        "--model",
        NET,
        "--layer",
        "layer2.0",
        "--target",
        "4",
        "--out",
        str(out),
    )
    loaded, x, view = subject(NET, samples.read("dog"))
    expected = attribute(loaded.model, x, "grad-cam", 4, "layer2.0")
    array, picture = map(Path, found["files"])
    assert np.array_equal(np.load(array), expected.map)
    assert picture.read_bytes() == overlay_png(view, expected.map, 0.7)
    assert found | {"files": []} == {
        "model": NET,
        "method": "grad-cam",
        "layer": "layer2.0",
        "target": 4,
        "label": "class 4",
        "probability": expected.probability,
        "shape": [16, 16],
        "files": [],
    }


@pytest.mark.parametrize("method", METHODS)
def test_attribute_knows_every_method(ask, photo, tmp_path, method):
    found = ask(
        "attribute",
        photo,
        "--model",
        NET,
        "--method",
        method,
        "--target",
        "2",
        "--out",
        str(tmp_path / "out"),
    )
    loaded, x, _ = subject(NET, samples.read("dog"))
    expected = attribute(loaded.model, x, method, 2)
    assert found["method"] == method
    assert found["layer"] == expected.layer
    assert found["shape"] == list(expected.map.shape)
    np.testing.assert_array_equal(np.load(found["files"][0]), expected.map)


def test_attribute_asks_about_the_likeliest_class_at_the_last_map_by_default(ask, photo, tmp_path):
    found = ask("attribute", photo, "--model", NET, "--out", str(tmp_path / "out"))
    best = ask("predict", photo, "--model", NET, "--top", "1")["top"][0]
    assert (found["target"], found["label"]) == (best["index"], best["label"])
    assert found["probability"] == pytest.approx(best["probability"], abs=1e-6)
    assert found["layer"] == last_spatial(zoo.load(NET).model, 32)


def test_the_help_names_every_method(capsys):
    with pytest.raises(SystemExit):
        cli.main(["attribute", "--help"])
    listed = " ".join(capsys.readouterr().out.split()).replace("- ", "-")
    assert f"one of {', '.join(METHODS)} (default" in listed
