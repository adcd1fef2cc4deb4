"""BatchNorm's numbers against NumPy by hand, and against nn.BatchNorm2d in training mode."""

import copy

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from resviz.data import samples
from resviz.data.corruptions import corrupt
from resviz.data.images import decode
from resviz.errors import ProbeError
from resviz.models import zoo
from resviz.probes.batchnorm.statistics import NEAR_ZERO, BatchNormLayer, batchnorm
from tests.probes.batchnorm.test_layers import NormAct
from tests.probes.example_nets import cifar, left_as_found, picture, seeded

X = picture(16, batch=5)


def inputs(model: nn.Module, x: Tensor) -> dict[str, np.ndarray]:
    """What flows into each BatchNorm layer, (channels, values) in float64."""
    found = {}

    def keep(name: str):
        def hook(_module: nn.Module, given: tuple[Tensor, ...]) -> None:
            found[name] = given[0].detach().double().transpose(0, 1).flatten(1).numpy()

        return hook

    double = copy.deepcopy(model).double()
    for name, module in double.named_modules():
        if isinstance(module, nn.BatchNorm2d):
            module.register_forward_pre_hook(keep(name))
    double(x.double())
    return found


def by_name(model: nn.Module, x: Tensor | None = None) -> dict[str, BatchNormLayer]:
    return {layer.layer: layer for layer in batchnorm(model, x)}


@pytest.mark.parametrize("family", ["residual", "plain"])
def test_what_is_stored_is_what_the_state_dict_holds(family):
    model = cifar(8, family=family, shortcut="B")
    model.bn1.num_batches_tracked += 7
    state = {name: tensor.double().numpy() for name, tensor in model.state_dict().items()}
    layers = batchnorm(model)
    assert len(layers) == sum(name.endswith("running_var") for name in state)
    for layer in layers:
        for key, values in (
            ("weight", layer.gamma),
            ("bias", layer.beta),
            ("running_mean", layer.running_mean),
            ("running_var", layer.running_variance),
        ):
            np.testing.assert_array_equal(values, state[f"{layer.layer}.{key}"])
        assert (layer.eps, layer.momentum, layer.batch) == (1e-5, 0.1, None)
    assert (layers[0].batches, layers[1].batches) == (7, 0)


def test_mean_and_variance_of_the_batch_are_those_of_its_values():
    model = cifar(8)
    seen = inputs(model, X)
    with left_as_found(model):
        found = by_name(model, X)
    assert found.keys() == seen.keys()
    for name, layer in found.items():
        assert layer.batch.values == seen[name].shape[1]
        np.testing.assert_allclose(layer.batch.mean, seen[name].mean(1), rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(layer.batch.variance, seen[name].var(1), rtol=1e-4, atol=1e-6)


def test_the_first_layer_s_batch_mean_and_variance_are_what_training_mode_would_store():
    model = cifar(8)
    trained = copy.deepcopy(model)
    trained.bn1.momentum = 1.0
    trained.train()(X)
    first = by_name(model, X)["bn1"].batch
    np.testing.assert_allclose(first.mean, trained.bn1.running_mean.numpy(), rtol=1e-5, atol=1e-6)
    unbiased = first.variance * first.values / (first.values - 1)
    np.testing.assert_allclose(unbiased, trained.bn1.running_var.numpy(), rtol=1e-5)


def one_layer(running: tuple[float, float], gamma: float = 1.0, beta: float = 0.0) -> nn.Sequential:
    """BatchNorm of one channel on one-pixel images, then a ReLU."""
    norm = nn.BatchNorm2d(1, eps=0.0)
    norm.running_mean.fill_(running[0])
    norm.running_var.fill_(running[1])
    norm.weight.data.fill_(gamma)
    norm.bias.data.fill_(beta)
    return nn.Sequential(norm, nn.ReLU()).eval()


def values(*numbers: float) -> Tensor:
    return torch.tensor(numbers, dtype=torch.float32).reshape(-1, 1, 1, 1)


def test_distances_of_a_batch_worked_out_by_hand():
    """1, 3, 5, 7: mean 4, variance 5; against mean 1 and variance 4: shift 1.5, ratio 1.25."""
    (layer,) = batchnorm(one_layer((1.0, 4.0)), values(1, 3, 5, 7))
    assert layer.shift == pytest.approx(1.5)
    assert layer.log_ratio == pytest.approx(np.log(1.25))
    # KL(p|q) = ln(2/sqrt5) + (5 + 9)/8 - 1/2; KL(q|p) = ln(sqrt5/2) + (4 + 9)/10 - 1/2
    assert layer.divergence == pytest.approx(14 / 8 + 13 / 10 - 1)
    assert layer.drift == pytest.approx(14 / 8 + 13 / 10 - 1)


def test_divergence_is_that_of_torch_distributions():
    model = cifar(8)
    for layer in batchnorm(model, X):
        p, q = (
            torch.distributions.Normal(
                torch.from_numpy(mean), torch.from_numpy(np.sqrt(variance + layer.eps))
            )
            for mean, variance in (
                (layer.batch.mean, layer.batch.variance),
                (layer.running_mean, layer.running_variance),
            )
        )
        kl = torch.distributions.kl_divergence
        np.testing.assert_allclose(layer.divergence, kl(p, q) + kl(q, p), rtol=1e-9)


def test_the_shift_is_the_mean_of_the_standardised_values_in_evaluation_mode():
    model = cifar(8)
    norm = model.layer2[0].bn1
    norm.weight.data.fill_(1.0)
    norm.bias.data.zero_()
    outputs = []
    norm.register_forward_hook(lambda _m, _i, output: outputs.append(output))
    layer = by_name(model, X)["layer2.0.bn1"]
    np.testing.assert_allclose(
        layer.shift, outputs[0].mean((0, 2, 3)).detach().numpy(), rtol=1e-4, atol=1e-5
    )


def test_a_batch_like_the_stored_statistics_has_no_drift():
    (layer,) = batchnorm(one_layer((4.0, 5.0)), values(1, 3, 5, 7))
    assert (float(layer.shift[0]), float(layer.log_ratio[0]), layer.drift) == (0, 0, 0)


def test_dead_channels_never_pass_their_relu():
    (alive,) = batchnorm(one_layer((4.0, 5.0)), values(1, 3, 5, 7))
    (dead,) = batchnorm(one_layer((4.0, 5.0), beta=-2.0), values(1, 3, 5, 7))
    assert alive.batch.positive == 0.5
    assert (alive.dead.tolist(), dead.dead.tolist()) == ([], [0])


def test_a_channel_that_meets_a_shortcut_before_its_relu_is_not_called_dead():
    model = cifar(8)
    for block in (model.layer1[0], model.layer2[0], model.layer3[0]):
        block.bn1.bias.data.fill_(-100)
        block.bn2.bias.data.fill_(-100)
    found = by_name(model, X)
    assert found["bn1"].batch.relu
    assert found["layer1.0.bn1"].batch.relu
    assert len(found["layer1.0.bn1"].dead) == 16
    assert not found["layer1.0.bn2"].batch.relu
    assert (found["layer1.0.bn2"].batch.positive == 0).all()
    assert found["layer1.0.bn2"].dead.size == 0
    assert batchnorm(cifar(8, family="plain"), X)[2].batch.relu


def test_channels_with_a_gamma_near_zero_are_switched_off():
    model = cifar(8)
    model.bn1.weight.data[[2, 5]] = torch.tensor([0.0, -NEAR_ZERO / 2])
    assert by_name(model)["bn1"].switched_off.tolist() == [2, 5]


def test_a_constant_channel_has_variance_zero_and_a_finite_distance():
    (layer,) = batchnorm(nn.Sequential(nn.BatchNorm2d(3)).eval(), torch.full((2, 3, 4, 4), 0.1))
    assert layer.batch.constant.all()
    assert (layer.batch.variance == 0).all()
    assert np.isfinite(layer.divergence).all()


def test_one_photo_is_a_batch_over_its_places():
    layers = batchnorm(cifar(8), X[:1])
    assert layers[0].batch.values == 16 * 16
    assert all(np.isfinite(layer.drift) for layer in layers)


def test_a_layer_without_parameters_or_running_statistics_says_so_in_numbers():
    net = nn.Sequential(nn.BatchNorm2d(3, affine=False, track_running_stats=False)).eval()
    (layer,) = batchnorm(net, X)
    assert (layer.gamma.tolist(), layer.beta.tolist()) == ([1, 1, 1], [0, 0, 0])
    assert np.isnan(layer.running_mean).all()
    assert np.isnan(layer.drift)
    np.testing.assert_allclose(layer.batch.mean, X.double().mean((0, 2, 3)), atol=1e-6)


def test_a_layer_that_never_runs_has_no_batch_and_says_so():
    class Idle(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.idle, self.used = nn.BatchNorm2d(3), nn.BatchNorm2d(3)

        def forward(self, x: Tensor) -> Tensor:
            return self.used(x)

    idle, used = batchnorm(Idle(), X)
    assert used.batch is not None
    with pytest.raises(ProbeError, match="No image went through idle"):
        _ = idle.shift


def test_functional_networks_are_watched_as_well():
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm, self.head = nn.BatchNorm2d(3), nn.BatchNorm1d(3)

        def forward(self, x: Tensor) -> Tensor:
            return self.head(torch.relu(self.norm(x)).mean((2, 3)))

    net = seeded(Net).train()
    with left_as_found(net):
        norm, head = batchnorm(net, X)
    assert (norm.batch.relu, head.batch.relu, head.batch.values) == (True, False, 5)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (
            {"norm": "none"},
            "no BatchNorm and no other normalisation .* convolutions with a bias of their own: 7",
        ),
        ({"norm": "group"}, r"normalises with GroupNorm \(7\)"),
    ],
)
def test_a_network_without_batch_norm_says_what_it_has_instead(options, says):
    with pytest.raises(ProbeError, match=says):
        batchnorm(cifar(8, **options), X)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_values_that_are_no_numbers_are_refused_in_a_sentence(value):
    broken = X.clone()
    broken[1, 2, 3, 4] = value
    with pytest.raises(ProbeError, match="not finite numbers"):
        batchnorm(cifar(8), broken)


def test_an_empty_batch_is_refused():
    with pytest.raises(ProbeError, match="batch is empty"):
        batchnorm(cifar(8), X[:0])


def test_inverted_or_strongly_blurred_photos_drift_clearly_more_on_the_bundled_model():
    loaded = zoo.load("bundled/resnet18-imagenette")
    views = torch.stack(
        [
            torch.from_numpy(np.array(loaded.preprocess.view(decode(samples.read(s.key)).image)))
            for s in samples.SAMPLES[:8]
        ]
    ).permute(0, 3, 1, 2)
    mean, std = (
        torch.tensor(s)[:, None, None] for s in (loaded.preprocess.mean, loaded.preprocess.std)
    )
    original, inverted, blurred = (
        np.mean(
            [layer.drift for layer in batchnorm(loaded.model, (images.float() / 255 - mean) / std)]
        )
        for images in (views, corrupt(views, "invert"), corrupt(views, "blur", 5))
    )
    assert inverted > 2 * original
    assert blurred > 10 * original


def test_channels_that_a_function_cuts_off_are_dead_too():
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm = nn.BatchNorm2d(3)

        def forward(self, x: Tensor) -> Tensor:
            return nn.functional.relu(self.norm(x), inplace=True)

    model = Net().eval()
    model.norm.bias.data[:2] = -100
    (layer,) = batchnorm(model, X)
    assert layer.dead.tolist() == [0, 1]


def test_channels_that_a_norm_cuts_off_itself_are_dead_and_leaky_ones_are_not():
    for act, dead in ((nn.ReLU(), [1]), (nn.LeakyReLU(), [])):
        norm = NormAct(3, act)
        norm.bias.data[1] = -100
        (layer,) = batchnorm(nn.Sequential(norm).eval(), X)
        assert layer.dead.tolist() == dead
        assert 0 < layer.batch.positive[0] < 1


def test_a_network_that_changes_its_input_in_place_leaves_the_caller_s_batch_alone():
    x = X.clone()
    batchnorm(nn.Sequential(nn.ReLU(inplace=True), nn.BatchNorm2d(3)).eval(), x)
    torch.testing.assert_close(x, X, rtol=0, atol=0)


def test_float64_statistics_are_taken_in_float64():
    x = 1e8 + torch.tensor([0.0, 2.0], dtype=torch.float64).reshape(2, 1, 1, 1)
    (layer,) = batchnorm(nn.Sequential(nn.BatchNorm2d(1)).double().eval(), x)
    assert (float(layer.batch.mean[0]), float(layer.batch.variance[0])) == (1e8 + 1, 1.0)
