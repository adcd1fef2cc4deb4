"""Results are computed once for a model and a batch, on a clone that nobody else has."""

import numpy as np
import pytest

from resviz.models import zoo
from resviz.probes.batchnorm.statistics import batchnorm
from resviz.ui.batchnorm import results
from resviz.ui.services.image_batches import Batch, tensor
from tests.app.test_pages import SMALL


@pytest.fixture
def batch() -> Batch:
    pixels = np.random.default_rng(3).integers(0, 256, (3, 3, 32, 32), np.uint8)
    return Batch("results-test", ("a", "b", "c"), pixels)


def test_layers_are_what_the_probe_says_of_the_normalised_batch(batch: Batch) -> None:
    found = results.layers(SMALL, batch)
    expected = batchnorm(zoo.load(SMALL).model, tensor(SMALL, batch).cpu())
    assert [layer.layer for layer in found] == [layer.layer for layer in expected]
    for one, other in zip(found, expected, strict=True):
        assert one.drift == pytest.approx(other.drift, rel=1e-4)


def test_modes_are_computed_once(batch: Batch) -> None:
    shares: list[float] = []
    first = results.modes(SMALL, batch, batch, shares.append)
    again = results.modes(SMALL, batch, batch, shares.append)
    assert again is first
    assert shares == [0.1, 0.4]
    assert [mode.name for mode in first] == ["eval", "batch", "recalibrated"]


def test_a_folding_has_pairs_check_and_reasons(batch: Batch) -> None:
    model = "new/preactivation-8?width=4"
    folding = results.folded(model, batch)
    norms = {layer.layer for layer in results.layers(model, batch)}
    assert {pair.norm for pair in folding.pairs} | set(folding.reasons) == norms
    assert folding.check.pairs == len(folding.pairs)
