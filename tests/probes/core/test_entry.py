"""Every public probe in surroundings that networks of other libraries bring along."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import resviz
from resviz.errors import ProbeError, ResvizError
from resviz.probes.core.entry import probe
from tests.probes.example_nets import cifar, picture

Ask = Callable[[nn.Module, Tensor, str], Any]

# What each is asked about a network whose layers have names with this prefix, as plain numbers.
NUMBERS: dict[str, Ask] = {
    "predict": lambda m, x, p: resviz.predict(m, x[:1], []).probabilities,
    "activations": lambda m, x, p: resviz.activations(m, x[:1], [f"{p}layer2"])[f"{p}layer2"].mean,
    "residual_parts": lambda m, x, p: resviz.residual_parts(m, x[:1], f"{p}layer2.0").total,
    "channels": lambda m, x, p: resviz.gradient_times_activation(m, x[:1], f"{p}layer2", 1),
    "grad_cam": lambda m, x, p: resviz.grad_cam(m, x[:1], f"{p}layer2", 1).map,
    "grad_cams": lambda m, x, p: resviz.grad_cams(m, x[:1], [f"{p}layer1"], 1)[f"{p}layer1"].map,
    "saliency": lambda m, x, p: resviz.attribute(m, x[:1], "saliency", 1).map,
    "occlusion": lambda m, x, p: resviz.attribute(m, x[:1], "occlusion", 1).map,
    "guided": lambda m, x, p: resviz.attribute(m, x[:1], "guided-grad-cam", 1).map,
    "attribute": lambda m, x, p: resviz.attribute(m, x[:1], "grad-cam", 1).map,
    "batchnorm": lambda m, x, p: resviz.batchnorm(m, x)[3].batch.mean,
    "batchnorm_modes": lambda m, x, p: resviz.batchnorm_modes(m, x)[1].scores,
    "gradients": lambda m, x, p: resviz.gradients(m, x, torch.tensor([1, 2])).weight_gradient,
    "layers": lambda m, x, p: [layer.macs for layer in resviz.layers(m, 32)],
    "fields": lambda m, x, p: resviz.receptive_field(m, [f"{p}layer2"], 32)[0].size,
    "effective": lambda m, x, p: resviz.effective_receptive_field(m, x, f"{p}layer2").energy,
}
OF_IMAGES = [name for name in NUMBERS if name not in ("layers", "fields")]

ABOUT_PIXELS = {"saliency", "occlusion", "guided", "effective"}  # whose scale the network changes


class InPlace(nn.Module):
    """Normalises its image in place before the network inside sees it."""

    def __init__(self) -> None:
        super().__init__()
        self.net = cifar()

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x.sub_(0.4).div_(0.5))


@pytest.mark.parametrize("name", OF_IMAGES)
def test_an_image_that_the_network_changes_stays_as_it_was(name: str):
    ask = NUMBERS[name]
    model, x = InPlace().eval(), picture(32, batch=2)
    before = x.clone()
    first = ask(model, x, "net.")
    assert torch.equal(x, before)
    np.testing.assert_array_equal(ask(model, x, "net."), first)
    if name in ABOUT_PIXELS:
        return
    normalised = (x - 0.4) / 0.5
    np.testing.assert_allclose(ask(model.net, normalised, ""), first, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("ask", NUMBERS.values(), ids=NUMBERS)
def test_inside_inference_mode_the_numbers_are_the_usual_ones(ask: Ask):
    model, x = cifar(), picture(32, batch=2)
    expected = ask(model, x, "")
    with torch.inference_mode():
        made_inside = x * 1
        for image in (x, made_inside):
            np.testing.assert_array_equal(ask(model, image, ""), expected)


@contextmanager
def silence() -> Iterator[None]:
    """torch's compiler warns of what it does not compile."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)


@pytest.mark.parametrize("ask", NUMBERS.values(), ids=NUMBERS)
def test_of_a_compiled_network_the_numbers_are_those_of_the_one_inside(ask: Ask):
    model, x = cifar(), picture(32, batch=2)
    expected = ask(model, x, "")
    compiled = torch.compile(model, backend="eager")
    with silence(), torch.no_grad():
        compiled(x)  # hooks that are set after the first run are not called
        given = ask(compiled, x, "_orig_mod.")
    if len(given) == len(expected):  # the list of layers has a row for the network inside
        np.testing.assert_array_equal(given, expected)
    else:
        assert given[: len(expected)] == expected


def test_a_network_compiled_in_place_is_looked_into_as_well():
    model, x = cifar(), picture(32)
    expected = resviz.grad_cam(model, x, "layer2", 1).map
    with silence(), torch.no_grad():
        model.layer2.compile(backend="eager")
        model(x)
        np.testing.assert_array_equal(resviz.grad_cam(model, x, "layer2", 1).map, expected)


@pytest.mark.filterwarnings("ignore:`torch.jit:FutureWarning")
@pytest.mark.parametrize("ask", NUMBERS.values(), ids=NUMBERS)
def test_torchscript_is_refused_in_a_sentence(ask: Ask):
    with pytest.raises(ProbeError, match="this network is TorchScript"):
        ask(nn.Sequential(torch.jit.trace(nn.ReLU(), torch.zeros(1))), picture(32, batch=2), "0.")


@pytest.mark.parametrize("ask", [NUMBERS[n] for n in OF_IMAGES], ids=OF_IMAGES)
def test_images_with_other_channels_than_the_network_takes_are_refused(ask: Ask):
    with pytest.raises(ResvizError, match=r"cannot take images of 5 x 32 x 32 .*channels"):
        ask(cifar(), torch.zeros(2, 5, 32, 32), "")


@pytest.mark.parametrize(
    ("x", "sentence"),
    [
        (torch.zeros(3, 32, 32), r"3 x 32 x 32 lacks the dimension of the batch; give x\[None\]"),
        (torch.zeros(1, 3, 8, 32, 32), "1 x 3 x 8 x 32 x 32 numbers are no pictures"),
        (torch.zeros(1, 3, 32, 32, dtype=torch.uint8), "holds uint8 numbers"),
        (np.zeros((1, 3, 32, 32)), "a ndarray is no image"),
    ],
)
def test_what_is_no_batch_of_pictures_is_refused(x: Any, sentence: str):
    with pytest.raises(ProbeError, match=sentence):
        resviz.predict(cifar(), x, [])


def test_what_load_returns_is_no_network_but_has_one():
    with pytest.raises(ProbeError, match=r"a LoadedModel is no network; .* the `model` of what"):
        resviz.predict(resviz.load("new/residual-8"), picture(32), [])


@pytest.mark.parametrize("output", [(torch.zeros(1, 3), 0), {"out": torch.zeros(1, 3)}, None])
@pytest.mark.parametrize("name", ["predict", "grad_cam", "saliency", "gradients"])
def test_a_network_that_answers_with_something_else_is_refused(name: str, output: object):
    class Says(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer2 = nn.Conv2d(3, 3, 1)

        def forward(self, x: Tensor) -> object:
            self.layer2(x)
            return output

    with pytest.raises(ResvizError, match="this model"):
        NUMBERS[name](Says(), picture(32, batch=2), "")


def test_a_fault_of_the_network_that_is_not_about_the_image_shows():
    class Broken(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            raise RuntimeError("the shape of things to come")

    class Works(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return F.adaptive_avg_pool2d(x, 1).flatten(1)

    @probe
    def faulty(model: nn.Module, x: Tensor) -> None:
        raise RuntimeError("a size is wrong in our own code")

    with pytest.raises(ProbeError, match="cannot take images of 3 x 4 x 4"):
        faulty(Broken(), picture(4))
    with pytest.raises(RuntimeError, match="our own code"):
        faulty(Works(), picture(4))


def test_weights_made_in_inference_mode_are_explained():
    with torch.inference_mode():
        model = cifar()
    with pytest.raises(ProbeError, match=r"made inside torch.inference_mode\(\)"):
        resviz.grad_cam(model, picture(32), "layer2", 1)
    assert resviz.predict(model, picture(32), []).top


def test_images_may_be_given_by_name():
    assert resviz.predict(labels=[], x=picture(32), model=cifar()).top


@pytest.mark.parametrize("ask", [NUMBERS["batchnorm"], NUMBERS["grad_cam"], NUMBERS["predict"]])
def test_images_of_another_type_than_the_weights_are_refused_with_both(ask: Ask):
    with pytest.raises(ProbeError, match="images are float64 on cpu and the weights float32"):
        ask(cifar(8), picture(32, batch=2).double(), "")


def test_a_network_whose_weights_hold_no_numbers_is_refused():
    with pytest.raises(ProbeError, match="weights float32 on meta"):
        resviz.batchnorm(cifar(8).to("meta"), picture(32, batch=2))
