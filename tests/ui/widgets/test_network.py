"""The unit that is opened is the one in which the chosen layer lies.

Every layer with a map can be chosen.
"""

import re

import pytest

from resviz.data import samples
from resviz.data.images import decode
from resviz.ui.services import architecture, models
from resviz.ui.services.subject import Subject
from resviz.ui.widgets import clickable, network

MODEL = "new/residual-20"


@pytest.fixture
def subject() -> Subject:
    return Subject(MODEL, decode(samples.read("church")), "church")


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is put onto the page."""
    shown: list[str] = []
    monkeypatch.setattr(network.page, "dark", lambda: False)
    monkeypatch.setattr(network, "_", lambda text: text)
    monkeypatch.setattr(clickable, "show", lambda html, *_: shown.append(html))
    return shown


def chosen(html: str) -> list[str]:
    return re.findall(r'class="[^"]* on" data-pick="([^"]*)"', html)


def test_the_block_of_the_chosen_layer_is_marked_in_both_drawings(subject, shown):
    network.network(subject, "layer2.1.conv2")
    (html,) = shown
    assert html.count("<svg class=") == 2
    wide, narrow = html.split("</svg>")[:2]
    assert chosen(wide) == ["layer2.1"]
    assert chosen(narrow)[0] in {"layer2.1", "layer2.0", "layer1.0"}


def test_inside_the_block_each_step_can_be_chosen(subject, shown):
    network.inside(subject, "layer2.1.conv2")
    (html,) = shown
    picks = set(re.findall(r'data-pick="([^"]*)"', html))
    own = {"conv1", "bn1", "relu1", "conv2", "bn2", "add", "relu2", "shortcut"}
    assert picks == {f"layer2.1.{name}" for name in own}
    assert set(chosen(html)) == {"layer2.1.conv2"}


def test_a_folded_run_is_chosen_by_any_of_its_blocks():
    whole = architecture.folded("new/residual-56", 10)
    place = network._place_of("layer1.5.conv1", whole)
    assert place is not None
    assert "layer1.5" in whole.units[place].names


def test_every_box_with_a_map_shows_it(subject, shown):
    network.network(subject, "layer1.0")
    wide = shown[0].split("</svg>")[0]
    units = architecture.folded(MODEL, network.MOST_BOXES).units
    maps = [u for u in units if u.name in models.map_blocks(MODEL) or u.role == "stem"]
    assert wide.count('class="pixel"') == len(maps)
