"""Multiply-adds wherever they run, against torch's own counter and against cases worked by hand."""

import pytest
import timm
import torch
import torchvision
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from resviz.probes.core.running import run_once
from tests.probes.example_nets import cifar, picture


def counted_by_torch(model: nn.Module, side: int) -> float:
    """Multiply-adds of one image.

    Outside the fused attention, of which its counter sees nothing.
    """
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            model(picture(side))
    finally:
        torch.backends.mha.set_fastpath_enabled(before)
    return counter.get_total_flops() / 2


def total(model: nn.Module, side: int) -> int:
    return sum(run.macs for run in run_once(model, (3, side, side)).values())


@pytest.mark.parametrize(
    ("build", "side"),
    [
        (lambda: torchvision.models.swin_t(weights=None), 64),
        (lambda: torchvision.models.VisionTransformer(64, 16, 2, 4, 64, 128), 64),
        (lambda: torchvision.models.convnext_tiny(weights=None), 64),
        (lambda: torchvision.models.googlenet(weights=None, init_weights=False), 64),
        (lambda: timm.create_model("halonet26t"), 256),
        (lambda: timm.create_model("botnet26t_256"), 256),
        (cifar, 32),
    ],
)
def test_products_are_those_that_torch_counts(build, side: int):
    model = build().eval()
    assert total(model, side) == counted_by_torch(model, side)


class Patches(nn.Module):
    """Folds patches into the batch, and mixes them with a matrix of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Linear(12, 8)
        self.mix = nn.Parameter(torch.ones(8, 5))

    def forward(self, x: Tensor) -> Tensor:
        n = x.shape[0]
        x = x.reshape(n, 3, 4, 2, 4, 2).permute(0, 2, 4, 1, 3, 5).reshape(n * 16, 12)
        return (self.embed(x) @ self.mix).reshape(n, 16, 5).mean(1)


def test_a_batch_that_patches_are_folded_into_counts_every_patch():
    runs = run_once(Patches().eval(), (3, 8, 8))
    assert runs["embed"].macs == 16 * 12 * 8
    assert runs[""].macs == 16 * 8 * 5  # what the network multiplies outside its modules


def test_attention_counts_projections_scores_and_mixing_by_hand():
    class Attends(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.attention = nn.MultiheadAttention(12, 2, batch_first=True)

        def forward(self, x: Tensor) -> Tensor:
            x = x.flatten(1).reshape(len(x), 4, 12)
            return self.attention(x, x, x)[0]  # with weights: products in the open

    runs = run_once(Attends().eval(), (3, 4, 4))
    projections = 4 * (4 * 12 * 12)  # query, key, value and output, for 4 tokens of 12 numbers
    scores_and_mixing = 2 * (4 * 4 * 12)
    assert runs["attention"].macs == projections + scores_and_mixing


def test_torchs_fast_path_is_left_as_it_was():
    before = torch.backends.mha.get_fastpath_enabled()
    run_once(torchvision.models.VisionTransformer(32, 16, 1, 2, 16, 16).eval(), (3, 32, 32))
    assert torch.backends.mha.get_fastpath_enabled() is before
