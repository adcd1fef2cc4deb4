"""Batches are drawn from their seed alone, and photos are squares of the sample photos."""

import torch

from resviz.models import zoo
from resviz.probes.gradient_flow.batches import Batch


def test_noise_has_the_mean_and_spread_of_normalised_pixels():
    x, _targets = Batch(size=64).draw(0, zoo.load("new/plain-8").preprocess, 10)
    assert abs(float(x.mean())) < 0.01
    assert abs(float(x.std()) - 1) < 0.01


def test_targets_are_those_of_the_same_seed_whatever_the_images_are():
    preprocess = zoo.load("new/plain-8").preprocess
    _x, noise = Batch(size=14).draw(3, preprocess, 10)
    _x, photos = Batch(size=14, source="photos").draw(3, preprocess, 10)
    assert torch.equal(noise, photos)
