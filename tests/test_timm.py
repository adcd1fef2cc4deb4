"""Networks of timm, a family a row: what resviz says of each is what torch computes with it.

Random weights, small pictures. Whether they fold is asked in `tests/probes/batchnorm`.
"""

import numpy as np
import pytest
import torch

import resviz

timm = pytest.importorskip("timm")
pytestmark = pytest.mark.timm

LABELS = ("a", "b", "c", "d", "e")
NAMES = """
    convnext_atto convnextv2_atto cs3darknet_focus_s dla46_c dpn48b ecaresnet26t
    edgenext_xx_small efficientnet_lite0 efficientvit_b0 ese_vovnet19b_dw fastvit_t8 fbnetc_100
    gernet_s ghostnet_050 hardcorenas_a hgnetv2_b0 inception_next_atto lambda_resnet26t
    lcnet_035 legacy_seresnet18 levit_128s mixer_s32_224 mixnet_s mnasnet_small mobilenetv2_035
    mobilenetv3_small_050 mobilenetv4_conv_small_035 mobilevit_xxs mobilevitv2_050 nf_regnet_b0
    poolformer_s12 pvt_v2_b0 regnetx_002 regnety_002 repghostnet_050 repvgg_a0 resnest14d
    resnet10t resnetv2_18d rexnet_100 skresnet18 starnet_s1 tf_efficientnet_lite0 tinynet_e
    vit_tiny_patch16_224 xcit_nano_12_p16_224
"""
FAMILIES = NAMES.split()


class Network:
    """A network in evaluation mode, a picture, and what passes one of its layers."""

    def __init__(self, name: str) -> None:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.model = timm.create_model(name, num_classes=len(LABELS)).eval()
        config = self.model.default_cfg
        self.side = config["input_size"][-1] if config.get("fixed_input_size") else 64
        generator = torch.Generator().manual_seed(1)
        self.x = torch.randn(1, 3, self.side, self.side, generator=generator)

    def seen(self, layer: str, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The scores, and what the layer gave on the way to them."""
        kept = []
        module = self.model.get_submodule(layer)
        handle = module.register_forward_hook(lambda _m, _i, output: kept.append(output))
        scores = self.model(x)
        handle.remove()
        return scores, kept[-1]


def places(values: torch.Tensor, rows: int, columns: int) -> torch.Tensor:
    """A layer's output as (channels, rows, columns), wherever its channels stand."""
    if values.ndim == 3:  # tokens, the class's own in front
        values = values[:, -rows * columns :].reshape(1, rows, columns, -1)
    channels_first = values.shape[2:] == (rows, columns)
    return values[0] if channels_first else values[0].permute(2, 0, 1)


@pytest.fixture(params=FAMILIES, scope="module")
def network(request) -> Network:
    return Network(request.param)


def test_at_least_forty_families_are_here():
    assert len(set(FAMILIES)) >= 40


def test_its_answers_are_the_softmax_of_its_scores(network):
    with torch.no_grad():
        probabilities = network.model(network.x)[0].double().softmax(0).numpy()
    answer = resviz.predict(network.model, network.x, LABELS)
    np.testing.assert_allclose(answer.probabilities, probabilities, atol=1e-5)
    assert answer.top[0].label == LABELS[int(probabilities.argmax())]


def test_its_layers_hold_all_parameters_and_grad_cam_is_the_papers_formula(network):
    layers = resviz.layers(network.model, network.side)
    learned = sum(p.numel() for p in network.model.parameters())
    assert sum(layer.parameters for layer in layers) == learned
    found = resviz.attribute(network.model, network.x, "grad-cam", 2)
    scores, output = network.seen(found.layer, network.x.clone().requires_grad_())
    shapes = {layer.name: layer.output_shape for layer in layers}
    assert tuple(output.shape[1:]) == shapes[found.layer]
    (gradient,) = torch.autograd.grad(scores[0, 2], output)
    a, g = (places(t.detach(), *found.map.shape) for t in (output, gradient))
    by_hand = (g.mean((1, 2), keepdim=True) * a).sum(0).numpy()
    np.testing.assert_allclose(found.map, by_hand, atol=1e-4 * np.abs(by_hand).max() + 1e-12)


def test_no_unit_sees_beyond_its_receptive_field(network):
    fields = resviz.receptive_field(network.model, input_size=network.side)
    followed = [f for f in fields if not f.through and min(f.units) > 1]
    if not followed:
        assert all(f.through in ("map", "gate", "border") or min(f.units) == 1 for f in fields)
        return
    field = followed[-1]
    row, column = (units // 2 for units in field.units)
    x = network.x.clone().requires_grad_()
    _, output = network.seen(field.name, x)
    unit = places(output, *field.units)[:, row, column].abs().sum()
    (gradient,) = torch.autograd.grad(unit, x)
    touched = gradient[0].abs().sum(0).nonzero()
    top, left, height, width = field.box(row, column)
    assert len(touched)
    assert touched[:, 0].min() >= top
    assert touched[:, 1].min() >= left
    assert touched[:, 0].max() < top + height
    assert touched[:, 1].max() < left + width
