"""Training against arithmetic by hand: schedule, update, evaluation.

And what may not change a result.
"""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from resviz.device import Device
from resviz.models.architectures.resnet import build
from resviz.models.spec import ModelSpec
from resviz.training.config import TrainConfig
from resviz.training.engine.augmentation import Batches
from resviz.training.engine.evaluation import evaluate
from resviz.training.engine.optimiser import learning_rate
from resviz.training.engine.trainer import train
from resviz.training.events import EpochEnd, Step
from resviz.training.runs.folder import statistics
from tests.training.squares import CONFIG, CPU, MODEL, dataset

DATA = dataset()
PIXELS = statistics(DATA)


def network(seed: int = 0, more: str = "") -> nn.Module:
    return build(ModelSpec.parse(f"{MODEL.removeprefix('new/')}&seed={seed}{more}"))


def trained(
    config: TrainConfig = CONFIG, device: Device = CPU, more: str = ""
) -> tuple[nn.Module, list]:
    model = network(more=more)
    return model, list(train(model, DATA, config, device, PIXELS))


def weights(model: nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


# ---- one update, by hand


def by_hand(config: TrainConfig, steps: int) -> tuple[dict[str, torch.Tensor], list[float]]:
    """SGD with Nesterov momentum as Sutskever et al.

    2013 in PyTorch's form, decay on kernels and matrices only.
    """
    model = network().train()
    names, parameters = zip(*model.named_parameters(), strict=True)
    velocity = [torch.zeros_like(p) for p in parameters]
    batches = Batches(DATA.train.images, DATA.train.targets, config, *PIXELS)
    total, losses = config.epochs * len(batches), []
    pairs = [pair for epoch in range(config.epochs) for pair in batches.epoch(epoch)]
    for step, (images, targets) in enumerate(pairs[:steps]):
        log_p = model(images).log_softmax(1)
        right, uniform = -log_p[range(len(targets)), targets], -log_p.mean(1)
        loss = ((1 - config.label_smoothing) * right + config.label_smoothing * uniform).mean()
        gradients = torch.autograd.grad(loss, parameters)
        lr = learning_rate(config, step / total)
        with torch.no_grad():
            for p, v, g in zip(parameters, velocity, gradients, strict=True):
                g = g + config.weight_decay * p if p.ndim > 1 else g
                v.mul_(config.momentum).add_(g)
                p.sub_(lr * (g + config.momentum * v))
        losses.append(loss.item())
    return dict(zip(names, (p.detach() for p in parameters), strict=True)), losses


@pytest.mark.parametrize("steps", [1, 3, 6])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"weight_decay": 0.3},
        {"momentum": 0.0},
        {"label_smoothing": 0.2},
        {"augmentation": "crop"},
    ],
    ids=lambda changes: "-".join(changes) or "usual",
)
def test_updates_are_those_of_sgd_written_by_hand(changes, steps):
    config = replace(CONFIG, **changes)
    model = network()
    events = train(model, DATA, config, CPU, PIXELS)
    seen = [
        event
        for event in (next(events) for _ in range(steps + steps // 5))
        if isinstance(event, Step)
    ]
    expected, losses = by_hand(config, len(seen))
    assert [step.loss for step in seen] == pytest.approx(losses, abs=1e-5)
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(parameter.detach(), expected[name], atol=1e-6, rtol=1e-5)


# ---- what training reports


def test_every_update_and_every_epoch_is_reported_in_order():
    _, events = trained()
    kinds = [type(event) for event in events]
    assert kinds == ([Step] * 4 + [EpochEnd]) * 3
    steps = [event for event in events if isinstance(event, Step)]
    assert [step.step for step in steps] == list(range(12))
    assert [step.epoch for step in steps] == [0] * 4 + [1] * 4 + [2] * 4
    assert {step.steps for step in steps} == {12}
    assert [step.lr for step in steps] == [learning_rate(CONFIG, i / 12) for i in range(12)]
    assert all(step.seconds > 0 for step in steps)


def test_an_epoch_reports_the_means_of_its_steps_and_the_test_split():
    model, events = trained()
    for end in (event for event in events if isinstance(event, EpochEnd)):
        steps = [event for event in events if isinstance(event, Step) and event.epoch == end.epoch]
        assert end.train_loss == pytest.approx(np.mean([step.loss for step in steps]))
        assert end.train_accuracy == pytest.approx(np.mean([step.accuracy for step in steps]))
    assert events[-1].test == evaluate(model, DATA.test, PIXELS, CPU, 2)


def test_accuracy_of_a_step_is_the_share_of_right_answers_before_the_update():
    config = replace(CONFIG, batch_size=32, epochs=1)
    images, targets = next(Batches(DATA.train.images, DATA.train.targets, config, *PIXELS).epoch(0))
    answers = network().train()(images).argmax(1)
    step = next(train(network(), DATA, config, CPU, PIXELS))
    assert step.accuracy == pytest.approx((answers == targets).float().mean().item())


def test_the_model_trains_in_training_mode_and_is_measured_in_evaluation_mode():
    model = network()
    modes = []
    model.register_forward_hook(lambda module, *_: modes.append(module.training))
    list(train(model, DATA, replace(CONFIG, epochs=2), CPU, PIXELS))
    assert modes == ([True] * 4 + [False]) * 2
    assert not model.training


@pytest.mark.parametrize("augmentation", ["none", "crop", "resized-crop"])
def test_two_colours_are_told_apart_within_a_few_epochs(augmentation):
    _, events = trained(replace(CONFIG, epochs=6, augmentation=augmentation))
    assert events[-1].test.accuracy == 1.0
    assert events[-1].test.by_class == (1.0, 1.0)
    assert events[-1].test.loss < 0.2
    assert events[-1].train_loss < events[4].train_loss


# ---- what repeats, and what changes


@pytest.mark.parametrize("augmentation", ["crop", "resized-crop"])
def test_the_same_seed_repeats_to_the_last_bit(augmentation):
    config = replace(CONFIG, augmentation=augmentation, epochs=2)
    first, events = trained(config)
    torch.manual_seed(123)  # what else the process draws does not matter
    torch.rand(7)
    second, again = trained(config)
    assert all(
        torch.equal(a, b)
        for a, b in zip(weights(first).values(), weights(second).values(), strict=True)
    )
    assert [replace(e, seconds=0) if isinstance(e, Step) else e for e in events] == [
        replace(e, seconds=0) if isinstance(e, Step) else e for e in again
    ]


def test_another_seed_gives_another_order():
    losses = [
        [e.loss for e in trained(replace(CONFIG, seed=seed))[1] if isinstance(e, Step)]
        for seed in (0, 1)
    ]
    assert losses[0] != losses[1]


def test_training_draws_nothing_from_the_process():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    trained(replace(CONFIG, epochs=1, augmentation="resized-crop"))
    assert torch.equal(torch.rand(3), expected)


def test_precision_float32_ignores_what_the_device_would_gain():
    fast = Device("cpu", "CPU", 1, torch.bfloat16)
    full, half = weights(trained()[0]), weights(trained(device=fast)[0])
    assert all(torch.equal(full[name], half[name]) for name in full)


def test_half_precision_computes_with_fewer_digits_but_keeps_float32_weights():
    config = replace(CONFIG, precision="auto", epochs=6)
    model, events = trained(config, Device("cpu", "CPU", 1, torch.bfloat16))
    exact = trained(config)[1][0].loss
    assert events[0].loss != exact
    assert events[0].loss == pytest.approx(exact, rel=0.05)
    assert events[-1].test.accuracy == 1.0
    assert {value.dtype for value in model.parameters()} == {torch.float32}


# ---- BatchNorm's statistics, measured again


def test_the_last_epoch_is_tested_with_the_statistics_that_are_kept():
    model, events = trained(replace(CONFIG, recalibration=8))
    last = [event for event in events if isinstance(event, EpochEnd)][-1]
    assert last.test == evaluate(model, DATA.test, PIXELS, CPU, len(DATA.labels))
