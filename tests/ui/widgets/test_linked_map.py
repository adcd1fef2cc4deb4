"""The units that are pinned: from the address, by clicks."""

import pytest

from resviz.figures.receptive_field.scene import Grid
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
