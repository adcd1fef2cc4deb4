import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from resviz.errors import ProbeError
from resviz.probes.feature_maps.activations import (
    activations,
    blocks,
    gradient_times_activation,
    moments,
    stage_summary,
)
from tests.probes.example_nets import (
    Breaks,
    Functional,
    by_hand,
    cifar,
    imagenet,
    left_as_found,
    picture,
    seeded,
)

LAYERS = ("conv1", "layer1", "layer2.0.bn1", "layer2.0.add", "layer3.0.relu2")


def test_values_and_statistics_are_those_of_numpy_in_double_precision():
    model, x = cifar(), picture(32)
    for layer, found in activations(model, x, LAYERS).items():
        expected = by_hand(model, x, layer)
        np.testing.assert_array_equal(found.values, expected)
        np.testing.assert_allclose(found.mean, expected.mean((1, 2)), rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(found.std, expected.std((1, 2)), rtol=6e-5)
        np.testing.assert_allclose(found.zeros, (expected == 0).mean((1, 2)), rtol=1e-6)
        np.testing.assert_array_equal(found.maximum, expected.max((1, 2)))
        np.testing.assert_array_equal(found.minimum, expected.min((1, 2)))
        assert found.shape == expected.shape
        assert found.layer == layer
    assert found.zeros.any()  # a ReLU was among them


def test_moments_without_keeping_outputs_are_the_same_numbers():
    model, x = cifar(), picture(32)
    kept, passing = activations(model, x, LAYERS), moments(model, x, LAYERS)
    assert list(passing) == list(LAYERS)
    for layer in LAYERS:
        np.testing.assert_array_equal(passing[layer].mean, kept[layer].mean)
        np.testing.assert_array_equal(passing[layer].std, kept[layer].std)


def test_moments_are_taken_before_an_in_place_relu_changes_the_output():
    model, x = nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU(inplace=True)), picture(8)
    np.testing.assert_allclose(
        moments(model, x, ["0"])["0"].mean, by_hand(model[:1], x, "0").mean((1, 2)), rtol=1e-5
    )


@settings(max_examples=60, deadline=None)
@given(
    mean=st.floats(-1e4, 1e4),
    std=st.floats(1e-3, 1e3),
    side=st.integers(1, 40),
    seed=st.integers(0, 99),
)
def test_deviation_keeps_its_digits_wherever_the_mean_lies(
    mean: float, std: float, side: int, seed: int
):
    values = np.random.default_rng(seed).normal(mean, std, (1, 3, side, side)).astype(np.float32)
    found = moments(nn.Sequential(nn.Identity()), torch.from_numpy(values), ["0"])["0"]
    expected = values[0].astype(float)
    np.testing.assert_allclose(found.mean, expected.mean((1, 2)), rtol=1e-6, atol=2e-6 * std)
    np.testing.assert_allclose(found.std, expected.std((1, 2)), rtol=6e-5)


def test_statistics_are_finite_where_the_squares_of_values_are_not():
    x = torch.randn(1, 4, 9, 9, generator=torch.Generator().manual_seed(0)) * 1e27
    found = activations(nn.Sequential(nn.Identity()), x, ["0"])["0"]
    np.testing.assert_allclose(found.mean, x[0].double().mean((1, 2)), rtol=1e-5)
    np.testing.assert_allclose(found.std, x[0].double().flatten(1).std(1, correction=0), rtol=1e-5)


def test_a_constant_channel_deviates_by_exactly_zero():
    x = torch.full((1, 2, 33, 17), 0.1) * torch.tensor([1.0, 30000.0])[:, None, None]
    assert moments(nn.Sequential(nn.Identity()), x, ["0"])["0"].std.tolist() == [0.0, 0.0]


def test_dead_channels_and_peaks_are_found():
    x = torch.zeros(1, 4, 3, 5)
    x[0, 1, 2, 4], x[0, 1, 1, 1], x[0, 3, 0, 3] = 7.0, 7.0, -1.0
    found = activations(nn.Sequential(nn.Identity()), x, ["0"])["0"]
    assert found.dead.tolist() == [0, 2]
    assert found.peak(1) == (1, 1)
    assert found.peak(3) == (0, 0)
    assert found.zeros.tolist() == pytest.approx([1, 13 / 15, 1, 14 / 15])


def test_a_strip_of_blocks_shows_the_channel_mean_of_each():
    model, x = cifar(), picture(32)
    found = stage_summary(model, x, ["conv1", *blocks(model)])
    assert list(found) == ["conv1", "layer1.0", "layer2.0", "layer3.0"]
    for layer, strip in found.items():
        np.testing.assert_allclose(strip, by_hand(model, x, layer).mean(0), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("probe", [activations, moments, stage_summary])
def test_all_layers_come_from_one_forward(probe, monkeypatch: pytest.MonkeyPatch):
    model, runs = cifar(), []
    forward = model.forward
    monkeypatch.setattr(model, "forward", lambda x: runs.append(1) or forward(x))
    probe(model, picture(32), LAYERS)
    assert len(runs) == 1


def test_gradient_times_activation_is_autograds_on_the_network_cut_by_hand():
    model, x = cifar(), picture(32)
    with torch.no_grad():
        a = model.layer2(model.layer1(model.relu(model.bn1(model.conv1(x)))))
    a.requires_grad_()
    score = model.fc(model.avgpool(model.layer3(a)).flatten(1))[0, 7]
    (gradient,) = torch.autograd.grad(score, a)
    expected = (a * gradient).sum((0, 2, 3)).detach()
    found = gradient_times_activation(model, x, "layer2", 7)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
    assert np.abs(found).max() > 1e-3


def test_gradient_times_activation_is_the_slope_when_a_channel_grows_by_a_share():
    model, x, step = cifar(activation="gelu").double(), picture(32).double(), 1e-4
    found = gradient_times_activation(model, x, "layer2", 3)
    for channel in (0, 5, 31):
        scores = []
        for sign in (1, -1):
            scale = torch.ones(32, 1, 1, dtype=torch.double)
            scale[channel] += sign * step
            handle = model.layer2.register_forward_hook(lambda m, i, o, scale=scale: o * scale)
            with torch.no_grad():
                scores.append(model(x)[0, 3].item())
            handle.remove()
        assert found[channel] == pytest.approx((scores[0] - scores[1]) / (2 * step), rel=1e-5)


def test_blocks_are_ours_or_what_is_called_one_or_the_children_with_maps():
    class BasicBlock(nn.Sequential):
        pass

    foreign = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.Sequential(BasicBlock(BasicBlock(nn.ReLU())), BasicBlock(nn.ReLU()))
    )
    assert blocks(imagenet(18, "plain")) == tuple(
        f"layer{i}.{j}" for i in range(1, 5) for j in range(2)
    )
    assert blocks(foreign) == ("1.0", "1.1")
    assert blocks(seeded(Functional)) == ("first", "twice")


@pytest.mark.parametrize("probe", [activations, moments, stage_summary])
@pytest.mark.parametrize(
    ("layer", "sentence"),
    [
        (
            "fc",
            "fc has no spatial output (its shape is 10); choose a convolution or a block such "
            "as layer3.0",
        ),
        ("layer9", "this model has no layer 'layer9'; did you mean layer"),
    ],
)
def test_a_layer_without_a_map_is_refused(probe, layer: str, sentence: str):
    model = cifar().train()
    with left_as_found(model), pytest.raises(ProbeError) as refusal:
        probe(model, picture(32), ["conv1", layer])
    assert sentence in str(refusal.value)


@pytest.mark.parametrize("probe", [activations, moments, stage_summary])
@pytest.mark.parametrize("layer", ["unused", "pair"])
def test_a_layer_that_gives_no_tensor_is_refused(probe, layer: str):
    with pytest.raises(
        ProbeError, match=rf"{layer} has no spatial output \(it gives no tensor\); .* such as twice"
    ):
        probe(seeded(Functional), picture(8), [layer])


PROBES = {
    "activations": lambda model, x: activations(model, x, ["0"]),
    "moments": lambda model, x: moments(model, x, ["0"]),
    "summary": lambda model, x: stage_summary(model, x, ["0"]),
    "gradient": lambda model, x: gradient_times_activation(model, x, "0", 0),
}


@pytest.mark.parametrize("probe", PROBES.values(), ids=PROBES)
@pytest.mark.parametrize("error", [RuntimeError("broken"), KeyboardInterrupt("stop")])
def test_the_model_is_left_as_found_whether_the_forward_fails_or_not(probe, error: BaseException):
    parts = (
        nn.Conv2d(3, 4, 1),
        nn.BatchNorm2d(4),
        Breaks(error),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
    )
    model = nn.Sequential(*parts).train()
    with left_as_found(model):
        with pytest.raises(type(error)):
            probe(model, picture(4))
        model[2].armed = False
        probe(model, picture(4))


def test_the_table_has_a_row_for_each_channel_with_its_statistics():
    seen = activations(cifar(), picture(32), ["layer2"])["layer2"]
    rows = seen.table().records()
    assert [row["channel"] for row in rows] == list(range(32))
    for row, values in zip(rows, seen.values, strict=True):
        assert row["mean"] == pytest.approx(values.mean(dtype=float), rel=1e-4, abs=1e-6)
        assert (row["minimum"], row["maximum"]) == (values.min(), values.max())
