"""One row a layer, with the numbers of the layers themselves."""

import numpy as np
import pytest
from torch import Tensor, nn

from resviz.probes.batchnorm.statistics import batchnorm
from resviz.probes.batchnorm.summary import table
from tests.probes.example_nets import cifar, picture

STORED = {"name", "channels", "batches", "gamma_mean", "beta_mean", "switched_off"}


def test_without_images_only_what_is_stored_is_told():
    records = table(batchnorm(cifar(8))).records()
    assert set(records[0]) >= STORED
    assert not {"drift", "batch_mean", "dead_channels"} & set(records[0])


def test_numbers_are_means_over_channels():
    layers = batchnorm(cifar(8), picture(16, batch=3))
    for record, layer in zip(table(layers).records(), layers, strict=True):
        assert record["name"] == layer.layer
        assert record["gamma_mean"] == pytest.approx(np.mean(layer.gamma))
        assert record["shift_rms"] == pytest.approx(np.sqrt(np.mean(layer.shift**2)))
        assert record["drift"] == layer.drift
        assert record["values_per_channel"] == layer.batch.values


def test_a_layer_that_did_not_run_has_no_numbers_of_the_batch():
    class Idle(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.used, self.idle = nn.BatchNorm2d(3), nn.BatchNorm2d(3)

        def forward(self, x: Tensor) -> Tensor:
            return self.used(x)

    used, idle = table(batchnorm(Idle(), picture(8))).records()
    assert used["drift"] is not None
    assert (idle["drift"], idle["channels"]) == (None, 3)
