"""The drawings: geometry against the fields, contours against areas, nothing unescaped."""

import json
import re
from html import unescape

from resviz.figures.receptive_field import scene

GRID = scene.Grid((4, 6), (32, 48), (11, 13), (8, 8), (-5, -6))
PICTURES = scene.Pictures("data:photo", "data:heat", "data:cells", "a <photo>", 'cells "of" conv1')
LABELS = scene.CursorLabels(place="{row}, {column}", opacity="Opacity")


def test_a_units_box_is_start_plus_stride():
    assert GRID.box((0, 0)) == (-5, -6, 11, 13)
    assert GRID.box((3, 2)) == (19, 10, 11, 13)
    assert GRID.last == (3, 5)
    assert scene.Grid((4, 6), (32, 48), (32, 48), (8, 8), (0, 0), True).box((3, 2)) == (
        0,
        0,
        32,
        48,
    )


def test_the_margin_is_what_fields_reach_beyond_the_image_up_to_a_fifth_of_it():
    assert GRID.margin == 6
    assert scene.Grid((4, 4), (32, 32), (3, 3), (8, 8), (2, 2)).margin == 0
    assert scene.Grid((4, 4), (32, 32), (99, 99), (8, 8), (-40, -40)).margin == 6.4
    assert scene.Grid((4, 4), (32, 32), (9, 9), (8, 8), (2, 2)).margin == 3, (
        "the last ends at 34 of 31"
    )


def test_a_calm_picture_shows_the_photo_alone():
    html = scene.linked(PICTURES, GRID, [(0, 0)], LABELS, calm=True)
    assert 'class="linked calm"' in html
    assert list(map(float, re.search(r'viewBox="([^"]*)"', html)[1].split())) == [0, 0, 48, 32]
    assert 'viewBox="-6.0 -6.0 60.0 44.0"' in scene.linked(PICTURES, GRID, [(0, 0)], LABELS)


def test_the_linked_picture_tells_the_browser_its_geometry_and_shows_the_last_pin():
    html = scene.linked(PICTURES, GRID, [(0, 1), (3, 2)], LABELS)
    facts = json.loads(unescape(re.search(r'data-linked="([^"]*)"', html)[1]))
    assert (facts["units"], facts["size"], facts["stride"], facts["start"]) == (
        [4, 6],
        [11, 13],
        [8, 8],
        [-5, -6],
    )
    assert (facts["side"], facts["whole"], facts["pins"]) == ([32, 48], False, [[0, 1], [3, 2]])
    assert '<rect class="box" x="10" y="19" width="13" height="11"/>' in html
    assert '<rect class="other" x="2" y="-5" width="13" height="11"/>' in html
    assert 'viewBox="-6.0 -6.0 60.0 44.0"' in html
    assert html.count('class="pin') == 2
    assert re.findall(r"<text [^>]*>(\d)</text>", html) == ["1", "2"]
    assert re.findall(r'class="pin[^>]*>(\d)</div>', html) == ["1", "2"]
    assert "<text" not in scene.linked(PICTURES, GRID, [(0, 1)], LABELS), (
        "one alone needs no number"
    )
    assert "a &lt;photo&gt;" in html
    assert "cells &quot;of&quot; conv1" in html


def test_without_heat_there_is_no_slider():
    bare = scene.Pictures("data:photo", "", "data:cells", "", "")
    assert "data-opacity" in scene.linked(PICTURES, GRID, [(0, 0)], LABELS)
    assert "data-opacity" not in scene.linked(bare, GRID, [(0, 0)], LABELS)


def test_where_neighbours_differ_each_unit_has_its_own_box():
    grid = scene.Grid(
        (2, 3),
        (8, 9),
        (4, 3),
        (3.5, 3),
        (0, 0),
        rows=[(0, 4), (4, 3)],
        columns=[(-1, 3), (2, 2), (5, 4)],
    )
    assert grid.box((1, 2)) == (4, 5, 3, 4)
    assert grid.margin == 1
    html = scene.linked(PICTURES, grid, [(1, 2)], LABELS)
    facts = json.loads(unescape(re.search(r'data-linked="([^"]*)"', html)[1]))
    assert (facts["rows"], facts["columns"]) == ([[0, 4], [4, 3]], [[-1, 3], [2, 2], [5, 4]])
