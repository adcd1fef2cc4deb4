"""How much gradient reaches each layer, and how it gets there, in one forward and one backward.

The norm of dL/dW per weighted layer and of dL/dx per block's output (He et al. 2015, section 4.1,
speak of the norms of the backward-propagated signals); at each residual block the part of dL/dx
that comes back through the shortcut and the part through the branch (He et al. 2016, 1603.05027,
eqn. 5: the gradient is their sum); and in the forward pass the standard deviation of each block's
output and what shortcut and branch contribute to it.

BatchNorm normalises with the batch, as in training. `.grad` and running statistics are not touched.
"""

import math
from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.utils import parametrize

from resviz.errors import ProbeError
from resviz.probes.core.autograd import batch_statistics, differentiable, light
from resviz.probes.core.clone import own_clone
from resviz.probes.core.entry import probe
from resviz.probes.core.layers import blocks
from resviz.probes.core.statistics import norm
from resviz.probes.gradient_flow.recorder import BACKWARD, FORWARD, Recorder, recorded
from resviz.probes.gradient_flow.result import Gradients, Parts
from resviz.probes.gradient_flow.signal_path import on_signal_path
from resviz.progress import Progress, silent

# Within these norms single numbers are still far from the ends of float32.
SMALLEST, LARGEST = 1e-30, 1e30
# Rounding moves float32 by 6e-8 of itself; a hundredfold growth makes that some thousandths of a
# norm, 1e4 makes it 1 % and 1e8 16 %: measured against float64 over families and depths up to 164.
AMPLIFICATION = 100.0
SPAN = 1000.0  # first against last, where a network has no blocks to measure the growth at

Loss = Callable[[Tensor, Tensor], Tensor]

__all__ = ["Gradients", "Parts", "gradients"]


@probe
def gradients(
    model: nn.Module,
    x: Float[Tensor, "n c h w"],
    targets: Int[Tensor, " n"],
    *,
    loss: Loss = F.cross_entropy,
    details: bool = True,
    double: bool = False,
    progress: Progress | None = None,
) -> Gradients:
    """Measure how much gradient of a batch's loss reaches each layer and block.

    The numbers are ||dL/dW||_2 for each convolution and matrix W, and ||dL/dx||_2 for the output x
    of each block, with L = loss(model(x), targets) and BatchNorm in training mode. Computed in
    float32, and again in float64 where float32 loses numbers or its rounding errors grow too large.

    Args:
        model: a classifier; its weights, statistics and `.grad` stay as they are.
        x: preprocessed images, (n, channels, height, width).
        targets: the class of each, (n,).
        loss: of class scores (n, classes) and targets; the mean cross-entropy unless given.
        details: measure the standard deviation of block outputs as well, and the parts through
            shortcut and branch; without it these arrays are NaN or empty.
        double: compute in float64 from the start.
        progress: called with the share of the work that is done, from 0 to 1.

    Returns:
        Norms without unit by layer and block, in forward order.

    Raises:
        ProbeError: for a model that is no classifier of these images, that has no weighted layers,
            or whose loss is not a number.

    Example:
        >>> import resviz, torch
        >>> model = resviz.load("new/residual-8?width=4").model
        >>> flow = resviz.gradients(model, torch.zeros(2, 3, 32, 32), torch.tensor([0, 1]))
        >>> flow.layers[0], len(flow.weight_gradient) == len(flow.layers)
        ('conv1', True)

    Reference:
        He et al. 2015, "Deep Residual Learning for Image Recognition", 1512.03385, section 4.1;
        He et al. 2016, "Identity Mappings in Deep Residual Networks", 1603.05027, eqn. 5.
    """
    measure = partial(_measure, loss=loss, details=details, progress=progress)
    if not double:
        flow = measure(model, x, targets)
        if not _needs_float64(flow):
            return flow
    flow = measure(own_clone(model).double(), x.double(), targets)
    if math.isnan(flow.loss):
        raise ProbeError(
            "the loss of this network is not a number, and so is its gradient; choose another one"
        )
    return flow


def _needs_float64(flow: Gradients) -> bool:
    """Whether float32 may have lost a number, or its rounding errors may show."""
    norms = np.concatenate([flow.weight_gradient, flow.block_gradient, [flow.loss]])
    # A signal that fades to zero blocks every gradient: then a zero has no small neighbours.
    if not np.isfinite(norms).all() or not norms.all():
        return True
    if norms.min() < SMALLEST or norms.max() > LARGEST:
        return True
    if len(flow.blocks) > 1:
        return flow.amplification > AMPLIFICATION
    compared = flow.weight_gradient[flow.compared]
    return bool(compared.max() > SPAN * compared.min())


def _measure(
    model: nn.Module,
    x: Tensor,
    targets: Tensor,
    *,
    loss: Loss,
    details: bool,
    progress: Progress | None,
) -> Gradients:
    """One forward and backward in the precision of model and images."""
    names = blocks(model, x.shape[-1])
    recorder = Recorder(progress or silent, names, _weighted(model), details)
    value, gradient, signal_path = _backward(model, x, targets, loss, recorder)
    measured = recorder.measured_blocks()
    return Gradients(
        loss=float(value.detach()),
        precision=str(x.dtype).removeprefix("torch."),
        layers=tuple(gradient),
        compared=_compared(gradient, signal_path),
        weight_gradient=np.array([norm(of_layer) for of_layer in gradient.values()]),
        weight=np.array([norm(recorder.weights[name].detach()) for name in gradient]),
        blocks=tuple(measured),
        depth=np.array([recorder.depth[name] for name in measured], int),
        block_gradient=recorder.of_blocks(recorder.block_gradient),
        deviation=recorder.of_blocks(recorder.deviation),
        backward=recorder.sums(BACKWARD),
        forward=recorder.sums(FORWARD),
    )


def _weighted(model: nn.Module) -> dict[str, nn.Module]:
    """Convolutions and matrices by name."""
    kinds = nn.modules.conv._ConvNd | nn.Linear
    return {
        name: module for name, module in model.named_modules() if name and isinstance(module, kinds)
    }


def _backward(
    model: nn.Module, x: Tensor, targets: Tensor, loss: Loss, recorder: Recorder
) -> tuple[Tensor, dict[str, Tensor], set[str]]:
    """The loss, dL/dW of the layers that it depends on, and which of them the signal passes."""
    parameters = [p for module in recorder.modules.values() for p in module.parameters()]
    with (
        differentiable(parameters),
        parametrize.cached(),  # else a normalised weight is another tensor whenever it is asked for
        batch_statistics(model),
        light(model),
        recorded(model, recorder),
    ):
        value = _loss(model, x, targets, loss)
        if not recorder.weights or not value.requires_grad:
            raise ProbeError(
                "the loss of this network depends on no weights of convolutions or matrices"
            )
        signal_path = on_signal_path(value, recorder.nodes)  # the graph ends with the backward pass
        weights = list(recorder.weights.values())
        gradients = torch.autograd.grad(value, weights, allow_unused=True)
    by_layer = zip(recorder.weights, gradients, strict=True)
    return value, {name: of for name, of in by_layer if of is not None}, signal_path


def _loss(model: nn.Module, x: Tensor, targets: Tensor, loss: Loss) -> Tensor:
    """The loss of a batch; raises `ProbeError` where the usual one cannot take the output."""
    output = model(x.clone())
    if loss is F.cross_entropy:
        _check_scores(output, targets)
    return loss(output, targets)


def _check_scores(output: object, targets: Tensor) -> None:
    if not isinstance(output, Tensor):
        raise ProbeError(
            "this model returns a {kind}, not a tensor of class scores; give `gradients` a loss "
            "that takes the scores out of it",
            kind=type(output).__name__,
        )
    if output.ndim < 2 or len(output) != len(targets):
        raise ProbeError(
            "this model returns {shape} for {images} images, not a row of class scores for each",
            shape=" x ".join(str(length) for length in output.shape),
            images=len(targets),
        )
    classes = output.shape[1]
    if not 0 <= int(targets.min()) <= int(targets.max()) < classes:
        raise ProbeError(
            "targets are classes from 0 to {last}, got {least} to {largest}",
            last=classes - 1,
            least=int(targets.min()),
            largest=int(targets.max()),
        )


def _compared(gradient: Mapping[str, Tensor], signal_path: set[str]) -> Int[np.ndarray, " some"]:
    """Indices of the layers whose first and last are compared.

    Convolutions on the signal's path; where there are not two, as in transformers and perceptrons,
    all layers but the classifier.
    """
    kernels = [
        i
        for i, (name, weight) in enumerate(gradient.items())
        if weight.ndim > 2 and name in signal_path
    ]
    return np.array(kernels if len(kernels) > 1 else range(max(1, len(gradient) - 1)), int)
