"""The overview says what the probes say, for the photo and the class that were chosen."""

import numpy as np
import pytest

from resviz.data import samples
from resviz.data.images import decode
from resviz.models import zoo
from resviz.probes.attribution.grad_cam import grad_cam
from resviz.probes.core.layers import blocks, last_spatial
from resviz.probes.core.prediction import predict
from resviz.ui.overview import panels
from resviz.ui.services.subject import Subject

MODEL = "new/residual-8?width=4"


@pytest.fixture(scope="module")
def subject() -> Subject:
    return Subject(MODEL, decode(samples.read("dog")), "dog")


def test_the_evidence_is_grad_cam_of_the_likeliest_class_at_the_last_map(subject: Subject):
    loaded = zoo.load(MODEL)
    x = loaded.preprocess(subject.photo.image)[None]
    top = predict(loaded.model, x, loaded.labels).top[0]
    layer = last_spatial(loaded.model, loaded.input_size)
    result = panels.answer(subject)
    assert result.guess == top
    assert result.evidence.layer == layer
    expected = grad_cam(loaded.model, x, layer, top.index).map
    np.testing.assert_allclose(result.evidence.map, expected, rtol=1e-4, atol=1e-7)


def test_every_block_of_a_small_network_has_its_map_in_forward_order(subject: Subject):
    assert tuple(panels.answer(subject).maps) == blocks(zoo.load(MODEL).model)
