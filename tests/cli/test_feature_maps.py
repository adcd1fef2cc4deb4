"""`features`: the files hold what the layer sees."""

from pathlib import Path

import numpy as np
import pytest
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


def norms_by_hooks(model: torch.nn.Module, block: str, x: torch.Tensor) -> dict[str, float]:
    """Norms of the outputs of the three modules, without any code of the probe."""
    norms: dict[str, float] = {}

    def record(part: str, output: torch.Tensor) -> None:
        norms[part] = float(output.norm())

    for part in ("shortcut", "branch", "add"):
        module = model.get_submodule(f"{block}.{part}")
        module.register_forward_hook(lambda _m, _in, output, part=part: record(part, output))
    with torch.no_grad():
        model(x)
    return norms


def test_residual_parts_gives_the_norms_of_every_block(ask, photo, tmp_path):
    answer = ask("residual-parts", photo, "--model", NET, "--out", str(tmp_path / "parts"))
    assert [row["block"] for row in answer["blocks"]] == ["layer1.0", "layer2.0", "layer3.0"]
    loaded, x, _ = subject(NET, samples.read("dog"))
    for row, file in zip(answer["blocks"], answer["files"], strict=True):
        norms = norms_by_hooks(loaded.model, row["block"], x)
        assert row["norm_shortcut"] == pytest.approx(norms["shortcut"], rel=1e-5)
        assert row["norm_branch"] == pytest.approx(norms["branch"], rel=1e-5)
        assert row["norm_sum"] == pytest.approx(norms["add"], rel=1e-5)
        both = norms["branch"] + norms["shortcut"]
        assert row["share_branch"] == pytest.approx(norms["branch"] / both, rel=1e-5)
        with np.load(file) as maps:
            np.testing.assert_allclose(
                maps["shortcut"] + maps["branch"], maps["sum"], rtol=1e-5, atol=1e-6
            )


def test_residual_parts_of_one_block_and_of_a_plain_network(ask, refuse, photo):
    (row,) = ask("residual-parts", photo, "--model", NET, "--layer", "layer2.0")["blocks"]
    assert row["block"] == "layer2.0"
    assert "no residual blocks" in refuse("residual-parts", photo, "--model", "new/plain-8?width=4")
