"""Forward and backward passes for looking: as in training, with bounded memory, without a trace."""

import ctypes
import math
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint

from resviz.models.architectures.blocks import Block
from resviz.probes.core.hooks import eval_mode

FEW = 100  # blocks whose activations are all kept: CIFAR networks of up to 202 layers
_C_LIBRARY = ctypes.CDLL(None) if sys.platform == "linux" else None


@contextmanager
def batch_statistics(model: nn.Module) -> Iterator[None]:
    """Evaluation mode, but BatchNorm normalises with the batch; its averages stay untouched."""
    norms = [(m, m.track_running_stats) for m in model.modules() if isinstance(m, _BatchNorm)]
    with eval_mode(model):
        try:
            for norm, _ in norms:
                norm.training, norm.track_running_stats = True, False
            yield
        finally:
            for norm, tracks in norms:
                norm.training, norm.track_running_stats = False, tracks


@contextmanager
def differentiable(tensors: Iterable[Tensor]) -> Iterator[None]:
    """Let gradients with respect to `tensors` be asked for, in whatever mode the caller is."""
    frozen = [t for t in tensors if not t.requires_grad]
    try:
        for t in frozen:
            t.requires_grad_(True)
        with torch.inference_mode(False), torch.enable_grad():
            yield
    finally:
        for t in frozen:
            t.requires_grad_(False)


@contextmanager
def light(model: nn.Module) -> Iterator[None]:
    """Where there are more than `FEW` blocks, keep the activations between groups of them only.

    The others are computed again in the backward pass (Chen et al. 2016, 1604.06174): n blocks in
    groups of sqrt(n) need memory for 2 sqrt(n) of them, and a third more time.
    """
    stages = [
        m for m in model.modules() if isinstance(m, nn.Sequential) and m and isinstance(m[0], Block)
    ]
    if sum(len(stage) for stage in stages) <= FEW:
        yield
        return
    try:
        for stage in stages:
            stage.forward = _Groups(stage)  # type: ignore[method-assign]
        yield
    finally:
        for stage in stages:
            del stage.forward


class _Groups:
    """`nn.Sequential.forward` in groups of blocks, each run again when its gradient is due."""

    def __init__(self, stage: nn.Sequential) -> None:
        blocks = list(stage)
        size = max(1, math.isqrt(len(blocks)))
        self.groups = [blocks[i : i + size] for i in range(0, len(blocks), size)]

    def __call__(self, x: Tensor) -> Tensor:
        for group in self.groups:
            x = checkpoint(_run, group, x, use_reentrant=False, preserve_rng_state=False)
        return x


def _run(group: list[nn.Module], x: Tensor) -> Tensor:
    # What a group frees lies between what stays: without giving the pages back, the process grows
    # to 6.7 GiB at depth 1202 in float64, and no slower with it.
    give_back_memory()
    for block in group:
        x = block(x)
    return x


def give_back_memory() -> None:
    """Return freed memory that the C library keeps to the operating system, where it is glibc."""
    trim = getattr(_C_LIBRARY, "malloc_trim", None)
    if trim is not None:
        trim(0)
