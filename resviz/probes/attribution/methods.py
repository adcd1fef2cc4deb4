"""Which places are evidence for a class: Grad-CAM, ours, and four methods through captum."""

from collections.abc import Callable
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor, nn

from resviz.errors import ProbeError, Sentence
from resviz.probes.attribution.grad_cam import Attribution, CamGraph, grad_cam, grad_cams
from resviz.probes.attribution.guided import guided_grad_cam
from resviz.probes.attribution.pixels import integrated_gradients, occlusion, saliency
from resviz.probes.core.entry import probe
from resviz.probes.core.layers import last_spatial
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


@dataclass(frozen=True, slots=True)
class Method:
    """One row of the list of methods.

    `signed`: values below zero are evidence against the class; `slow`: it takes dozens of passes.
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


@probe
def attribute(
    model: nn.Module,
    x: Float[Tensor, "1 c h w"],
    method: str,
    target: int,
    layer: str | None = None,
    progress: Progress | None = None,
) -> Attribution:
    """Map which places of an image are evidence for a class, by any of the methods.

    Args:
        model: a classifier: one image in, one row of class scores out.
        x: one preprocessed image, (1, channels, height, width).
        method: "grad-cam", "guided-grad-cam", "saliency", "integrated-gradients" or "occlusion".
        target: the index of the class.
        layer: the layer that Grad-CAM looks at; by default the last block with a map of more than
            one cell. The other methods take none.
        progress: is called with the share done, 0 to 1.

    Returns:
        An `Attribution`; its `map`, (height, width), has the layer's cells for Grad-CAM, the
        image's pixels otherwise.

    Raises:
        ProbeError: for an unknown method, a layer given to a method that takes none, a class that
            is not there, a model that is no classifier, and what the method itself refuses.

    Example:
        >>> import resviz, torch
        >>> model = resviz.load("new/residual-8").model
        >>> resviz.attribute(model, torch.zeros(1, 3, 32, 32), "grad-cam", target=2).layer
        'layer3.0'

    Reference:
        Selvaraju et al. 2017 (1610.02391); Simonyan et al. 2014 (1312.6034), section 3.1;
        Sundararajan et al. 2017 (1703.01365), section 3; Zeiler and Fergus 2014 (1311.2901),
        section 4.2.
    """
    if method not in METHODS:
        raise ProbeError(
            "there is no method {method!r}; choose one of {methods}",
            method=method,
            methods=", ".join(METHODS),
        )
    if layer is not None and not METHODS[method].needs_layer:
        raise ProbeError(
            "{method} looks at the pixels and takes no layer; "
            "leave the layer out, or choose grad-cam",
            method=method,
        )
    result = METHODS[method].run(model, x, target, layer, progress)
    if progress:
        progress(1.0)
    return result


def _layer(model: nn.Module, x: Tensor, layer: str | None) -> str:
    return layer or last_spatial(model, min(x.shape[2:]))


def _run_grad_cam(
    model: nn.Module, x: Tensor, target: int, layer: str | None, _progress: Progress | None
) -> Attribution:
    return grad_cam(model, x, _layer(model, x, layer), target)


def _run_guided_grad_cam(
    model: nn.Module, x: Tensor, target: int, layer: str | None, _progress: Progress | None
) -> Attribution:
    return guided_grad_cam(model, x, _layer(model, x, layer), target)


_ALL = (
    Method(
        "grad-cam",
        Sentence("Grad-CAM"),
        needs_layer=True,
        signed=True,
        slow=False,
        citation="Selvaraju et al. 2017, section 3",
        run=_run_grad_cam,
    ),
    Method(
        "guided-grad-cam",
        Sentence("Guided Grad-CAM"),
        needs_layer=True,
        signed=True,
        slow=False,
        citation="Selvaraju et al. 2017, section 3.2",
        run=_run_guided_grad_cam,
    ),
    Method(
        "saliency",
        Sentence("Saliency"),
        needs_layer=False,
        signed=False,
        slow=False,
        citation="Simonyan et al. 2014, section 3.1",
        run=lambda model, x, target, _layer, _progress: saliency(model, x, target),
    ),
    Method(
        "integrated-gradients",
        Sentence("Integrated Gradients"),
        needs_layer=False,
        signed=True,
        slow=True,
        citation="Sundararajan et al. 2017, section 3",
        run=lambda model, x, target, _, progress: integrated_gradients(model, x, target, progress),
    ),
    Method(
        "occlusion",
        Sentence("Occlusion"),
        needs_layer=False,
        signed=True,
        slow=True,
        citation="Zeiler and Fergus 2014, section 4.2",
        run=lambda model, x, target, _, progress: occlusion(model, x, target, progress),
    ),
)
METHODS = {method.name: method for method in _ALL}
