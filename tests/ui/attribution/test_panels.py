"""One scale for the maps of two classes."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from resviz.figures.raster import Range
from resviz.ui.attribution.panels import common_scale


def _maps(*maps: list[list[float]]) -> Any:
    return [SimpleNamespace(map=np.array(m), input_size=(8, 8)) for m in maps]


@pytest.mark.parametrize(
    ("maps", "signed", "scale"),
    [
        (([[0.0, 1.0]], [[0.0, 3.0]]), True, Range(-3.0, 3.0, True)),
        (([[0.0, 1.0]], [[-4.0, 3.0]]), True, Range(-4.0, 4.0, True)),
        (([[0.0, 0.0]], [[0.0, 0.0]]), True, Range(-1.0, 1.0, True)),
        (([[0.0, 1.0]], [[0.0, 3.0]]), False, Range(0.0, 3.0, False)),
    ],
)
def test_a_method_with_signs_keeps_red_for_and_blue_against(
    maps: Any, signed: bool, scale: Range
) -> None:
    assert common_scale(_maps(*maps), signed) == scale
