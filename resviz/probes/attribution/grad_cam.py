"""Grad-CAM (Selvaraju et al. 2017, "Grad-CAM: Visual Explanations from Deep Networks", section 3).

alpha_k = 1/Z sum_ij dy/dA_ij^k (eqn. 1) weighs the channels of a layer; the map is sum_k alpha_k
A^k. The paper shows its positive part (eqn. 2); we keep the sign, because evidence against the
class is worth seeing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from resviz.errors import ProbeError
from resviz.probes.core.class_graph import ClassGraph
from resviz.probes.core.entry import probe


@dataclass(frozen=True, slots=True)
class Attribution:
    """How much evidence each place is for class `target`.

    `map` is at the layer's own resolution, or at the image's without a layer. `probability` is the
    model's for that class, `input_size` the height and width of the image in pixels.
    """

    method: str
    layer: str | None
    target: int
    probability: float
    map: Float[np.ndarray, "h w"]
    input_size: tuple[int, int]

    @property
    def is_flat(self) -> bool:
        """Whether the map is zero everywhere: no place changes the score."""
        return not self.map.any()


class CamGraph(ClassGraph):
    """Grad-CAM of class after class, from one forward pass of one image.

    For the score y of a class and the output A of a layer, (channels, height, width):
    alpha_k = 1/Z sum_ij dy/dA_ij^k, and the map is sum_k alpha_k A^k, with its sign.

    It holds the activations and the graph between them and the scores, no hook and no model, and is
    safe to share between threads. Of a module that runs more than once the last output counts.

    Args:
        model: a classifier: one image in, one row of class scores out.
        x: one preprocessed image, (1, channels, height, width).
        layers: names of modules whose output is a map, as `resviz.layers` lists them.

    Raises:
        ProbeError: for an unknown layer, one that does not run, one whose output is no map, and
            for a model that is no classifier.

    Example:
        >>> import resviz, torch
        >>> model = resviz.load("new/residual-8").model
        >>> graph = resviz.CamGraph(model, torch.zeros(1, 3, 32, 32), ["layer3"])
        >>> [graph.grad_cam("layer3", target).map.shape for target in (0, 1)]
        [(8, 8), (8, 8)]

    Reference:
        Selvaraju et al. 2017 (1610.02391), section 3, eqns. 1 and 2.
    """

    def grad_cam(self, layer: str, target: int) -> Attribution:
        """The signed map of one layer; raises `ProbeError` if there is no such class."""
        return self._map(layer, target, self.gradient(layer, target))

    def grad_cams(self, target: int) -> dict[str, Attribution]:
        """The signed maps of all layers from one backward pass; raises what `grad_cam` raises."""
        gradients = self.gradients(self.layers, target)
        pairs = zip(self.layers, gradients, strict=True)
        return {layer: self._map(layer, target, gradient) for layer, gradient in pairs}

    def _map(self, layer: str, target: int, gradient: Float[Tensor, "c h w"]) -> Attribution:
        if gradient[0].numel() == 1:
            raise ProbeError(
                "layer {layer} is a single cell and a map needs more; choose an earlier layer",
                layer=layer,
            )
        alpha = gradient.float().mean((1, 2))  # (channels,)
        cam = torch.einsum("c,chw->hw", alpha, self.activation(layer).float())
        probability = float(self.probabilities[target])
        values = cam.cpu().numpy()
        return Attribution("grad-cam", layer, target, probability, values, self.input_size)


@probe
def grad_cam(model: nn.Module, x: Float[Tensor, "1 c h w"], layer: str, target: int) -> Attribution:
    """Compute Grad-CAM of one layer, for the price of one forward pass.

    The map is sum_k alpha_k A^k with alpha_k = 1/Z sum_ij dy/dA_ij^k, for the layer's output A and
    the score y of the class. Positive cells are evidence for the class, negative ones against it.

    Args:
        model: a classifier: one image in, one row of class scores out.
        x: one preprocessed image, (1, channels, height, width).
        layer: the name of a module whose output is a map, as `resviz.layers` lists it.
        target: the index of the class.

    Returns:
        An `Attribution`; its `map` has the layer's own cells, (height, width), in units of the
        score times the layer's activation.

    Raises:
        ProbeError: for an unknown layer, one that does not run or whose output is no map of more
            than one cell, a class that is not there, and a model that is no classifier.

    Example:
        >>> import resviz, torch
        >>> model = resviz.load("new/residual-8").model
        >>> cam = resviz.grad_cam(model, torch.zeros(1, 3, 32, 32), "layer3", target=2)
        >>> cam.map.shape, cam.input_size
        ((8, 8), (32, 32))

    Reference:
        Selvaraju et al. 2017 (1610.02391), section 3, eqns. 1 and 2.
    """
    return CamGraph(model, x, (layer,)).grad_cam(layer, target)


@probe
def grad_cams(
    model: nn.Module, x: Float[Tensor, "1 c h w"], layers: Sequence[str], target: int
) -> dict[str, Attribution]:
    """Compute Grad-CAM of several layers from one forward and one backward pass.

    Args:
        model: a classifier: one image in, one row of class scores out.
        x: one preprocessed image, (1, channels, height, width).
        layers: names of modules whose output is a map.
        target: the index of the class.

    Returns:
        Layer -> `Attribution`, each as `grad_cam` gives it.

    Raises:
        ProbeError: what `grad_cam` raises.

    Example:
        >>> import resviz, torch
        >>> model = resviz.load("new/residual-8").model
        >>> cams = resviz.grad_cams(model, torch.zeros(1, 3, 32, 32), ["layer1", "layer3"], 2)
        >>> {layer: cam.map.shape for layer, cam in cams.items()}
        {'layer1': (32, 32), 'layer3': (8, 8)}

    Reference:
        Selvaraju et al. 2017 (1610.02391), section 3, eqns. 1 and 2.
    """
    return CamGraph(model, x, layers).grad_cams(target)
