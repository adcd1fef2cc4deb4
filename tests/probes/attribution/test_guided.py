import pytest
import timm
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from resviz.errors import ProbeError
from resviz.probes.attribution.methods import attribute, grad_cam
from tests.probes.example_nets import (
    Functional,
    cifar,
    close,
    imagenet,
    left_as_found,
    picture,
    seeded,
)

NETS = {
    "resnet18": (
        lambda: imagenet(18),
        ("layer1", "layer2.0.add", "layer3.1.conv1", "layer4.1", "layer4"),
    ),
    "resnet50": (
        lambda: imagenet(50),
        ("layer1.2.branch", "layer2", "layer3.0.shortcut", "layer4.2.bn3", "layer4"),
    ),
    "timm resnet10t": (
        lambda: timm.create_model("resnet10t", num_classes=20),
        ("conv1", "layer2", "layer4.0"),
    ),
    "functional": (lambda: seeded(Functional), ("first",)),
}


@pytest.fixture(scope="module", params=NETS)
def net(request: pytest.FixtureRequest) -> tuple[nn.Module, tuple[str, ...]]:
    build, layers = NETS[request.param]
    return build().eval(), layers


class GuidedReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x.relu()

    @staticmethod
    def backward(ctx, gradient: Tensor) -> Tensor:
        return gradient.clip(0) * (ctx.saved_tensors[0] > 0)


def test_guided_grad_cam_is_guided_backpropagation_times_the_enlarged_map(
    monkeypatch: pytest.MonkeyPatch,
):
    model, x = cifar(), picture(32)
    found = attribute(model, x, "guided-grad-cam", 4, "layer2")
    positive = torch.from_numpy(grad_cam(model, x, "layer2", 4).map).clip(0)[None, None]
    monkeypatch.setattr(nn.ReLU, "forward", lambda self, x: GuidedReLU.apply(x))
    leaf = x.clone().requires_grad_()
    (guided,) = torch.autograd.grad(model(leaf)[0, 4], leaf)
    expected = (guided * F.interpolate(positive, (32, 32), mode="bilinear")).sum(1)[0]
    assert close(found.map, expected)
    assert (found.method, found.layer) == ("guided-grad-cam", "layer2")


class Mixes(Functional):
    def forward(self, x: Tensor) -> Tensor:
        return self.relu(super().forward(x))

    def __init__(self) -> None:
        super().__init__()
        self.relu = nn.ReLU()


def shared_relu() -> nn.Module:
    relu = nn.ReLU()
    return nn.Sequential(
        nn.Conv2d(3, 4, 3), relu, nn.Conv2d(4, 4, 3), relu, nn.AdaptiveAvgPool2d(1), nn.Flatten()
    )


@pytest.mark.parametrize(
    ("net", "reason"),
    [
        (lambda: cifar(activation="gelu"), "this model does not fit: it has none; choose grad-cam"),
        (
            lambda: seeded(Functional),
            "this model does not fit: it calls ReLU as a function; choose grad-cam",
        ),
        (
            lambda: seeded(Mixes),
            "this model does not fit: it calls ReLU as a function; choose grad-cam",
        ),
        (shared_relu, "this model does not fit: its 1 is used 2 times; choose grad-cam"),
        (
            lambda: nn.Sequential(
                nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(1), nn.Flatten()
            ),
            "this model does not fit: its 1 works in place; choose grad-cam",
        ),
    ],
)
def test_guided_grad_cam_refuses_networks_that_captum_would_get_wrong(net, reason: str):
    model = net().train()
    with left_as_found(model), pytest.raises(ProbeError) as refusal:
        attribute(model, picture(32), "guided-grad-cam", 0)
    assert reason in str(refusal.value)
