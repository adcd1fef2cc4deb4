"""The part on lesions: the numbers of the probe, for the chosen model and photo."""

import re

import pytest
import torch
from PIL import Image
from streamlit.testing.v1 import AppTest

from resviz.data import datasets, samples
from resviz.data.images import decode
from resviz.models import zoo
from resviz.probes.core.prediction import predict
from resviz.probes.gradient_flow.lesions import answers, lesioned
from resviz.ui.gradient_flow import lesion_twins
from tests.app.test_pages import run as visit

CIFAR = "bundled/resnet20-cifar10"


def run(**query: str) -> AppTest:
    return visit("gradient_flow", **{"part": "lesions", "whose": "mine", **query})


def words(app: AppTest) -> str:
    assert not app.exception
    assert not app.error
    return "\n".join(e.value for kind in (app.caption, app.markdown, app.info) for e in kind)


def test_blocks_taken_out_change_the_answer_as_the_probe_says():
    off = ["layer1.0", "layer2.0", "layer3.0", "layer3.1"]
    loaded = zoo.load(CIFAR)
    x = loaded.preprocess(decode(samples.read(samples.SAMPLES[0].key)).image)[None]
    whole = predict(loaded.model, x, loaded.labels).top[0]
    with lesioned(loaded.model, off):
        left = predict(loaded.model, x, loaded.labels).top[0]
    said = words(run(model=CIFAR, off=",".join(off)))
    assert "4 out." in said
    assert f"**{left.label}**" in said
    assert ("stays" if left.index == whole.index else "changes from") in said
    assert "9 blocks make 512 paths" in said


def test_all_blocks_come_back_at_a_click():
    app = run(model="new/residual-8?width=4", off="layer1.0,nonsense,layer2.0")
    assert "2 out." in words(app)
    next(button for button in app.button if button.label == "Put all back").click().run()
    assert "0 out." in words(app)
    assert "Its answer stays" in words(app)


@pytest.mark.parametrize(
    ("model", "says"),
    [
        ("new/plain-14?width=4", "one path only"),
        ("new/residual-128?width=1", "at most 60 blocks"),
        ("torchvision/alexnet?weights=none", "resviz's own networks only"),
    ],
)
def test_what_cannot_be_shown_says_why(model, says):
    assert says in words(run(model=model))


def pair_says(**query: str) -> AppTest:
    app = run(whose="pair", **query)
    assert not app.exception
    return app


def hits(app: AppTest) -> dict[str, tuple[float, float]]:
    """Accuracies before and after by network, as the page offers them for download."""
    board = next(
        e.proto.json
        for e in app.main
        if "pair-hits" in getattr(getattr(e, "proto", None), "id", "")
    )
    found = re.findall(r"label[^>]*>([\w-]+)<.*?muted[^>]*>([\d.]+)%<.*?<b>([\d.]+)%", board)
    return {name: (float(before) / 100, float(after) / 100) for name, before, after in found}


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
    found = hits(pair_says(**query))
    for family, title in (("residual", "Residual-20"), ("plain", "Plain-20")):
        loaded = zoo.load(lesion_twins.NAMES[family])
        x = torch.stack(
            [loaded.preprocess(Image.fromarray(i.permute(1, 2, 0).numpy())) for i in test.images]
        )
        whole = answers(loaded.model, x, test.targets)
        left = answers(loaded.model, x, test.targets, removed[family], swapped)
        assert found[title] == pytest.approx((whole.accuracy, left.accuracy), abs=6e-4)


def test_the_pair_tells_how_many_blocks_each_network_has_lost():
    said = words(run(whose="pair", out="layer1.2,layer2.0,layer3.0"))
    assert "Out: 3 of the residual network, 1 of the plain one." in said


def test_the_pair_goes_back_to_whole_at_a_click():
    app = pair_says(out="layer1.1,nonsense", swap="layer1.0,layer1.1")
    assert hits(app)["Plain-20"][1] < 0.5
    next(button for button in app.button if button.label == "Put all back").click().run()
    assert all(before == after for before, after in hits(app).values())


def test_the_chosen_network_is_asked_about_its_own_data_where_they_are_here():
    name, pair = lesion_twins.NAMES["plain"], ("layer1.0", "layer1.1")
    app = run(model=name, swap=",".join(pair))
    assert "200 test images of Digits, 8×8." in words(app)
    board = next(
        e.proto.json for e in app.main if "-hits" in getattr(getattr(e, "proto", None), "id", "")
    )
    shown = [float(n) / 100 for n in re.search(r"([\d.]+)%<.*?<b>([\d.]+)%", board).groups()]
    test, loaded = datasets.load("digits", 8, few=200).test, zoo.load(name)
    x = torch.stack(
        [loaded.preprocess(Image.fromarray(i.permute(1, 2, 0).numpy())) for i in test.images]
    )
    expected = [
        answers(loaded.model, x, test.targets, swapped=swap).accuracy for swap in (None, pair)
    ]
    assert shown == pytest.approx(expected, abs=6e-4)
