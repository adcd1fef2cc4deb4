"""Names fit between their neighbours, and an arc gets over what it spans."""

from resviz.figures.architecture.placement import Box, Bridge, Look, fitting, place_boxes, rise


def boxes(count: int, name: str = "0") -> list[Box]:
    return [Box("", name, (64, 56, 56), "") for _ in range(count)]


def test_a_name_without_room_keeps_its_end():
    look = Look("", width=800)
    (few,) = place_boxes(boxes(1), look)
    many = place_boxes(boxes(20), look)[0]
    assert fitting(boxes(1, "inception4a")[0], few) == "inception4a"
    assert fitting(boxes(1, "inception4a")[0], many).endswith("4a")
    assert len(fitting(boxes(1, "inception4a")[0], many)) < len("inception4a")


def test_the_number_of_equal_blocks_is_never_cut():
    place = place_boxes(boxes(20), Look("", width=800))[0]
    assert fitting(Box("", "inception4a", (1, 2, 2), "", count=35), place).endswith(" ×35")


def test_a_longer_arc_rises_higher_and_every_one_over_its_boxes():
    places = place_boxes(boxes(5), Look(""))
    heights = [rise(Bridge(0, end), places) for end in range(1, 5)]
    assert heights == sorted(heights)
    assert all(height > places[0].height / 2 + places[0].depth for height in heights)


def test_the_photo_is_as_large_as_the_largest_box_allows():
    assert Look("", height=60).photo_side < Look("", height=92).photo_side <= 110
