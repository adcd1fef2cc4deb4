"""Switches say what a click does, and swapped blocks stand in each other's place."""

import re

from resviz.ui.gradient_flow.switchboard import switchboard

CAN = {"layer1.0": True, "layer1.1": True, "layer2.0": False}


def test_a_switch_says_its_network_its_block_and_what_a_click_does():
    html = switchboard(CAN, ["layer1.1"], network="Plain-20")
    assert re.findall(r'aria-checked="(\w+)" title="([^"]*)"', html) == [
        ("true", "Plain-20 layer1.0: click to take it out or put it back"),
        ("false", "Plain-20 layer1.1: click to take it out or put it back"),
    ]
    assert 'title="Plain-20 layer2.0 cannot be taken out"' in html


def test_swapped_blocks_stand_in_each_others_place():
    html = switchboard(CAN, [], swap=("layer1.0", "layer1.1"))
    assert re.findall(r'data-pick="([\w.]+)"[^>]*>([^<]*)<', html) == [
        ("layer1.0", "1 ⇄"),
        ("layer1.1", "0 ⇄"),
    ]
