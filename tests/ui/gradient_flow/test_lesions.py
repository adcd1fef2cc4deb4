"""Remove blocks, in the chosen model: what the page says of the photo is what the probe says."""

import re

import pytest
import torch
from PIL import Image

from resviz.data import datasets, samples
from resviz.data.images import decode
from resviz.models import zoo
from resviz.probes.core.prediction import predict
from resviz.probes.gradient_flow.lesions import answers, lesioned
from resviz.ui.gradient_flow import lesion_twins
from tests.ui.gradient_flow import pages
from tests.ui.gradient_flow.pages import board, text

CIFAR = "bundled/resnet20-cifar10"


def run(**query: str):
    return pages.run(**{"part": "lesions", "whose": "mine", **query})


def test_blocks_taken_out_change_the_answer_as_the_probe_says():
    off = ["layer1.0", "layer2.0", "layer3.0", "layer3.1"]
    loaded = zoo.load(CIFAR)
    x = loaded.preprocess(decode(samples.read(samples.SAMPLES[0].key)).image)[None]
    whole = predict(loaded.model, x, loaded.labels).top[0]
    with lesioned(loaded.model, off):
        left = predict(loaded.model, x, loaded.labels).top[0]
    page = text(run(model=CIFAR, off=",".join(off)))
    assert "4 out." in page
    assert f"**{left.label}**" in page
    assert ("stays" if left.index == whole.index else "changes from") in page
    assert "9 blocks make 512 paths" in page


def test_all_blocks_come_back_at_a_click():
    app = run(model="new/residual-8?width=4", off="layer1.0,nonsense,layer2.0")
    assert "2 out." in text(app)
    next(button for button in app.button if button.label == "Put all back").click().run()
    assert "0 out." in text(app)
    assert "Its answer stays" in text(app)


@pytest.mark.parametrize(
    ("model", "says"),
    [
        ("new/plain-14?width=4", "one path only"),
        ("new/residual-128?width=1", "at most 60 blocks"),
        ("torchvision/alexnet?weights=none", "resviz's own networks only"),
    ],
)
def test_what_cannot_be_shown_says_why(model, says):
    assert says in text(run(model=model))


def test_the_chosen_network_is_asked_about_its_own_data_where_they_are_here():
    name, pair = lesion_twins.NAMES["plain"], ("layer1.0", "layer1.1")
    app = run(model=name, swap=",".join(pair))
    assert "200 test images of Digits, 8×8." in text(app)
    drawn = board(app, "-accuracy")
    shown = [float(n) / 100 for n in re.search(r"([\d.]+)%<.*?<b>([\d.]+)%", drawn).groups()]
    test, loaded = datasets.load("digits", 8, few=200).test, zoo.load(name)
    x = torch.stack(
        [loaded.preprocess(Image.fromarray(i.permute(1, 2, 0).numpy())) for i in test.images]
    )
    expected = [
        answers(loaded.model, x, test.targets, swapped=swap).accuracy for swap in (None, pair)
    ]
    assert shown == pytest.approx(expected, abs=6e-4)
