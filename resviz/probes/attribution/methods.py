"""Which places of an image speak for a class: Grad-CAM (our own, see `cam.py`) and four methods through captum.

captum takes seconds to import and is, on first use.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, prod

import torch
from jaxtyping import Float
from torch import Tensor, nn

from resviz.errors import ProbeError, Sentence
from resviz.probes.attribution.grad_cam import Attribution, CamGraph, grad_cam, grad_cams
from resviz.probes.attribution.guided import guided_grad_cam
from resviz.probes.core.hooks import eval_mode
from resviz.probes.core.layers import last_spatial
from resviz.probes.core.prediction import check_target, class_scores, softmax
from resviz.progress import Progress

__all__ = [
    "METHODS",
    "Attribution",
    "CamGraph",
    "Method",
    "attribute",
    "grad_cam",
    "grad_cams",
    "guided_grad_cam",
    "integrated_gradients",
    "last_spatial",
    "occlusion",
    "saliency",
]

Run = Callable[[nn.Module, Tensor, int, str | None, Progress | None], Attribution]
Forward = Callable[[Tensor], Tensor]

IG_STEPS = 32
IG_BATCH = 4  # steps with a graph at once: memory
OCCLUSION_BATCH = 8


@dataclass(frozen=True, slots=True)
class Method:
    """One row of the list of methods. `slow`: dozens of passes; `signed`: below zero speaks against the class.

    `run` takes model, image, class, layer (None: `last_spatial`) and a function that receives the
    share done.
    """

    name: str
    title: Sentence
    needs_layer: bool
    signed: bool
    slow: bool
    citation: str
    run: Run


def attribute(
    model: nn.Module,
    x: Float[Tensor, "1 c h w"],
    method: str,
    target: int,
    layer: str | None = None,
    progress: Progress | None = None,
) -> Attribution:
    """The map of any of `METHODS`; a method that needs a layer takes `last_spatial` if none is given.

    Raises `ProbeError` for an unknown method and for a layer given to one that takes none, and what
    the method raises.
    """
    if method not in METHODS:
        raise ProbeError(
            "there is no method {method!r}; choose one of {methods}",
            method=method,
            methods=", ".join(METHODS),
        )
    if layer is not None and not METHODS[method].needs_layer:
        raise ProbeError(
            "{method} looks at the pixels and takes no layer; leave the layer out, or choose grad-cam",
            method=method,
        )
    result = METHODS[method].run(model, x, target, layer, progress)
    if progress:
        progress(1.0)
    return result


def saliency(model: nn.Module, x: Float[Tensor, "1 c h w"], target: int) -> Attribution:
    """max_c |dy/dx_c| of each pixel, y the class score (Simonyan et al. 2014, section 3.1)."""
    from captum.attr import Saliency

    probability = _probability(model, x, target)
    with eval_mode(model):
        found = Saliency(model).attribute(
            x.detach().requires_grad_(), target
        )  # |dy/dx|, 1 x c x h x w
    return _result("saliency", target, probability, found.amax(1))


def integrated_gradients(
    model: nn.Module, x: Float[Tensor, "1 c h w"], target: int, progress: Progress | None = None
) -> Attribution:
    """sum_c x_c * mean of dy/dx_c on the straight way from the mean colour, 0, to x (Sundararajan et al. 2017, eqn. 1).

    The map sums to y(x) - y(0), up to the error of 32 Gauss-Legendre steps.
    """
    from captum.attr import IntegratedGradients

    probability = _probability(model, x, target)
    forward = _counted(model, IG_STEPS, progress)
    with eval_mode(model):
        found = IntegratedGradients(forward).attribute(
            x.detach().requires_grad_(),
            target=target,
            n_steps=IG_STEPS,
            internal_batch_size=IG_BATCH,
        )
    return _result("integrated-gradients", target, probability, found.sum(1))


def occlusion(
    model: nn.Module, x: Float[Tensor, "1 c h w"], target: int, progress: Progress | None = None
) -> Attribution:
    """How much y falls while a window in the mean colour, 0, covers the pixel, averaged over the windows that do.

    The window is a seventh of the side, in steps of half of it (Zeiler and Fergus 2014, section
    4.2).
    """
    from captum.attr import Occlusion

    probability = _probability(model, x, target)
    sides = x.shape[2:]
    window = [max(1, round(side / 7)) for side in sides]
    stride = [max(1, w // 2) for w in window]
    windows = prod(
        ceil((side - w) / s) + 1 for side, w, s in zip(sides, window, stride, strict=True)
    )
    forward = _counted(model, 1 + windows, progress)
    with eval_mode(model):
        found = Occlusion(forward).attribute(
            x,
            sliding_window_shapes=(x.shape[1], *window),
            strides=(x.shape[1], *stride),
            target=target,
            perturbations_per_eval=OCCLUSION_BATCH,
        )
    return _result("occlusion", target, probability, found.mean(1))  # all channels hold the same


def _layer(model: nn.Module, x: Tensor, layer: str | None) -> str:
    return layer or last_spatial(model, min(x.shape[2:]))


def _probability(model: nn.Module, x: Tensor, target: int) -> float:
    """The model's for the class; raises `ProbeError` if there is no such class or the model is no classifier."""
    with eval_mode(model), torch.no_grad():
        scores = class_scores(model(x))
    check_target(target, len(scores))
    return float(softmax(scores)[target])


def _counted(model: nn.Module, total: int, progress: Progress | None) -> Forward:
    """The model, reporting how many of `total` images it has seen."""
    done = 0

    def forward(x: Tensor) -> Tensor:
        nonlocal done
        scores: Tensor = model(x)
        done += len(x)
        if progress:
            progress(min(1.0, done / total))
        return scores

    return forward


def _result(method: str, target: int, probability: float, found: Tensor) -> Attribution:
    pixels = found.detach()[0].float().cpu().numpy()  # (h, w), the image's own
    return Attribution(
        method, None, target, probability, pixels, (pixels.shape[0], pixels.shape[1])
    )


METHODS = {
    method.name: method
    for method in (  # name, title, needs a layer, signed, slow, citation, run
        Method(
            "grad-cam", Sentence("Grad-CAM"), True, True, False,
            "Selvaraju et al. 2017, section 3",
            lambda model, x, target, layer, _: grad_cam(model, x, _layer(model, x, layer), target),
        ),
        Method(
            "guided-grad-cam", Sentence("Guided Grad-CAM"), True, True, False,
            "Selvaraju et al. 2017, section 3.2",
            lambda model, x, target, layer, _: guided_grad_cam(model, x, _layer(model, x, layer), target),
        ),
        Method(
            "saliency", Sentence("Saliency"), False, False, False,
            "Simonyan et al. 2014, section 3.1",
            lambda model, x, target, _unused, _: saliency(model, x, target),
        ),
        Method(
            "integrated-gradients", Sentence("Integrated Gradients"), False, True, True,
            "Sundararajan et al. 2017, section 3",
            lambda model, x, target, _, progress: integrated_gradients(model, x, target, progress),
        ),
        Method(
            "occlusion", Sentence("Occlusion"), False, True, True,
            "Zeiler and Fergus 2014, section 4.2",
            lambda model, x, target, _, progress: occlusion(model, x, target, progress),
        ),
    )
}  # fmt: skip
