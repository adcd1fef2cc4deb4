"""Models on the server: loaded once, lent as clones, files from one folder alone."""

from pathlib import Path

import pytest
import torch

from resviz.errors import ModelError
from resviz.models.architectures.resnet import build
from resviz.models.spec import ModelSpec
from resviz.models.weights import checkpoints
from resviz.ui.services import models

SMALL = "new/residual-8?width=4"


def saved(folder: Path, name: str, seed: int = 0) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    spec = ModelSpec(depth=8, width=4, seed=seed)
    checkpoints.save(folder / name, build(spec), {"spec": spec.as_dict()})
    return folder / name


def test_a_model_is_loaded_once_and_two_borrowers_get_clones_of_it() -> None:
    assert models.model(SMALL) is models.model(SMALL)
    assert models.is_loaded(SMALL)
    with models.borrowed(SMALL) as first, models.borrowed(SMALL) as second:
        assert first is not second
        for a, b in zip(first.parameters(), second.parameters(), strict=True):
            assert a.data_ptr() == b.data_ptr(), "weights are shared"


def test_layers_and_blocks_are_those_of_the_network() -> None:
    layers = {layer.name: layer for layer in models.layers(SMALL)}
    assert models.block_names(SMALL) == ("layer1.0", "layer2.0", "layer3.0")
    assert models.map_blocks(SMALL) == models.block_names(SMALL)
    assert layers["layer3.0"].output_shape == (16, 8, 8)  # 4 channels doubled twice, 32 px halved
    assert models.default_layer(SMALL) == "layer3.0"


def test_a_network_with_random_weights_says_so_and_a_trained_one_does_not() -> None:
    for name in (SMALL, "run/r?checkpoint=initial"):
        assert "random" in (models.untrained(name) or "")
    assert models.untrained("bundled/resnet20-cifar10") is None


def test_weights_written_over_are_forgotten_when_asked_for_again(home: Path) -> None:
    saved(home / "models", "net.safetensors", seed=1)
    name = "file/net.safetensors"
    models.refresh(name)
    first = models.model(name)
    saved(home / "models", "net.safetensors", seed=2)
    models.refresh(name)
    second = models.model(name)
    assert not torch.equal(first.model.conv1.weight, second.model.conv1.weight)
    models.refresh(name)
    assert models.model(name) is second


def test_a_network_that_would_push_out_all_others_is_refused_before_it_is_built(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RESVIZ_MEMORY", "2G")
    with pytest.raises(ModelError, match="choose a smaller width"):
        models.model("new/residual-20?width=640")
    assert models.model("new/residual-20?width=16").spec is not None
