"""Evidence pixel by pixel: saliency, integrated gradients and occlusion, through captum.

captum takes seconds to import and is imported on first use.
"""

from collections.abc import Callable, Sequence
from math import ceil, prod

import torch
from jaxtyping import Float
from torch import Tensor, nn

from resviz.probes.attribution.grad_cam import Attribution
from resviz.probes.core.hooks import eval_mode
from resviz.probes.core.prediction import check_target, class_scores, probabilities
from resviz.progress import Progress

Forward = Callable[[Tensor], Tensor]

IG_STEPS = 32  # Gauss-Legendre: the sum of the map is then within about 1 % of the score's change
IG_BATCH = 4  # each step needs a graph, and so its memory
OCCLUSION_BATCH = 8
WINDOWS_A_SIDE = 7  # about an object's part; Zeiler and Fergus name no size in pixels


class Copying(nn.Module):
    """The network on a copy of its image, which it may change in place: captum hands out a leaf."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.model(x.clone())
        return scores


def saliency(model: nn.Module, x: Float[Tensor, "1 c h w"], target: int) -> Attribution:
    """max_c |dy/dx_c| of each pixel, y the class score (Simonyan et al. 2014, section 3.1)."""
    from captum.attr import Saliency

    probability = _probability(model, x, target)
    image = x.detach().requires_grad_()
    with eval_mode(model):
        values = Saliency(Copying(model)).attribute(image, target)  # |dy/dx|, (1, c, h, w)
    return _result("saliency", target, probability, values.amax(1))


def integrated_gradients(
    model: nn.Module, x: Float[Tensor, "1 c h w"], target: int, progress: Progress | None = None
) -> Attribution:
    """sum_c x_c * mean of dy/dx_c on the straight line from the mean colour, 0, to x.

    Sundararajan et al. 2017, eqn. 1. The map sums to y(x) - y(0), up to the error of 32
    Gauss-Legendre steps.
    """
    from captum.attr import IntegratedGradients

    probability = _probability(model, x, target)
    forward = _counted(model, IG_STEPS, progress)
    with eval_mode(model):
        values = IntegratedGradients(forward).attribute(
            x.detach().requires_grad_(),
            target=target,
            n_steps=IG_STEPS,
            internal_batch_size=IG_BATCH,
        )
    return _result("integrated-gradients", target, probability, values.sum(1))


def occlusion(
    model: nn.Module, x: Float[Tensor, "1 c h w"], target: int, progress: Progress | None = None
) -> Attribution:
    """How much y falls while a window in the mean colour, 0, covers the pixel.

    Averaged over the windows that cover it. The window is a seventh of the side, in steps of half
    of it (Zeiler and Fergus 2014, section 4.2).
    """
    from captum.attr import Occlusion

    probability = _probability(model, x, target)
    window, stride, windows = _windows(x.shape[2:])
    forward = _counted(model, 1 + windows, progress)
    with eval_mode(model):
        values = Occlusion(forward).attribute(
            x,
            sliding_window_shapes=(x.shape[1], *window),
            strides=(x.shape[1], *stride),
            target=target,
            perturbations_per_eval=OCCLUSION_BATCH,
        )
    # The window covers all channels at once, so that all hold the same.
    return _result("occlusion", target, probability, values.mean(1))


def _windows(sides: Sequence[int]) -> tuple[list[int], list[int], int]:
    """Sides and steps of the window in pixels, and how many there are."""
    window = [max(1, round(side / WINDOWS_A_SIDE)) for side in sides]
    stride = [max(1, length // 2) for length in window]
    steps = zip(sides, window, stride, strict=True)
    return window, stride, prod(ceil((side - length) / step) + 1 for side, length, step in steps)


def _probability(model: nn.Module, x: Tensor, target: int) -> float:
    """The model's for the class; raises `ProbeError` for a class that is not there."""
    with eval_mode(model), torch.no_grad():
        scores = class_scores(model(x))
    check_target(target, len(scores))
    return float(probabilities(scores)[target])


def _counted(model: nn.Module, total: int, progress: Progress | None) -> Forward:
    """The model, reporting how many of `total` images it has seen."""
    done, copying = 0, Copying(model)

    def forward(x: Tensor) -> Tensor:
        nonlocal done
        scores: Tensor = copying(x)
        done += len(x)
        if progress:
            progress(min(1.0, done / total))
        return scores

    return forward


def _result(method: str, target: int, probability: float, values: Tensor) -> Attribution:
    pixels = values.detach()[0].float().cpu().numpy()  # (h, w), the image's own
    size = (pixels.shape[0], pixels.shape[1])
    return Attribution(method, None, target, probability, pixels, size)
