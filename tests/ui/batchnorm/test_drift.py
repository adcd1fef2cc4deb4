"""Drift, gamma and beta of the layers, as a visitor finds them."""

from resviz.models import zoo
from resviz.probes.batchnorm.statistics import batchnorm
from tests.app.test_pages import run, words
from tests.ui.batchnorm.pages import charts


def test_first_visit_shows_drift_gamma_and_a_channel_of_the_bundled_model() -> None:
    app = run("batchnorm")
    assert not app.exception
    assert not app.error
    assert charts(app) == 3
    layers = batchnorm(zoo.load("bundled/resnet18-imagenette").model)
    off, channels = sum(len(la.switched_off) for la in layers), sum(len(la.gamma) for la in layers)
    assert f"Of {channels:,} channels {off:,} are off" in words(app)
    assert "from 20 batches" in words(app)
