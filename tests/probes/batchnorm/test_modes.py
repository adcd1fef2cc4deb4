"""Batch and recalibrated statistics against a copy of the network in training mode."""

import copy

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from resviz.errors import ProbeError
from resviz.probes.batchnorm import modes
from resviz.probes.batchnorm.modes import accuracy, batchnorm_modes
from resviz.probes.batchnorm.recalibration import normalised_with, recalibrate
from tests.probes.example_nets import cifar, left_as_found, picture

X, OTHER = picture(16, batch=6), picture(16, seed=2, batch=8) * 2 + 1


def training_copy(model: nn.Module, *batches: Tensor) -> tuple[nn.Module, Tensor]:
    """A copy that has seen the batches in training mode, equally weighted; its last output."""
    twin = copy.deepcopy(model).train()
    for module in twin.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.reset_running_stats()
            module.momentum = None
    for batch in batches:
        output = twin(batch)
    return twin, output.detach()


def outputs(model: nn.Module, x: Tensor) -> dict[str, Tensor]:
    found = {}
    handles = [
        module.register_forward_hook(
            lambda _m, _i, output, name=name: found.update({name: output.detach()})
        )
        for name, module in model.named_modules()
        if isinstance(module, nn.BatchNorm2d)
    ]
    model(x)
    for handle in handles:
        handle.remove()
    return found


def test_scores_of_the_modes_are_those_of_eval_of_train_and_of_a_recalibrated_copy():
    model = cifar(8)
    with left_as_found(model):
        statistics = recalibrate(model, [OTHER])
        evaluated, batch, recalibrated = batchnorm_modes(model, X, statistics)
    np.testing.assert_allclose(evaluated.scores, model(X).detach().numpy(), atol=1e-5)
    np.testing.assert_allclose(batch.scores, training_copy(model, X)[1].numpy(), atol=1e-4)
    twin, _ = training_copy(model, OTHER)
    np.testing.assert_allclose(recalibrated.scores, twin.eval()(X).detach().numpy(), atol=1e-4)
    assert np.abs(batch.scores - evaluated.scores).max() > 0.1


def test_change_of_each_layer_is_measured_against_evaluation():
    model = cifar(8)
    evaluated, batch = batchnorm_modes(model, X)
    ours, theirs = outputs(model.eval(), X), outputs(copy.deepcopy(model).train(), X)
    assert batch.layers == tuple(ours)
    assert (evaluated.change == 0).all()
    expected = [float((theirs[name] - ours[name]).norm() / ours[name].norm()) for name in ours]
    np.testing.assert_allclose(batch.change, expected, rtol=1e-3)


def test_top_names_the_likeliest_classes_of_one_image():
    mode = batchnorm_modes(cifar(8), X)[0]
    top = mode.top(4, ("zero", "one"), 3)
    order = np.argsort(-mode.scores[4])[:3]
    assert [guess.index for guess in top] == order.tolist()
    shares = np.exp(mode.scores[4]) / np.exp(mode.scores[4]).sum()
    assert [guess.probability for guess in top] == pytest.approx(shares[order].tolist(), rel=1e-4)
    assert {guess.label for guess in mode.top(0, ("zero", "one"), 10)} >= {"zero", "one", "class 9"}


def test_accuracy_counts_what_each_mode_gets_right():
    model = cifar(8)
    evaluated, batch, recalibrated = batchnorm_modes(
        model, X, statistics := recalibrate(model, [OTHER])
    )
    targets = torch.from_numpy(batch.scores.argmax(1))
    with left_as_found(model):
        assert accuracy(model, [(X, targets)], "batch") == 1
        found = accuracy(model, [(X[:4], targets[:4]), (X[4:], targets[4:])])
        again = accuracy(model, [(X, targets)], "recalibrated", statistics)
    assert found == (evaluated.scores.argmax(1) == targets.numpy()).mean()
    assert again == (recalibrated.scores.argmax(1) == targets.numpy()).mean()


def squares(count: int, seed: int, dark: bool) -> tuple[Tensor, Tensor]:
    """Images of two classes, a brighter left or right half; `dark` turns the contrast far down."""
    random = torch.Generator().manual_seed(seed)
    targets = torch.randint(2, (count,), generator=random)
    x = torch.randn(count, 3, 8, 8, generator=random) * 0.5
    for half in (0, 1):
        x[targets == half, :, :, half * 4 : half * 4 + 4] += 0.8
    return (x * 0.1 - 3 if dark else x), targets


def test_recalibration_gives_a_network_back_what_a_shift_of_its_images_took():
    """Trained here: right on what it knows, guessing on dark images, right once recalibrated."""
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.AvgPool2d(3),
        nn.Flatten(),
        nn.Linear(32, 2),
    )
    for step in range(60):
        x, targets = squares(64, step, dark=False)
        loss = torch.nn.functional.cross_entropy(model(x), targets)
        for parameter, gradient in zip(
            model.parameters(), torch.autograd.grad(loss, list(model.parameters())), strict=True
        ):
            parameter.data -= 0.3 * gradient
    model.eval()
    known, dark, others = (
        squares(200, 1000, False),
        squares(200, 1001, True),
        squares(200, 1002, True),
    )
    assert accuracy(model, [known]) > 0.95
    assert accuracy(model, [dark]) < 0.7
    assert accuracy(model, [dark], "recalibrated", recalibrate(model, [others[0]])) > 0.95


def test_a_batch_of_one_value_per_channel_is_refused_in_a_sentence():
    model = nn.Sequential(nn.Conv2d(3, 4, 8), nn.BatchNorm2d(4), nn.Flatten()).eval()
    with (
        left_as_found(model),
        pytest.raises(ProbeError, match="A batch of one gives 1 one value per channel"),
    ):
        batchnorm_modes(model, picture(8))
    with pytest.raises(ProbeError, match="add an image"):
        recalibrate(model, [picture(8)])


def test_a_batch_of_one_photo_with_several_places_works():
    evaluated, batch = batchnorm_modes(cifar(8), X[:1])
    assert (len(evaluated.scores), len(batch.scores)) == (1, 1)
    assert np.isfinite(batch.scores).all()


def test_constant_channels_give_beta():
    model = nn.Sequential(nn.BatchNorm2d(3), nn.Flatten()).eval()
    model[0].bias.data.copy_(torch.tensor([0.5, -1.0, 2.0]))
    _, batch = batchnorm_modes(model, torch.full((2, 3, 1, 1), 7.0))
    np.testing.assert_allclose(batch.scores, [[0.5, -1.0, 2.0]] * 2, atol=1e-4)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda model: recalibrate(model, []), "no image to measure statistics"),
        (lambda model: accuracy(model, []), "no image to measure accuracy"),
        (
            lambda model: accuracy(model, [(X, torch.zeros(6, dtype=torch.long))], "recalibrated"),
            "measure them",
        ),
        (lambda model: batchnorm_modes(model, X * float("nan")), "not finite"),
        (lambda model: batchnorm_modes(cifar(8, norm="group"), X), "GroupNorm"),
        (
            lambda model: batchnorm_modes(nn.Sequential(nn.BatchNorm2d(3)).eval(), X),
            "no class scores",
        ),
    ],
)
def test_what_cannot_be_done_is_one_sentence(call, says):
    with pytest.raises(ProbeError, match=says):
        call(cifar(8))


def test_each_mode_runs_alone_so_that_no_layer_mixes_them():
    """The second BatchNorm has no running statistics: it normalises over what lies in one batch."""
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3),
        nn.BatchNorm2d(8),
        nn.BatchNorm2d(8, track_running_stats=False),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
    ).eval()
    model[1].running_mean += 2
    statistics = recalibrate(model, [OTHER])
    with left_as_found(model):
        modes = batchnorm_modes(model, X, statistics)
    with torch.no_grad():
        np.testing.assert_allclose(modes[0].scores, model(X).numpy(), atol=1e-6)
        for mode in modes[1:]:
            with normalised_with(model, mode.name, statistics):
                np.testing.assert_allclose(mode.scores, model(X).numpy(), atol=1e-6)


def test_outputs_that_do_not_fit_are_compared_in_further_rounds(monkeypatch):
    model = cifar(8)
    expected = batchnorm_modes(model, X)
    monkeypatch.setattr(modes, "HELD_BYTES", 1)  # one layer a round
    found = batchnorm_modes(model, X)
    assert found[1].layers == expected[1].layers
    np.testing.assert_allclose(found[1].change, expected[1].change, rtol=1e-6)
    np.testing.assert_array_equal(found[1].scores, expected[1].scores)


def test_a_model_in_float64_answers_in_float64():
    found = batchnorm_modes(cifar(8).double(), X.double())
    assert all(mode.scores.dtype == np.float64 for mode in found)


def test_the_table_has_five_answers_for_each_image_and_mode():
    rows = modes.table(batchnorm_modes(cifar(8), X[:2]), ("a", "b"), ("zero",)).records()
    assert len(rows) == 2 * 2 * 5
    assert {row["image"] for row in rows} == {"a", "b"}
    assert {row["statistics"] for row in rows} == {"eval", "batch"}
