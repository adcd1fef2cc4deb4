"""Paths by length: the caption is the probe's, and what cannot be sampled says why."""

import pytest

from resviz.data import samples
from resviz.data.images import decode
from resviz.models import zoo
from resviz.probes.core.prediction import predict
from resviz.probes.gradient_flow.paths import paths
from tests.ui.gradient_flow.pages import run, text


def test_the_caption_says_the_probes_lengths():
    name = "new/residual-14?width=4"
    loaded = zoo.load(name)
    x = loaded.preprocess(decode(samples.read(samples.SAMPLES[0].key)).image)[None]
    target = predict(loaded.model, x, loaded.labels).top[0].index
    low, high = paths(loaded.model, x, target, samples=64 // 7).most
    page = text(run(part="lesions", whose="mine", model=name))
    assert f"Paths of {low} to {high} branches carry 95% of the gradient" in page
    assert "6 blocks make 64 paths" in page


@pytest.mark.parametrize(
    ("model", "says"),
    [("new/plain-14?width=4", "one path only"), ("new/residual-128?width=1", "at most 60 blocks")],
)
def test_a_network_whose_paths_are_not_sampled_says_why(model, says):
    assert says in text(run(part="lesions", whose="mine", model=model))
