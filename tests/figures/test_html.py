"""HTML boards, parsed again.

Texts arrive unharmed, nothing else gets in, and what can be clicked says so.
"""

from dataclasses import dataclass, field
from html.parser import HTMLParser

import pytest

from resviz.figures import html as boards
from resviz.figures.html import Cell, Tile

IMAGE = "data:image/png;base64,AAAA"
EVIL = (
    """</div><script>alert("1")</script> 'x' "onmouseover="y" <img src=x onerror=z> &amp; &lt; 猫"""
)
VOID = {"img", "br", "input", "path"}


@dataclass
class Node:
    tag: str
    attributes: dict = field(default_factory=dict)
    children: list = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(child if isinstance(child, str) else child.text for child in self.children)

    def all(self, **wanted: str) -> list["Node"]:
        nodes = [
            node
            for child in self.children
            if isinstance(child, Node)
            for node in (child, *child.all())
        ]
        return [node for node in nodes if all(node.matches(k, v) for k, v in wanted.items())]

    def matches(self, key: str, value: str) -> bool:
        if key == "tag":
            return self.tag == value
        if key == "cls":
            return value in self.attributes.get("class", "").split()
        return self.attributes.get(key) == value


class Tree(HTMLParser):
    """Raises where tags are not closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open = [Node("root")]
        self.feed(html)
        self.close()
        assert [node.tag for node in self.open] == ["root"]

    def handle_starttag(self, tag, attributes):
        assert len({name for name, _ in attributes}) == len(attributes)
        node = Node(tag, dict(attributes))
        self.open[-1].children.append(node)
        if tag not in VOID:
            self.open.append(node)

    def handle_startendtag(self, tag, attributes):
        self.open[-1].children.append(Node(tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop().tag == tag

    def handle_data(self, text):
        self.open[-1].children.append(text)


def parse(html: str) -> Node:
    return Tree(html).open[0]


def picks(html: str) -> list[Node]:
    return [node for node in parse(html).all() if "data-pick" in node.attributes]


EVERY = {
    "thumbnails": lambda t: boards.thumbnails([Tile(t, IMAGE, t, t)], t),
    "framed_photo": lambda t: boards.framed_photo(IMAGE, t, (1, 2, 3, 4), (10, 10)),
    "overlay": lambda t: boards.overlay(IMAGE, IMAGE, t, t),
    "pixels": lambda t: boards.pixels(IMAGE, t),
    "colour_bar": lambda t: boards.colour_bar(IMAGE, t, t),
    "probability_bars": lambda t: boards.probability_bars([(t, t, 0.5)], t),
    "named_photo": lambda t: boards.named_photo(IMAGE, t),
    "share_list": lambda t: boards.share_list([(t, 0.5)]),
    "strip": lambda t: boards.strip([Tile(t, IMAGE, t, t)]),
    "network": lambda t: boards.network([(t, [Cell(t, t, t)])], t),
    "channel_grid": lambda t: boards.channel_grid(IMAGE, t, 1, [(t, t)], t),
    "residual_sum": lambda t: boards.residual_sum(
        [Tile(t, IMAGE, t, t)] * 3, "", [(t, 0.5), (t, 0.5)]
    ),
}
SAFE = {
    "class",
    "title",
    "aria-label",
    "aria-pressed",
    "aria-hidden",
    "src",
    "alt",
    "style",
    "type",
    "min",
    "max",
} | {
    *(
        "step",
        "value",
        "data-pick",
        "data-opacity",
        "viewbox",
        "preserveaspectratio",
        "d",
        "fill",
        "fill-opacity",
    ),
    "fill-rule",
}


def test_every_board_is_tried_with_hostile_texts():
    made = {
        name
        for name, value in vars(boards).items()
        if callable(value) and value.__module__ == boards.__name__
    }
    assert {name for name in made if not name.startswith("_")} == {
        *EVERY,
        "Tile",
        "Cell",
        "percent",
        "pair",
    }


@pytest.mark.parametrize("make", EVERY.values(), ids=EVERY)
def test_hostile_texts_stay_texts(make):
    root, harmless = parse(make(EVIL)), parse(make("cat"))
    assert [node.tag for node in root.all()] == [node.tag for node in harmless.all()]
    for node in root.all():
        assert set(node.attributes) <= SAFE
        assert node.attributes.get("src", IMAGE) == IMAGE
    for hostile, plain in zip(root.all(), harmless.all(), strict=True):
        assert {
            k: v.replace(EVIL, "cat") for k, v in hostile.attributes.items()
        } == plain.attributes
    assert root.text.replace(EVIL, "cat") == harmless.text
    assert any(
        EVIL in value for node in root.all() for value in (node.text, *node.attributes.values())
    )


@pytest.mark.parametrize("make", EVERY.values(), ids=EVERY)
def test_every_picture_has_an_alternative_text_and_nothing_comes_from_elsewhere(make):
    for node in parse(make("cat")).all(tag="img"):
        assert "alt" in node.attributes
        assert node.attributes["src"].startswith("data:")
    assert "http" not in make("cat")


@pytest.mark.parametrize(
    "name", ["thumbnails", "probability_bars", "strip", "network", "channel_grid"]
)
def test_what_can_be_clicked_reports_its_value_and_has_a_name(name):
    (node,) = picks(EVERY[name]("cat"))
    assert node.attributes["data-pick"] == "cat"
    assert "cat" in node.attributes["aria-label"]


# ---- percent


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0, "0.0%"),
        (1e-12, "< 0.1%"),
        (0.00099, "< 0.1%"),
        (0.001, "0.1%"),
        (0.0016, "0.2%"),
        (0.5, "50.0%"),
        (0.12345, "12.3%"),
        (0.9994, "99.9%"),
        (0.99951, "> 99.9%"),
        (1 - 1e-12, "> 99.9%"),
        (1.0, "100.0%"),
    ],
)
def test_percent_has_one_digit_and_claims_no_certainty_that_is_none(share, text):
    assert boards.percent(share) == text


# ---- one by one


def test_the_chosen_thumbnail_alone_is_marked():
    tiles = [Tile(key, IMAGE, key.upper()) for key in ("a", "b", "c")]
    found = picks(boards.thumbnails(tiles, "b"))
    assert [node.attributes["data-pick"] for node in found] == ["a", "b", "c"]
    assert [node.attributes["aria-pressed"] for node in found] == ["false", "true", "false"]
    assert [node.matches("cls", "on") for node in found] == [False, True, False]
    assert not any(node.matches("cls", "on") for node in picks(boards.thumbnails(tiles, None)))


def test_the_frame_of_a_photo_is_the_box_in_its_own_pixels():
    root = parse(boards.framed_photo(IMAGE, "a dog", (10.25, 20, 90, 80), (100, 120)))
    (svg,) = root.all(tag="svg")
    assert svg.attributes["viewbox"] == "0 0 100 120"
    (path,) = root.all(tag="path")
    outer, inner = path.attributes["d"].split(" M")
    assert outer == "M0 0H100V120H0Z"
    assert inner == "10.2 20.0V80.0H90.0V20.0Z"
    assert path.attributes["fill-rule"] == "evenodd"  # or the inside would be dark too


def test_the_slider_of_an_overlay_drives_the_heat():
    root = parse(
        boards.overlay(IMAGE, "data:image/png;base64,BBBB", "heat on a dog", "Opacity", 0.6)
    )
    (slider,) = root.all(tag="input")
    assert (slider.attributes["value"], slider.attributes["min"], slider.attributes["max"]) == (
        "0.6",
        "0",
        "1",
    )
    (heat,) = root.all(cls=slider.attributes["data-opacity"].removeprefix("."))
    assert heat.attributes["src"].endswith("BBBB")
    assert root.all(tag="label")[0].text == "Opacity"
    assert root.all(alt="heat on a dog")


def test_a_pair_holds_two_boards_side_by_side():
    root = parse(boards.pair(boards.pixels(IMAGE, "left"), boards.pixels(IMAGE, "right")))
    (pair,) = root.all(cls="pair")
    assert [child.all(tag="img")[0].attributes["alt"] for child in pair.children] == [
        "left",
        "right",
    ]


def test_a_colour_bar_has_its_ends_in_order():
    (legend,) = parse(boards.colour_bar(IMAGE, "-1", "1")).all(cls="legend")
    assert [child.text or child.tag for child in legend.children] == ["-1", "img", "1"]


def test_bars_are_as_long_as_the_probabilities_and_the_first_is_the_answer():
    rows = [("7", "cat", 0.75), ("3", "dog", 0.2), ("1", "fox", 0.0001)]
    root = parse(boards.probability_bars(rows, "3"))
    assert [node.attributes["style"] for node in root.all(cls="fill")] == [
        "width:75.00%",
        "width:20.00%",
        "width:0.01%",
    ]
    assert [node.text for node in root.all(cls="value")] == ["75.0%", "20.0%", "< 0.1%"]
    found = root.all(cls="row")
    assert [node.attributes["data-pick"] for node in found] == ["7", "3", "1"]
    assert [node.matches("cls", "first") for node in found] == [True, False, False]
    assert [node.matches("cls", "on") for node in found] == [False, True, False]
    assert found[0].attributes["aria-label"] == "cat 75.0%"


def test_a_list_of_shares_has_nothing_to_click():
    html = boards.share_list([("cat", 0.25), ("dog", 0.0001)])
    assert [node.text for node in parse(html).all(cls="row")] == ["cat25.0%", "dog< 0.1%"]
    assert [node.attributes["style"] for node in parse(html).all(cls="fill")] == [
        "width:25.00%",
        "width:0.01%",
    ]
    assert picks(html) == []


def test_a_strip_shows_its_tiles_in_order_with_both_lines():
    tiles = [Tile("l1", IMAGE, "layer1", "64 × 8 × 8"), Tile("l2", IMAGE, "layer2")]
    found = picks(boards.strip(tiles))
    assert [node.attributes["data-pick"] for node in found] == ["l1", "l2"]
    assert [node.text for node in found] == ["layer164 × 8 × 8", "layer2"]
    assert found[0].attributes["aria-label"] == "layer1 64 × 8 × 8"


def test_a_network_has_a_row_for_each_stage_and_one_filled_cell():
    stages = [
        ("stem", [Cell("conv1", "c", "conv1: 3x3")]),
        ("1", [Cell(f"b{i}", str(i), f"block {i}") for i in (1, 2)]),
    ]
    root = parse(boards.network(stages, "b2"))
    assert [node.all(cls="name")[0].text for node in root.all(cls="stage")] == ["stem", "1"]
    assert [len(node.all(cls="cell")) for node in root.all(cls="stage")] == [1, 2]
    assert [node.text for node in root.all(cls="on")] == ["2"]
    assert [node.attributes["title"] for node in root.all(cls="cell")] == [
        "conv1: 3x3",
        "block 1",
        "block 2",
    ]


@pytest.mark.parametrize(
    ("count", "columns", "rows"), [(6, 3, 2), (7, 3, 3), (1, 1, 1), (2, 5, 1), (64, 8, 8)]
)
def test_a_channel_grid_has_a_field_for_each_channel_over_the_mosaic(count, columns, rows):
    titles = [(str(i), f"channel {i}") for i in range(count)]
    html = boards.channel_grid(IMAGE, "all channels", columns, titles, "0")
    found = picks(html)
    assert [(node.attributes["data-pick"], node.attributes["title"]) for node in found] == titles
    assert [node.matches("cls", "on") for node in found] == [True] + [False] * (count - 1)
    assert (
        f"grid-template-columns:repeat({columns},1fr);grid-template-rows:repeat({rows},1fr)" in html
    )


def test_a_residual_sum_reads_x_plus_f_is_y_and_its_bar_shows_the_shares():
    maps = [Tile("", IMAGE, name) for name in ("x", "F", "y")]
    root = parse(boards.residual_sum(maps, "", [("shortcut 70%", 0.7), ("branch 30%", 0.3)]))
    (whole,) = root.all(cls="sum")
    assert whole.text == "x+F=y"
    (bar,) = root.all(cls="share")
    styles = [node.attributes["style"] for node in bar.all(tag="div")]
    assert [style.split(";")[0] for style in styles] == ["width:70.00%", "width:30.00%"]
    assert "#009E73" in styles[0]  # neither is a residual nor a plain network: not blue, not orange
    assert "#CC79A7" in styles[1]
    assert [node.text for node in bar.all(tag="div")] == ["shortcut 70%", "branch 30%"]


@pytest.mark.parametrize(
    "board",
    [
        boards.thumbnails([Tile(v, IMAGE, v) for v in "abc"], "b"),
        boards.probability_bars([(v, v, 0.3) for v in "abc"], "b"),
        boards.network([("stage", [Cell(v, v, v) for v in "abc"])], "b"),
        boards.channel_grid(IMAGE, "", 2, [(v, v) for v in "abc"], "b"),
    ],
)
def test_of_several_choices_the_chosen_one_says_so_to_a_screen_reader(board: str):
    states = {n.attributes["data-pick"]: n.attributes["aria-pressed"] for n in picks(board)}
    assert states == {"a": "false", "b": "true", "c": "false"}
