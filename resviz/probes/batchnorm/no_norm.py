"""What becomes of the scale of a network's outputs where no BatchNorm holds it."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from resviz.probes.batchnorm.layers import CONVOLUTIONS, check_images
from resviz.probes.core.entry import probe
from resviz.probes.core.hooks import eval_mode, observe
from resviz.probes.core.statistics import std
from resviz.tables import Table


@probe
def spreads(model: nn.Module, x: Float[Tensor, "n c h w"]) -> dict[str, float]:
    """Standard deviation of all that each convolution gives for `x`, in the order of running.

    A normalisation would bring it to 1. Of a convolution that runs more than once the last run
    counts.

    Args:
        model: any network.
        x: a batch as the model receives it.

    Returns:
        The standard deviation over images, channels and places, by layer.

    Raises:
        ProbeError: the batch is empty, or has values that are not numbers.
    """
    check_images(x)
    stds: dict[str, float] = {}
    convolutions = [
        name for name, module in model.named_modules() if isinstance(module, CONVOLUTIONS)
    ]

    def record(layer: str, _inputs: object, output: Tensor) -> None:
        # One number is enough: nothing of the output is held.
        stds[layer] = std(output)

    with eval_mode(model), torch.no_grad(), observe(model, convolutions, record):
        model(x.clone())  # a network may change its input in place
    return stds


def table(stds: dict[str, float]) -> Table:
    """What `spreads` returns, one row a convolution."""
    return Table(("convolution", "std"), tuple(stds.items()))
