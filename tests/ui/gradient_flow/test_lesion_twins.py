"""Remove blocks, residual beside plain: both networks keep what the probe says."""

import re

import pytest
import torch
from PIL import Image
from streamlit.testing.v1 import AppTest

from resviz.data import datasets
from resviz.models import zoo
from resviz.probes.gradient_flow.lesions import answers
from resviz.ui.gradient_flow import lesion_twins
from tests.ui.gradient_flow import pages
from tests.ui.gradient_flow.pages import board, text


def run(**query: str) -> AppTest:
    app = pages.run(part="lesions", **query)
    assert not app.exception
    return app


def accuracies(app: AppTest) -> dict[str, tuple[float, float]]:
    """Accuracies before and after by network, as the page draws them."""
    drawn = board(app, "pair-accuracy")
    rows = re.findall(r"label[^>]*>([\w-]+)<.*?muted[^>]*>([\d.]+)%<.*?<b>([\d.]+)%", drawn)
    return {name: (float(before) / 100, float(after) / 100) for name, before, after in rows}


@pytest.mark.parametrize(
    ("query", "removed", "swapped"),
    [
        ({}, {"residual": [], "plain": []}, None),
        (
            {"out": "layer1.2,layer2.0"},
            {"residual": ["layer1.2", "layer2.0"], "plain": ["layer1.2"]},
            None,
        ),
        ({"swap": "layer2.1,layer2.2"}, {"residual": [], "plain": []}, ("layer2.1", "layer2.2")),
    ],
)
def test_the_pair_keeps_what_the_probe_says(query, removed, swapped):
    test = datasets.load("digits", 8, test_only=True).test
    shown = accuracies(run(**query))
    for family, title in (("residual", "Residual-20"), ("plain", "Plain-20")):
        loaded = zoo.load(lesion_twins.NAMES[family])
        x = torch.stack(
            [loaded.preprocess(Image.fromarray(i.permute(1, 2, 0).numpy())) for i in test.images]
        )
        whole = answers(loaded.model, x, test.targets)
        left = answers(loaded.model, x, test.targets, removed[family], swapped)
        assert shown[title] == pytest.approx((whole.accuracy, left.accuracy), abs=6e-4)


def test_the_pair_tells_how_many_blocks_each_network_has_lost():
    page = text(run(out="layer1.2,layer2.0,layer3.0"))
    assert "Out: 3 of the residual network, 1 of the plain one." in page


def test_the_pair_goes_back_to_whole_at_a_click():
    app = run(out="layer1.1,nonsense", swap="layer1.0,layer1.1")
    assert accuracies(app)["Plain-20"][1] < 0.5
    next(button for button in app.button if button.label == "Put all back").click().run()
    assert all(before == after for before, after in accuracies(app).values())
