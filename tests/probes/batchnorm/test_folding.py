"""A folded network says what the network said."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from resviz.errors import ProbeError
from resviz.models import zoo
from resviz.probes.batchnorm.folding import folding, foldings, fuse, table
from resviz.probes.batchnorm.layers import BatchNorm, batch_norms
from tests.probes.batchnorm.test_fold_pairs import Standardised
from tests.probes.batchnorm.test_layers import NormAct
from tests.probes.example_nets import cifar, imagenet, left_as_found, picture, trained_like


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
        found = folding(model, x).check
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


@pytest.mark.parametrize("act", [nn.ReLU(), nn.SiLU(), nn.LeakyReLU(0.2, inplace=True)])
def test_a_norm_that_carries_its_activation_keeps_it(act: nn.Module):
    model = trained_like(
        nn.Sequential(nn.Conv2d(3, 4, 3), NormAct(4, act), nn.Conv2d(4, 4, 3), NormAct(4, act))
    )
    x = picture(16, batch=2)
    with left_as_found(model):
        fused = fuse(model, x)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in fused.modules())
    torch.testing.assert_close(fused(x), model(x), atol=1e-5, rtol=1e-5)


def test_what_cannot_be_folded_stays_beside_what_can():
    model = trained_like(
        nn.Sequential(
            nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), Standardised(4, 4, 3), nn.BatchNorm2d(4)
        )
    )
    x = picture(16, batch=2)
    fused = fuse(model, x)
    torch.testing.assert_close(fused(x), model(x), atol=1e-5, rtol=1e-5)
    assert isinstance(fused[3], nn.BatchNorm2d)
    (layer,) = folding(model, x).reasons
    assert layer == "3"


class SharedWeight(nn.Module):
    """Uses the weight of its convolution a second time, behind everybody's back."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 3, 1, bias=False), nn.BatchNorm2d(3)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.conv(x)) + torch.conv2d(x, self.conv.weight)


def test_a_network_that_would_change_is_refused_with_the_size_of_the_change():
    model = trained_like(SharedWeight())
    with left_as_found(model), pytest.raises(ProbeError, match="uses a convolution or"):
        fuse(model, picture(8))


class Chaotic(nn.Module):
    """The logistic map stretches every difference, so that rounding alone reaches the output."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.sigmoid(self.norm(self.conv(x)))
        for _ in range(20):
            x = 4 * x * (1 - x)
        return x


def test_a_network_that_amplifies_rounding_is_told_to_fold_in_float64():
    model = trained_like(Chaotic())
    with pytest.raises(ProbeError, match=r"amplifies rounding.*model\.double\(\)"):
        fuse(model, picture(8))


def test_a_network_that_returns_a_dictionary_is_checked_as_well():
    class Parts(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))

        def forward(self, x: Tensor) -> dict[str, object]:
            return {"maps": self.body(x), "side": x.shape[-1]}

    model, x = trained_like(Parts()), picture(8)
    torch.testing.assert_close(fuse(model, x)(x)["maps"], model(x)["maps"], atol=1e-5, rtol=1e-5)


def test_inside_inference_mode_the_same_network_comes_out_and_can_be_trained():
    model, x = cifar(8), picture(16, batch=2)
    with torch.inference_mode():
        fused = fuse(model, x)
    torch.testing.assert_close(fused(x), model(x), atol=1e-5, rtol=1e-5)
    fused(x).sum().backward()
    assert fused.conv1.weight.grad is not None


def test_weight_norm_that_has_run_is_refused_in_a_sentence():
    conv = nn.utils.parametrizations.weight_norm(nn.Conv2d(3, 4, 3))
    model = nn.Sequential(conv, nn.BatchNorm2d(4)).eval()
    model(picture(8))
    with pytest.raises(ProbeError, match="nothing can be folded"):
        fuse(model, picture(8))


def test_the_table_has_a_row_for_each_channel():
    pairs = foldings(cifar(8), picture(16))
    rows = table(pairs).records()
    assert len(rows) == sum(len(pair.scale) for pair in pairs)
    assert rows[3]["factor"] == pairs[0].scale[3]


TIMM = """
    resnet10t resnet14t resnet26d ecaresnet26t skresnet18 seresnext26ts gcresnext26ts resnest14d
    resnetblur18 resnetv2_18 legacy_seresnet18 dla46_c regnetx_002 regnety_002 repvgg_a0
    rexnet_100 efficientnet_b0 efficientnet_lite0 tf_efficientnet_b0 tf_efficientnetv2_b0
    mobilenetv1_100 mobilenetv2_050 mobilenetv3_small_050 mobilenetv4_conv_small
    mnasnet_small semnasnet_075 fbnetc_100 spnasnet_100 hardcorenas_a
    ghostnet_050 lcnet_050 tinynet_e cs3darknet_s ese_vovnet19b_dw
    hgnetv2_b0 densenet121 mobilevit_xxs mobilevitv2_050 efficientvit_b0 fasternet_t0
    test_byobnet
"""


@pytest.mark.timm
@pytest.mark.parametrize("name", TIMM.split())
def test_networks_of_timm_fold_to_equal_outputs(name: str):
    timm = pytest.importorskip("timm")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = trained_like(timm.create_model(name, num_classes=7))
    x = picture(32)
    fused = fuse(model, x)
    with torch.no_grad():
        expected, found = model(x), fused(x)
    assert float((found - expected).abs().max() / expected.abs().max()) < 1e-4
    left = sum(isinstance(module, BatchNorm) for module in fused.modules())
    assert left < len(batch_norms(model))


@pytest.mark.timm
@pytest.mark.parametrize("name", ["nf_regnet_b0", "dm_nfnet_f0", "resnetv2_50d_gn", "pvt_v2_b0"])
def test_networks_of_timm_without_batch_norm_say_what_they_have(name: str):
    timm = pytest.importorskip("timm")
    with torch.device("meta"):  # the refusal needs no weights
        model = timm.create_model(name, num_classes=7)
    with pytest.raises(ProbeError, match="has no BatchNorm"):
        fuse(model, picture(32))
