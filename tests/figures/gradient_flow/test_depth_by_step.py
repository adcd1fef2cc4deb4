"""Colours are powers of ten on a scale that runs share, and peaks are where the numbers are
largest.
"""

import base64
import html
import io
import json
import re

import numpy as np
from PIL import Image

from resviz.figures import raster
from resviz.figures.gradient_flow.depth_by_step import (
    Film,
    Labels,
    film_png,
    films,
    peaks,
)

STEPS = np.array([0, 5, 40])
VALUES = np.array([[1e3, 1.0], [1e-2, 10.0], [0.0, np.inf]])
LABELS = Labels("step", "layer", "norm", "{layer} at {step}: {value}", "none")


def test_peaks_are_the_layers_with_the_largest_finite_number():
    assert peaks(VALUES).tolist() == [0, 1, 0]
    assert peaks(np.full((1, 3), np.nan)).tolist() == [-1]


def test_colours_are_powers_of_ten_with_the_last_layer_on_top_and_gaps_where_no_number_is():
    picture = Image.open(io.BytesIO(film_png(VALUES, (-5.0, 3.0))))
    index = np.asarray(picture)
    assert index.shape == (2, 3)
    assert picture.info["transparency"] == raster.GAP
    top = raster.GAP - 1
    expected = [
        [round(5 / 8 * top), round(6 / 8 * top), raster.GAP],
        [top, round(3 / 8 * top), raster.GAP],
    ]
    np.testing.assert_array_equal(index, expected)


def test_the_board_carries_every_number_and_where_it_stands():
    text = films([Film("<run>", STEPS, VALUES, ("conv1", "fc"))], (-5.0, 3.0), 5, LABELS)
    assert "<run>" not in text
    facts = json.loads(html.unescape(re.search(r'data-film="([^"]*)"', text)[1]))
    assert (facts["steps"], facts["layers"]) == ([0, 5, 40], ["conv1", "fc"])
    numbers = np.frombuffer(base64.b64decode(facts["values"]), "<f4").reshape(3, 2)
    np.testing.assert_allclose(numbers, VALUES)
    whole = json.loads(html.unescape(re.search(r'data-films="([^"]*)"', text)[1]))
    assert whole == {"at": 5, "reading": LABELS.reading, "noNumber": "none"}
    assert 'points="0.5,1.5 1.5,0.5 2.5,1.5"' in text
    assert "1e-05" in text
