"""The drawing of a network from which a layer is picked."""

import pytest

from resviz.probes.core.layers import Layer
from resviz.ui.services import models
from resviz.ui.widgets import layer_picker


def _layer(name: str, *shape: int, kind: str = "Block") -> Layer:
    return Layer(name, kind, shape, 0, 0, leaf=False, spatial=True)


def _drawn(
    monkeypatch: pytest.MonkeyPatch, layers: list[Layer], blocks: tuple[str, ...]
) -> dict[str, list[str]]:
    monkeypatch.setattr(models, "block_names", lambda _model: blocks)
    drawn = layer_picker.network_cells("any", {layer.name: layer for layer in layers})
    return {title: [cell.text for cell in cells] for title, cells in drawn}


def test_blocks_outside_stages_stand_together_by_the_size_of_their_maps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    layers = [
        _layer("stem", 8, 9, 9),
        _layer("a", 4, 7, 7),
        _layer("b", 6, 7, 7),
        _layer("c", 6, 3, 3),
    ]
    drawn = _drawn(monkeypatch, layers, ("a", "b", "c"))
    assert drawn == {"stem  8×9×9": ["stem"], "7×7": ["a", "b"], "3×3": ["c"]}


def test_blocks_of_a_stage_stand_under_its_name_and_last_shape(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    layers = [_layer("layer1.0", 4, 7, 7), _layer("layer1.1", 6, 3, 3), _layer("layer2.0", 8, 3, 3)]
    drawn = _drawn(monkeypatch, layers, ("layer1.0", "layer1.1", "layer2.0"))
    assert drawn == {"layer1  6×3×3": ["0", "1"], "layer2  8×3×3": ["0"]}
