"""The drawings: geometry against the fields, contours against areas, nothing unescaped."""

import json
import re
from html import unescape

import numpy as np
import pytest

from resviz.figures.receptive_field import scene
from resviz.figures.receptive_field.growth import Curve, Titles, colours, over_depth, shares
from resviz.figures.theme import PLAIN, RESIDUAL

GRID = scene.Grid((4, 6), (32, 48), (11, 13), (8, 8), (-5, -6))
PICTURES = scene.Pictures("data:photo", "data:heat", "data:cells", "a <photo>", 'cells "of" conv1')
WORDS = {"place": "{row}, {column}", "opacity": "Opacity"}


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
    html = scene.linked(PICTURES, GRID, [(0, 0)], WORDS, calm=True)
    assert 'class="linked calm"' in html
    assert list(map(float, re.search(r'viewBox="([^"]*)"', html)[1].split())) == [0, 0, 48, 32]
    assert 'viewBox="-6.0 -6.0 60.0 44.0"' in scene.linked(PICTURES, GRID, [(0, 0)], WORDS)


def test_the_linked_picture_tells_the_browser_its_geometry_and_shows_the_last_pin():
    html = scene.linked(PICTURES, GRID, [(0, 1), (3, 2)], WORDS)
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
    assert "<text" not in scene.linked(PICTURES, GRID, [(0, 1)], WORDS), "one alone needs no number"
    assert "a &lt;photo&gt;" in html
    assert "cells &quot;of&quot; conv1" in html


def test_without_heat_there_is_no_slider():
    bare = scene.Pictures("data:photo", "", "data:cells", "", "")
    assert "data-opacity" in scene.linked(PICTURES, GRID, [(0, 0)], WORDS)
    assert "data-opacity" not in scene.linked(bare, GRID, [(0, 0)], WORDS)


def test_the_ladder_draws_boxes_on_one_scale_and_frames_the_chosen_layer():
    rungs = [scene.Rung("a", "a<b", 12, 6.0, "hint"), scene.Rung("b", "b", 48, None, "h")]
    html = scene.ladder(rungs, 24, "b")
    widths = [float(w) for w in re.findall(r'<rect [^>]*? width="([\d.]+)"', html)]
    assert widths == [24, 12, 48, 96, 48]  # field, effective and image; field and image
    assert 'class="rung on" data-pick="b"' in html
    assert "a&lt;b" in html


def test_over_depth_has_a_line_and_marks_for_each_network_and_the_image():
    curves = [
        Curve("one", "residual", [1, 2, 3], [3, 5, 7], [(1, 2.5), (3, 4.0)]),
        Curve("two", "plain", [1, 2], [3, 9], []),
    ]
    figure = over_depth(curves, 32, Titles("depth", "side", "image", "sees", "moves"), False)
    assert [(list(t.x), list(t.y)) for t in figure.data] == [
        ([1, 2, 3], [3, 5, 7]), ([1, 3], [2.5, 4.0]), ([1, 2], [3, 9])
    ]  # fmt: skip
    assert [t.line.color for t in figure.data] == [RESIDUAL, RESIDUAL, PLAIN]
    assert figure.data[1].line.dash == "dash"
    assert figure.layout.shapes[0].y0 == figure.layout.shapes[0].y1 == 32
    assert figure.layout.yaxis.type == "log"
    assert figure.layout.annotations[0].y == pytest.approx(np.log10(figure.layout.shapes[0].y0)), (
        "a power of ten"
    )


def test_no_two_networks_share_a_colour():
    found = colours(["residual", "plain", "residual", "", "plain", ""])
    assert found[:2] == [RESIDUAL, PLAIN]
    assert len(set(found)) == 6


def test_shares_are_centred_on_the_middle_pixel():
    figure = shares(np.array([0.25, 0.5, 0.25]), "pixel", "share", True)
    assert list(figure.data[0].x) == [-1, 0, 1]
    assert list(figure.data[0].y) == [0.25, 0.5, 0.25]
