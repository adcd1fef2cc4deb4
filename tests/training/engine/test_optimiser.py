"""The learning rate and the decay against arithmetic by hand."""

import math
from dataclasses import replace

import pytest
import torch
from torch import nn

from resviz.models.architectures.resnet import build
from resviz.models.spec import ModelSpec
from resviz.training.config import TrainConfig
from resviz.training.engine.optimiser import learning_rate
from resviz.training.engine.trainer import train
from resviz.training.runs.folder import statistics
from tests.training.squares import CONFIG, CPU, MODEL, dataset

DATA = dataset()


PIXELS = statistics(DATA)


def network(seed: int = 0, more: str = "") -> nn.Module:
    return build(ModelSpec.parse(f"{MODEL.removeprefix('new/')}&seed={seed}{more}"))


@pytest.mark.parametrize("schedule", ["one-cycle", "cosine"])
@pytest.mark.parametrize("warmup", [0.1, 0.25, 0.9])
def test_the_learning_rate_rises_to_its_peak_and_falls_to_nothing(schedule, warmup):
    config = TrainConfig(lr=0.4, warmup=warmup, schedule=schedule)
    assert learning_rate(config, 0) == pytest.approx(
        0.004
    )  # a hundredth, for nothing would be learnt at zero
    assert learning_rate(config, warmup / 2) == pytest.approx(0.2)
    assert learning_rate(config, warmup) == pytest.approx(0.4)
    assert learning_rate(config, 1) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ("progress", "straight"), [(0.2, 1.0), (0.4, 0.75), (0.6, 0.5), (0.8, 0.25), (1.0, 0.0)]
)
def test_the_fall_is_a_line_or_half_a_cosine(progress, straight):
    one_cycle, cosine = (
        TrainConfig(lr=2.0, warmup=0.2, schedule=name) for name in ("one-cycle", "cosine")
    )
    assert learning_rate(one_cycle, progress) == pytest.approx(2 * straight)
    assert learning_rate(cosine, progress) == pytest.approx(1 + math.cos(math.pi * (1 - straight)))


@pytest.mark.parametrize(
    ("step", "expected"),
    [(0, 0.1), (31_999, 0.1), (32_000, 0.01), (47_999, 0.01), (48_000, 0.001), (63_999, 0.001)],
)
def test_steps_are_those_of_the_paper(step, expected):
    config = TrainConfig(lr=0.1, warmup=0.0, schedule="steps")
    assert learning_rate(config, step / 64_000) == pytest.approx(expected)


@pytest.mark.parametrize("schedule", ["one-cycle", "cosine"])
def test_without_warmup_the_first_step_is_the_largest(schedule):
    config = TrainConfig(lr=0.4, warmup=0.0, schedule=schedule)
    rates = [learning_rate(config, i / 10) for i in range(11)]
    assert rates[0] == pytest.approx(0.4)
    assert rates == sorted(rates, reverse=True)


def test_weight_decay_pulls_at_kernels_and_matrices_but_not_at_gamma_beta_and_biases():
    before = network()
    config = replace(CONFIG, epochs=1, batch_size=32, warmup=0.0, momentum=0.0, lr=1.0)  # one step
    plain, decayed = (network() for _ in range(2))
    list(train(plain, DATA, replace(config, weight_decay=0.0), CPU, PIXELS))
    list(train(decayed, DATA, replace(config, weight_decay=0.25), CPU, PIXELS))
    for p, a, b in zip(*(m.parameters() for m in (before, plain, decayed)), strict=True):
        pull = 0.25 * p if p.ndim > 1 else torch.zeros_like(p)
        torch.testing.assert_close(a - b, pull, atol=1e-6, rtol=1e-5)
