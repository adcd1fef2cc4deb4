"""The drawing holds every box and every arc, inside its frame, and nothing from outside becomes
markup.
"""

import re
import xml.etree.ElementTree as ET
from itertools import pairwise

import pytest

from resviz.figures.architecture.network import drawing
from resviz.figures.architecture.placement import Box, Bridge, Look
from resviz.probes.architecture.graph import IDENTITY, PADDED, PROJECTION
from resviz.probes.architecture.trace import ADD, CONCATENATE

SVG = "{http://www.w3.org/2000/svg}"
BOXES = (
    Box("conv1", "stem", (16, 32, 32), "the stem"),
    Box("layer1.0", "0", (16, 32, 32), "first block", "layer1", 9),
    Box("layer2.0", "0", (32, 16, 16), "second block", "layer2"),
    Box("fc", "head", (10,), "the head"),
)
BRIDGES = (
    Bridge(0, 1, count=9),
    Bridge(1, 2, ADD, PROJECTION, "1×1 /2"),
    Bridge(0, 2, CONCATENATE, PADDED),
)


def parsed(boxes=BOXES, bridges=BRIDGES, **look) -> ET.Element:
    return ET.fromstring(drawing(boxes, bridges, Look("a network", **look)))


def groups(svg: ET.Element, kind: str) -> list[ET.Element]:
    return [g for g in svg.iter(f"{SVG}g") if kind in g.get("class", "").split()]


def test_every_box_can_be_picked_and_tells_whether_it_is_chosen():
    boxes = groups(parsed(chosen="layer2.0"), "box")
    assert [box.get("data-pick") for box in boxes] == [box.key for box in BOXES]
    assert [box.get("aria-pressed") for box in boxes] == ["false", "false", "true", "false"]
    assert [box.get("aria-label") for box in boxes] == [box.hint for box in BOXES]


def test_every_arc_is_drawn_as_its_kind_says():
    arcs = groups(parsed(), "arc")
    dashes = [arc.find(f"{SVG}path").get("stroke-dasharray") for arc in arcs]
    assert dashes == [None, "7 5", "1.5 4.5"]
    assert [len(arc.findall(f"{SVG}path")) for arc in arcs] == [3, 1, 1]


def test_an_arc_rises_above_the_boxes_that_it_spans():
    svg = parsed()
    tops = [float(rect.get("y")) for rect in svg.iter(f"{SVG}rect") if rect.get("y")]
    for arc in groups(svg, "arc"):
        numbers = [float(n) for n in re.findall(r"-?[\d.]+", arc.find(f"{SVG}path").get("d"))]
        line, control = numbers[1], numbers[3]
        highest = line - 0.75 * (line - control)
        assert highest < min(tops) or len(numbers) != 8


@pytest.mark.parametrize("count", [1, 4, 24])
@pytest.mark.parametrize("width", [700, 1100, 1500])
def test_boxes_stand_side_by_side_within_the_frame(count, width):
    boxes = [Box(str(i), str(i), (64, 56, 56), "block") for i in range(count)]
    svg = parsed(boxes, [Bridge(i - 1, i) for i in range(count)], width=width)
    height = float(svg.get("height"))
    edges = []
    for box in groups(svg, "box"):
        rects = box.findall(f"{SVG}rect")
        edges.append(
            (
                min(float(r.get("x")) for r in rects),
                max(float(r.get("x")) + float(r.get("width")) for r in rects),
            )
        )
        assert all(0 <= float(r.get("y")) <= height - float(r.get("height")) for r in rects)
    assert all(a[1] < b[0] for a, b in pairwise(edges))
    assert edges[0][0] > 0
    assert edges[-1][1] < width


def test_more_channels_are_more_edges_and_larger_maps_larger_boxes():
    thin, thick = groups(parsed(BOXES[:3], ()), "box")[1:]
    assert len(thin.findall(f"{SVG}rect")) < len(thick.findall(f"{SVG}rect"))
    side = [float(box.findall(f"{SVG}rect")[-1].get("width")) for box in (thin, thick)]
    assert side[0] > side[1]


def test_a_folded_box_says_how_many_it_stands_for():
    assert "0 ×9" in drawing(BOXES, BRIDGES, Look("a network"))


def test_a_removed_box_leaves_its_place():
    removed = Box("a", "0", (4, 8, 8), "removed", removed=True)
    (box,) = groups(parsed([removed], ()), "box")
    assert box.get("class") == "box removed"
    assert box.find(f"{SVG}rect").get("fill") == "none"


def test_texts_from_outside_are_no_markup():
    evil = '<script>"&'
    svg = drawing(
        [Box(evil, evil, (4, 8, 8), evil, evil)],
        [Bridge(-1, 0, ADD, IDENTITY, evil, evil)],
        Look(evil, photo_name=evil, groups={evil: (evil, evil)}),
    )
    assert "<script" not in svg
    assert groups(ET.fromstring(svg), "box")[0].get("data-pick") == evil


def test_nothing_to_draw_is_an_error_of_the_caller():
    with pytest.raises(ValueError, match="at least one box"):
        drawing([], [], Look("nothing"))
