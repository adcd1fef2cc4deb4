"""The optimiser of a training: SGD with Nesterov momentum, and the learning rate of each step."""

import math

import torch
from torch import nn

from resviz.training.config import TrainConfig


def learning_rate(config: TrainConfig, progress: float) -> float:
    """Compute the learning rate at a share of all steps.

    It rises linearly over `warmup`, then falls to 0: linearly for `one-cycle`, as half a cosine for
    `cosine`. `steps` divides it by ten at one half and again at three quarters of all steps, as He
    et al. 2015 do in section 4.2.

    Example:
        >>> config = TrainConfig(lr=0.4, warmup=0.2, schedule="one-cycle")
        >>> [round(learning_rate(config, share), 3) for share in (0.0, 0.2, 0.6, 1.0)]
        [0.004, 0.4, 0.2, 0.0]
    """
    if progress < config.warmup:
        # a hundredth at the first step: with a rate of 0 that step would be lost
        return config.lr * max(progress / config.warmup, 0.01)
    if config.schedule == "steps":
        return config.lr * _step_factor(progress)
    rest = (1 - progress) / (1 - config.warmup)
    if config.schedule == "one-cycle":
        return config.lr * rest
    return config.lr * ((1 - math.cos(math.pi * rest)) / 2)


def _step_factor(progress: float) -> float:
    if progress < 0.5:
        return 1.0
    return 0.1 if progress < 0.75 else 0.01


def make_optimiser(model: nn.Module, config: TrainConfig, fused: bool) -> torch.optim.SGD:
    """Make SGD with Nesterov momentum that decays matrices and kernels only.

    `fused`: update all weights at once. A scaler of the loss that skips the first step would leave
    a fused momentum without a beginning.
    """
    # decaying gamma, beta or biases buys nothing (He et al. 2019, section 3.1)
    decayed = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim <= 1]
    groups = [
        {"params": decayed, "weight_decay": config.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    nesterov = config.momentum > 0
    return torch.optim.SGD(
        groups, lr=config.lr, momentum=config.momentum, nesterov=nesterov, fused=fused
    )
