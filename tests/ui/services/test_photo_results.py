"""Results for a photo: those of the probes on the model itself, computed once."""

import numpy as np
import pytest

from resviz.data import samples
from resviz.data.images import decode
from resviz.models import zoo
from resviz.probes.attribution.methods import attribute
from resviz.probes.core.prediction import predict
from resviz.ui.services import photo_results
from resviz.ui.services.subject import Subject

SMALL = "new/residual-8?width=4"


@pytest.fixture
def subject() -> Subject:
    return Subject(SMALL, decode(samples.read(samples.SAMPLES[0].key)))


def test_the_view_is_what_the_model_s_own_preprocessing_makes(subject: Subject) -> None:
    loaded = zoo.load(SMALL)
    expected = np.array(loaded.preprocess.view(subject.photo.image))
    np.testing.assert_array_equal(np.array(photo_results.view(subject)), expected)
    assert photo_results.tensor(subject).shape == (1, 3, 32, 32)


def test_prediction_and_maps_are_those_of_the_probes(subject: Subject) -> None:
    loaded = zoo.load(SMALL)
    x = loaded.preprocess(subject.photo.image)[None]
    expected = predict(loaded.model, x, loaded.labels).probabilities
    np.testing.assert_allclose(photo_results.prediction(subject).probabilities, expected, rtol=1e-5)
    for method in ("grad-cam", "saliency"):
        layer = "layer3.0" if method == "grad-cam" else None
        ours = photo_results.attribution(subject, method, layer, 3)
        theirs = attribute(loaded.model, x, method, 3, layer)
        np.testing.assert_allclose(ours.map, theirs.map, rtol=1e-4, atol=1e-7)


def test_stage_maps_are_means_over_the_channels(subject: Subject) -> None:
    (map_,) = photo_results.stage_maps(subject, ("layer2.0",)).values()
    channels = photo_results.activation(subject, "layer2.0").values
    np.testing.assert_allclose(map_, channels.mean(0), rtol=1e-4, atol=1e-6)


def test_what_is_known_is_not_computed_again(subject: Subject) -> None:
    copy = Subject(subject.model, decode(samples.read(samples.SAMPLES[0].key)), "another title")
    assert photo_results.prediction(subject) is photo_results.prediction(copy)
    parts = photo_results.residual_parts(subject, "layer1.0")
    np.testing.assert_allclose(parts.shortcut + parts.branch, parts.total, rtol=1e-5, atol=1e-6)
    assert photo_results.residual_parts(copy, "layer1.0") is parts


def test_a_photo_is_sent_smaller_and_undistorted(subject: Subject) -> None:
    sent = decode(photo_results.jpeg(subject.photo)).image
    width, height = subject.photo.image.size
    assert max(sent.size) <= max(width, height)
    assert sent.width / sent.height == pytest.approx(width / height, rel=0.02)
