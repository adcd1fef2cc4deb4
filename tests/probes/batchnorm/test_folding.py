"""A folded network says what the network said."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from resviz.errors import ProbeError
from resviz.models import zoo
from resviz.probes.batchnorm.folding import folding_check, foldings, fuse
from tests.probes.example_nets import cifar, imagenet, left_as_found, picture


@pytest.mark.parametrize(
    "model",
    [
        cifar(8, shortcut="B"),
        cifar(8, family="plain"),
        cifar(11, block="bottleneck", groups=2),
        imagenet(18),
    ],
    ids=["residual", "plain", "grouped", "imagenet"],
)
def test_a_fused_network_gives_equal_outputs_and_has_no_batch_norm(model):
    x = picture(32, batch=3)
    with left_as_found(model):
        fused = fuse(model, x[:1])
    assert not any(isinstance(module, nn.BatchNorm2d) for module in fused.modules())
    torch.testing.assert_close(fused(x), model(x), atol=1e-5, rtol=1e-5)


def test_the_bundled_model_folds_as_well():
    model = zoo.load("bundled/resnet18-imagenette").model
    x = picture(64)
    fused = fuse(model, x)
    torch.testing.assert_close(fused(x), model(x), atol=1e-5, rtol=1e-5)
    assert len(foldings(model, x)) == 20


def test_scale_and_bias_worked_out_by_hand():
    """gamma 6, variance 9: scale 2; beta 1, mean 5, bias 3: 2 (3 - 5) + 1 = -3."""
    conv, norm = nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1, eps=0.0)
    conv.bias.data.fill_(3.0)
    for tensor, value in (
        (norm.weight.data, 6),
        (norm.bias.data, 1),
        (norm.running_mean, 5),
        (norm.running_var, 9),
    ):
        tensor.fill_(value)
    (pair,) = foldings(nn.Sequential(conv, norm), torch.zeros(1, 1, 4, 4))
    assert (pair.convolution, pair.norm) == ("0", "1")
    assert (float(pair.scale[0]), float(pair.bias[0])) == (2, -3)


def test_what_is_not_folded_is_shared_not_copied():
    model = cifar(8)
    fused = fuse(model, picture(16))
    assert fused.fc.weight.data_ptr() == model.fc.weight.data_ptr()
    assert fused.conv1.weight.data_ptr() != model.conv1.weight.data_ptr()


class Reversed(nn.Module):
    """BatchNorm that follows no convolution; a convolution that runs twice before its BatchNorm."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.conv, self.last = nn.BatchNorm2d(3), nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.conv(self.conv(self.first(x))))


def test_a_convolution_that_runs_twice_is_not_folded():
    with pytest.raises(ProbeError, match="nothing can be folded"):
        fuse(Reversed(), picture(8))


def test_a_network_without_batch_norm_has_nothing_to_fold():
    with pytest.raises(ProbeError, match="no BatchNorm"):
        foldings(cifar(8, norm="none"), picture(16))


def test_scales_are_gamma_over_the_running_deviation():
    model = cifar(8)
    pairs = {pair.norm: pair for pair in foldings(model, picture(16))}
    norm = model.layer3[0].bn2
    expected = norm.weight.detach().double() / (norm.running_var.double() + norm.eps).sqrt()
    np.testing.assert_allclose(pairs["layer3.0.bn2"].scale, expected.numpy(), rtol=1e-12)


def test_the_check_says_how_far_the_folded_network_s_outputs_lie_off():
    model, x = cifar(8), picture(16, batch=4)
    with left_as_found(model):
        found = folding_check(model, x)
    assert found.pairs == 7
    assert found.difference == float((fuse(model, x)(x) - model(x)).abs().max().detach())
    assert 0 < found.difference < 1e-5 * max(1.0, found.largest)
    assert found.largest == float(model(x).abs().max().detach())


def test_a_convolution_whose_output_the_shortcut_uses_as_well_is_not_folded():
    """In a pre-activation block the shortcut carries what BatchNorm has not seen."""
    model, x = cifar(8, family="preactivation"), picture(16, batch=2)
    assert [pair.norm for pair in foldings(model, x)] == [f"layer{i}.0.bn2" for i in (1, 2, 3)]
    torch.testing.assert_close(fuse(model, x)(x), model(x), atol=1e-5, rtol=1e-5)


class Beside(nn.Module):
    """The convolution's output goes past its BatchNorm in an operation that no module does."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(x)
        return self.norm(y) + torch.cat([y, y], 1)[:, :3]


def test_a_use_that_no_module_does_is_seen_too():
    with pytest.raises(ProbeError, match="nothing can be folded"):
        fuse(Beside(), picture(8))
