"""Drift over depth as rows: every layer, its median, and nothing that a name could smuggle in."""

import dataclasses
import re

import numpy as np
import pytest

from resviz.figures import html
from resviz.figures.batchnorm.drift import Labels, drift_rows, pictures
from tests.figures.batchnorm.example import LAYERS

LABELS = Labels(median="median", off="off", dead="dead", open_layer="open {layer}")


def test_there_is_a_row_for_each_layer_with_its_median_and_the_chosen_one_is_marked():
    page = drift_rows(LAYERS, "layer2.0.bn1", LABELS)
    assert re.findall(r'data-pick="([^"]+)"', page) == [layer.layer for layer in LAYERS]
    assert re.findall(r'class="line on" data-pick="([^"]+)"', page) == ["layer2.0.bn1"]
    assert page.count('aria-pressed="true"') == 1
    medians = re.findall(r'alt=""><span class="number">([\d.]+)</span>', page)
    expected = [layer.drift for layer in LAYERS]
    assert [float(median) for median in medians] == pytest.approx(expected, abs=0.006)
    assert 'title="open bn1"' in page


def test_names_from_outside_are_escaped():
    hostile = dataclasses.replace(LAYERS[0], layer='<img src=x onerror="alert(1)">')
    assert "<img src=x" not in drift_rows([hostile], "", LABELS)


def test_channels_that_are_off_are_counted_and_none_is_a_dot():
    gamma = np.ones(16)
    gamma[:3] = 0
    layer = dataclasses.replace(LAYERS[0], gamma=gamma)
    numbers = re.findall(r'<span class="number">([^<]+)</span>', drift_rows([layer], "", LABELS))
    assert numbers[1:] == ["3", "·"]


def test_pictures_can_be_clicked_only_where_one_is_chosen():
    tiles = [html.Tile("0", "data:,a", "a <dog>"), html.Tile("1", "data:,b", "b")]
    assert "data-pick" not in pictures(tiles, None)
    assert re.findall(r'data-pick="(\d)"', pictures(tiles, "1")) == ["0", "1"]
    assert "<dog>" not in pictures(tiles, None)
