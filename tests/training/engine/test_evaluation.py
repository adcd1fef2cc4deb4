"""Evaluation equals a loop over single images; BatchNorm's statistics are measured again."""

import copy
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from resviz.data.datasets import Split
from resviz.models.architectures.resnet import build
from resviz.models.spec import ModelSpec
from resviz.training.engine.evaluation import evaluate, recalibrate
from resviz.training.engine.trainer import train
from resviz.training.runs.folder import statistics
from tests.training.squares import CONFIG, CPU, MODEL, dataset, split

DATA = dataset()


PIXELS = statistics(DATA)


def network(seed: int = 0, more: str = "") -> nn.Module:
    return build(ModelSpec.parse(f"{MODEL.removeprefix('new/')}&seed={seed}{more}"))


def weights(model: nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


def scores_one_by_one(model: nn.Module, images: torch.Tensor) -> np.ndarray:
    exact = copy.deepcopy(model).double().eval()
    mean, std = (s.double()[:, None, None] for s in PIXELS)
    with torch.no_grad():
        return torch.cat(
            [exact((image.double() / 255 - mean)[None] / std) for image in images]
        ).numpy()


def test_evaluation_equals_a_loop_over_single_images():
    model = network()
    list(train(model, DATA, replace(CONFIG, epochs=1), CPU, PIXELS))
    many = split(130, 5000)  # 260 images: more than one batch
    targets = many.targets.clone()
    targets[::5] = 1 - targets[::5]  # some are wrong
    scores = scores_one_by_one(model, many.images)
    log_p = scores - scores.max(1, keepdims=True)
    log_p -= np.log(np.exp(log_p).sum(1, keepdims=True))
    right = scores.argmax(1) == targets.numpy()
    found = evaluate(model, Split(many.images, targets), PIXELS, CPU, 2)
    assert found.loss == pytest.approx(-log_p[range(260), targets].mean(), abs=1e-5)
    assert found.accuracy == pytest.approx(right.mean())
    assert found.by_class == pytest.approx([right[targets.numpy() == c].mean() for c in (0, 1)])
    assert 0.5 < found.accuracy < 1


def test_a_class_without_images_has_no_accuracy():
    model = build(ModelSpec.parse("residual-8?width=4&classes=4"))
    found = evaluate(model, split(5, 0), PIXELS, CPU, 4)
    assert [math.isnan(share) for share in found.by_class] == [False, False, True, True]
    assert found.accuracy == pytest.approx(sum(found.by_class[:2]) / 2)


def test_evaluation_leaves_the_weights_alone():
    model = network().train()
    before = weights(model)
    evaluate(model, DATA.test, PIXELS, CPU, 2)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert all(p.grad is None for p in model.parameters())
    assert not model.training


def test_recalibration_gives_the_mean_of_the_batches_own_statistics_and_changes_no_weight():
    model = network()
    before, momentum = weights(model), model.get_submodule("bn1").momentum
    images = DATA.train.images.repeat(60, 1, 1, 1)[:450]  # three batches: 200, 200 and 50
    recalibrate(model, images, PIXELS, CPU)
    mean, std = (s[:, None, None] for s in PIXELS)
    with torch.no_grad():
        outputs = [
            model.get_submodule("conv1")((b.float() / 255 - mean) / std) for b in images.split(200)
        ]
    expected = torch.stack([o.mean((0, 2, 3)) for o in outputs]).mean(0)
    variance = torch.stack([o.transpose(0, 1).flatten(1).var(1) for o in outputs]).mean(0)
    bn = model.get_submodule("bn1")
    torch.testing.assert_close(bn.running_mean, expected, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(bn.running_var, variance, atol=1e-5, rtol=1e-4)
    assert bn.momentum == momentum
    assert not model.training
    assert all(torch.equal(before[name], value) for name, value in model.named_parameters())
