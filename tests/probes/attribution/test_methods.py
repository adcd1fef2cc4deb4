import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from resviz.errors import ProbeError
from resviz.probes.attribution import METHOD_NAMES
from resviz.probes.attribution.methods import METHODS, CamGraph, attribute
from tests.probes.example_nets import (
    Breaks,
    Functional,
    cifar,
    left_as_found,
    picture,
    seeded,
)


def _layer(method: str) -> str | None:
    return "0" if METHODS[method].needs_layer else None


@pytest.mark.parametrize("method", METHODS)
def test_every_method_answers_signed_or_not_and_says_what_it_did(method: str):
    model, x, shares = cifar(), picture(32), []
    found = attribute(model, x, method, 6, progress=shares.append)
    row = METHODS[method]
    with torch.no_grad():
        probability = model(x).softmax(1)[0, 6].item()
    assert (found.method, found.target, found.input_size) == (method, 6, (32, 32))
    assert found.layer == ("layer3.0" if row.needs_layer else None)
    assert found.probability == pytest.approx(probability, rel=1e-5)
    assert found.map.dtype == np.float32
    assert (
        any((attribute(model, x, method, target).map < 0).any() for target in (6, 0)) == row.signed
    )
    assert not found.is_flat
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert len(shares) > 4 or not row.slow


@pytest.mark.parametrize("method", METHODS)
def test_a_constant_image_is_allowed(method: str):
    assert np.isfinite(attribute(cifar(), torch.zeros(1, 3, 32, 32), method, 0).map).all()


@pytest.mark.parametrize("method", METHODS)
def test_no_slope_gives_a_flat_map(method: str):
    model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    for parameter in model.parameters():
        parameter.data.fill_(-1.0)  # the ReLU is dead for every positive image
    assert attribute(model, picture(8).abs(), method, 2, layer=_layer(method)).is_flat


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("error", [RuntimeError("broken"), KeyboardInterrupt("stop")])
def test_the_model_is_left_as_found_whether_the_forward_fails_or_not(
    method: str, error: BaseException
):
    parts = (
        nn.Conv2d(3, 4, 1),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        Breaks(error),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
    )
    model, x = nn.Sequential(*parts).train(), picture(8)
    x_before = x.clone()
    with left_as_found(model):
        with pytest.raises(type(error)):
            attribute(model, x, method, 1, _layer(method))
        model[3].armed = False
        attribute(model, x, method, 1, _layer(method))
        with pytest.raises(ProbeError):
            attribute(model, x, method, 4, _layer(method))
    assert torch.equal(x, x_before)
    assert not x.requires_grad


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("runs", [1, 2])
def test_the_model_is_left_as_found_when_a_later_forward_fails(method: str, runs: int):
    class BreaksLater(Breaks):
        def forward(self, x: Tensor) -> Tensor:
            self.runs -= 1
            return super().forward(x) if self.runs < 0 else x

    later = BreaksLater(KeyboardInterrupt("stop"))
    model = nn.Sequential(
        nn.Conv2d(3, 4, 1), nn.ReLU(), later, nn.AdaptiveAvgPool2d(1), nn.Flatten()
    ).train()
    later.runs = runs
    with left_as_found(model):
        try:
            attribute(model, picture(8), method, 1, _layer(method))
        except KeyboardInterrupt:
            assert method != "grad-cam"  # which has one forward only
        else:
            assert method in ("grad-cam", "saliency")
        later.runs = runs  # a plain number, but part of what must not differ


def test_stopping_from_the_progress_function_leaves_the_model_alone():
    model = cifar().train()

    def stop(share: float) -> None:
        raise KeyboardInterrupt

    with left_as_found(model):
        for method in ("integrated-gradients", "occlusion"):
            with pytest.raises(KeyboardInterrupt):
                attribute(model, picture(32), method, 1, progress=stop)


@pytest.mark.parametrize(
    ("method", "target", "layer", "sentence"),
    [
        (
            "lime",
            0,
            None,
            "there is no method 'lime'; choose one of grad-cam, guided-grad-cam, saliency, "
            "integrated-",
        ),
        ("grad-cam", 10, None, "there is no class 10; choose one from 0 to 9"),
        ("guided-grad-cam", 10, None, "there is no class 10; choose one from 0 to 9"),
        ("saliency", -1, None, "there is no class -1; choose one from 0 to 9"),
        ("integrated-gradients", 99, None, "there is no class 99; choose one from 0 to 9"),
        ("occlusion", 99, None, "there is no class 99; choose one from 0 to 9"),
        ("grad-cam", 0, "layer3.1", "this model has no layer 'layer3.1'; did you mean layer3"),
        (
            "grad-cam",
            0,
            "fc",
            "fc has no spatial output (its shape is 10); choose a convolution or a block such "
            "as layer",
        ),
        ("guided-grad-cam", 0, "fc", "fc has no spatial output (its shape is 10)"),
        (
            "grad-cam",
            0,
            "avgpool",
            "layer avgpool is a single cell and a map needs more; choose an earlier layer",
        ),
        ("guided-grad-cam", 0, "avgpool", "layer avgpool is a single cell and a map needs more"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_sentence(
    method: str, target: int, layer: str | None, sentence: str
):
    model = cifar().train()
    with left_as_found(model), pytest.raises(ProbeError) as refusal:
        attribute(model, picture(32), method, target, layer)
    assert sentence in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_layer_that_does_not_run_is_refused():
    with pytest.raises(
        ProbeError,
        match="layer unused does not run when the model looks at an image; choose another",
    ):
        CamGraph(seeded(Functional), picture(8), ["first", "unused"])


def test_captum_is_imported_by_the_methods_that_need_it_and_no_sooner():
    program = (
        "import sys, torch; from resviz.models.architectures.resnet import build\n"
        "from resviz.models.spec import ModelSpec; from resviz.probes.attribution.methods "
        "import attribute\n"
        "m, x = build(ModelSpec(depth=8)), torch.zeros(1, 3, 32, 32)\n"
        "attribute(m, x, 'grad-cam', 0); assert 'captum' not in sys.modules\n"
        "attribute(m, x, 'saliency', 0); assert 'captum' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)


@pytest.mark.parametrize("method", ["saliency", "integrated-gradients", "occlusion"])
def test_a_layer_for_a_method_of_pixels_is_refused(method):
    with pytest.raises(ProbeError, match="takes no layer; leave the layer out"):
        attribute(cifar(), picture(32), method, 0, "layer1.0")


def test_the_names_that_can_be_had_without_torch_are_those_of_the_methods():
    assert tuple(METHODS) == METHOD_NAMES
