"""`features`: the files hold what the layer sees."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from resviz.data import samples
from resviz.data.images import decode
from resviz.figures.raster import mosaic_png
from resviz.models import zoo
from resviz.probes.feature_maps.activations import activations

NET = "new/residual-8?width=4"


def subject(model: str, data: bytes) -> tuple[zoo.LoadedModel, torch.Tensor, Image.Image]:
    """Model, input and what the model sees of the photo."""
    loaded, image = zoo.load(model), decode(data).image
    return loaded, loaded.preprocess(image)[None], loaded.preprocess.view(image)


def test_features_writes_what_the_layer_sees(ask, photo, tmp_path):
    found = ask(
        "features",
        photo,
        "--model",
        NET,
        "--layer",
        "layer2.0.conv1",
        "--out",
        str(tmp_path / "a" / "b"),
    )
    loaded, x, _ = subject(NET, samples.read("dog"))
    expected = activations(loaded.model, x, ["layer2.0.conv1"])["layer2.0.conv1"]
    assert found["layer"] == "layer2.0.conv1"
    assert found["shape"] == [8, 16, 16]
    assert found["dead_channels"] == expected.dead.tolist()
    array, mosaic = map(Path, found["files"])
    assert array.parent == mosaic.parent == tmp_path / "a" / "b"
    assert np.array_equal(np.load(array), expected.values)
    assert mosaic.read_bytes() == mosaic_png(expected.values, 3, shared=False)
    with Image.open(mosaic) as image:
        assert image.size == (3 * 16 + 2, 3 * 16 + 2)


def test_dead_channels_are_those_without_a_value(ask, photo, tmp_path):
    model = zoo.load(NET).model
    with torch.no_grad():
        model.bn1.bias[[1, 3]] = -1000.0
    torch.save(model.state_dict(), tmp_path / "dead.pt")
    name = f"file/{tmp_path / 'dead.pt'}"
    assert ask("features", photo, "--model", name, "--layer", "relu", "--out", str(tmp_path))[
        "dead_channels"
    ] == [1, 3]
