"""The units that are pinned: from the address, by clicks."""

import pytest
from torch import Tensor, nn

from resviz.figures.receptive_field.scene import Grid
from resviz.probes.receptive_field.theoretical import receptive_field
from resviz.ui.widgets import linked_map
from tests.app.test_pages import words
from tests.ui.receptive_field.pages import page


@pytest.mark.parametrize(
    "units", ["99,99", "a,b", "3", ";;", "3,5;<script>", "-1,2", f"{'9' * 5000},1"]
)
def test_a_unit_that_the_layer_lacks_gives_way_to_the_middle_one_or_to_those_it_has(
    units: str,
) -> None:
    expected = "row 3, column 5" if units.startswith("3,") else "row 8, column 8"
    assert expected in words(page(layer="layer2.0", units=units))


def test_several_units_stay_until_they_are_clicked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    choices = {"units": "1,1;2,2", "several": "True"}
    monkeypatch.setattr(linked_map.url_state, "chosen", choices.get)
    monkeypatch.setattr(linked_map.url_state, "choose", choices.__setitem__)
    steps = {"3,3": "1,1;2,2;3,3", "1,1": "2,2;3,3", "4,4": "2,2;3,3;4,4", "5,5": "2,2;3,3;4,4;5,5"}
    steps |= {"6,6": "2,2;3,3;4,4;5,5;6,6", "7,7": "3,3;4,4;5,5;6,6;7,7"}
    for picked, expected in steps.items():
        linked_map.pin(picked)
        assert choices["units"] == expected
    grid = Grid((9, 9), (32, 32), (3, 3), (1, 1), (0, 0))
    assert len(linked_map.pins(grid)) == 5
    choices["several"] = "False"
    assert linked_map.pins(grid) == ((7, 7),)
    linked_map.pin("7,7")
    assert choices["units"] == "7,7", "the only one stays"


def test_an_address_may_hold_anything() -> None:
    assert linked_map.parse_units("3,5;12,0") == [(3, 5), (12, 0)]
    for text in ("", ";", "a", "1", "1,2,3", "-1,2", " 1,2", "\u0661,\u0662", f"{'9' * 5000},1"):
        assert linked_map.parse_units(text) == []


class Scaled(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x * x.mean((2, 3), keepdim=True).sigmoid()


def test_behind_a_gate_the_box_is_the_convolutional_field() -> None:
    gated = nn.Sequential(nn.Conv2d(3, 4, 3, 2, 1), Scaled())
    (field,) = receptive_field(gated, ["1"], 32)
    grid = linked_map.grid_of(field, 32)
    assert (grid.whole, grid.box((3, 4))) == (False, (5, 7, 3, 3))
    assert "through a gate only" in linked_map.cursor_labels(field.through).place
    assert "gate" not in linked_map.cursor_labels("").place


def test_behind_upsampling_the_box_of_every_unit_is_exact() -> None:
    up = nn.Sequential(nn.Conv2d(3, 4, 5, 4, 2), nn.ConvTranspose2d(4, 4, 4, 2, 1), nn.Upsample(32))
    (field,) = receptive_field(up, ["2"], 32)
    grid = linked_map.grid_of(field, 32)
    for unit in range(32):
        first, last = (edge(unit) for edge in field.axes[0][:2])
        assert grid.box((unit, 0))[::2] == (first, last - first + 1)
    beside = [
        abs(grid.box((unit, 0))[0] - field.start[0] - unit * field.stride[0]) for unit in range(32)
    ]
    assert max(beside) >= 2, "the stride holds on average only"


def test_circular_padding_gives_units_at_a_border_the_opposite_one() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1, padding_mode="circular"))
    grid = linked_map.grid_of(receptive_field(model, ["0"], 32)[0], 32)
    assert (grid.box((0, 5)), grid.box((9, 5))) == ((0, 4, 32, 3), (8, 4, 3, 3))
