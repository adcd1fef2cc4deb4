"""What stands under an overlay that shows nothing."""

import numpy as np
import pytest

from resviz.probes.attribution.grad_cam import Attribution
from resviz.ui.widgets.evidence import nothing_positive


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ([[0.0, 0.0]], "The map is zero everywhere: no place changes the score of fire\\_truck."),
        (
            [[-1.0, 0.0]],
            "No place is evidence for fire\\_truck: every place that matters is evidence "
            "against it.",
        ),
        ([[-1.0, 0.1]], None),
    ],
)
def test_an_empty_overlay_is_explained(values: list[list[float]], sentence: str | None):
    result = Attribution("grad-cam", "layer4", 3, 0.5, np.array(values), (8, 8))
    assert nothing_positive(result, "fire_truck") == sentence
