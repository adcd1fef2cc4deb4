"""Following whole networks.

Timm's gates and attention, and the one run that an effective field needs.
"""

import warnings

import pytest
import torch
from torch import Tensor, nn

from resviz.errors import ProbeError
from resviz.probes.receptive_field.follow import follow
from resviz.probes.receptive_field.theoretical import receptive_field
from tests.probes.example_nets import cifar

# network -> how the units of its last map with several cells see the whole image
THROUGH = {
    "ecaresnet26t": "gate",
    "skresnet18": "gate",
    "gcresnet33ts": "gate",
    "xcit_nano_12_p16_224": "gate",
    "visformer_tiny": "map",
    "nf_resnet26": "",
}


def meta(name: str) -> nn.Module:
    timm = pytest.importorskip("timm")
    with warnings.catch_warnings(), torch.device("meta"):
        warnings.simplefilter("ignore")
        return timm.create_model(name, pretrained=False).eval()


@pytest.mark.timm
@pytest.mark.parametrize("name", THROUGH)
def test_these_networks_are_followed_to_their_end(name: str) -> None:
    model = meta(name)
    side = model.default_cfg["input_size"][-1]
    body = [field for field in receptive_field(model, input_size=side) if min(field.units) > 1]
    last_maps = [name for name, module in model.named_modules() if isinstance(module, nn.Conv2d)]
    assert body[-1].through == THROUGH[name]
    assert {field.name for field in body} & set(last_maps[-8:]), "up to the last convolutions"
    if THROUGH[name] == "gate":
        assert max(body[-1].local_size) > max(body[0].local_size)


@pytest.mark.timm
def test_what_cannot_be_followed_is_named() -> None:
    model = meta("swin_tiny_patch4_window7_224")
    with pytest.raises(ProbeError, match=r"of layers\.2\.downsample is lost at the operation roll"):
        receptive_field(model, ["layers.2.downsample"], 224)


def test_following_can_end_at_a_layer() -> None:
    model = cifar(8)
    ended = follow(model, None, (32, 32), until=("layer2.0.add", 1))
    assert list(ended.maps)[-1] == "layer2.0.add"
    assert "layer3" in follow(model, None, (32, 32)).maps


class Position(nn.Module):
    """Adds what a layer makes of a table that the network holds; another layer never runs."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.zeros(1, 3, 8, 8))
        self.position, self.conv, self.spare = (nn.Conv2d(3, 4, 3, padding=1) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x) + self.position(self.table)


@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        ("position", "runs on numbers that the network holds, not on the image"),
        ("spare", "does not run when the model looks at an image"),
    ],
)
def test_a_layer_that_runs_on_constants_runs_but_sees_no_pixel(layer: str, reason: str):
    with pytest.raises(ProbeError, match=f"layer {layer} {reason}"):
        follow(Position(), [layer], (8, 8))


def test_without_names_what_sees_no_pixel_is_left_out():
    followed = follow(Position(), None, (8, 8))
    assert set(followed.maps) == {"conv"}
    assert followed.maps["conv"] is not None


def test_a_run_is_counted_each_time():
    conv = nn.Conv2d(3, 3, 3, padding=1)
    assert follow(nn.Sequential(conv, nn.ReLU(), conv), ["0"], (8, 8)).runs == {"0": 2}
