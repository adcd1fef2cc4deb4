"""Grad-CAM (Selvaraju et al. 2017, "Grad-CAM: Visual Explanations from Deep Networks", section 3).

alpha_k = 1/Z sum_ij dy/dA_ij^k (eqn. 1) weighs the channels of a layer; the map is sum_k alpha_k
A^k. The paper shows its positive part (eqn. 2); we keep the sign, because "speaks against the
class" is worth seeing.

The network runs without a graph up to the earliest chosen layer and with one from there: for the
last stage that is a pooling and a linear layer, about 0.01 MiB. Another class is then one short
backward pass.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from threading import Lock

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from resviz.errors import ProbeError
from resviz.probes.core.hooks import eval_mode, observe
from resviz.probes.core.layers import check_spatial
from resviz.probes.core.prediction import check_target, class_scores, softmax


@dataclass(frozen=True, slots=True)
class Attribution:
    """How much each place speaks for class `target`, at the layer's own resolution (or the image's without a layer).

    `probability` is the model's for that class, `input_size` the height and width of the image in
    pixels.
    """

    method: str
    layer: str | None
    target: int
    probability: float
    map: Float[np.ndarray, "h w"]
    input_size: tuple[int, int]

    @property
    def is_flat(self) -> bool:
        """Whether the map is zero everywhere: no place changes the score (all gradients vanished)."""
        return not self.map.any()


class CamGraph:
    """One image's activations at `layers` and its class scores, with the graph between them.

    Holds no hook and no model; safe to share between threads. Of a module that runs more than once
    the last output counts. Raises `ProbeError` for an unknown layer, one that does not run, one
    whose output is no map, and for a model that is no classifier.
    """

    def __init__(
        self, model: nn.Module, x: Float[Tensor, "1 c h w"], layers: Sequence[str]
    ) -> None:
        self.layers = tuple(layers)
        self.input_size = (x.shape[-2], x.shape[-1])
        self._activations: dict[str, Tensor] = {}
        self._lock = Lock()
        with (
            eval_mode(model),
            torch.no_grad(),
            observe(model, self.layers, partial(self._keep, model)),
        ):
            self._scores = class_scores(model(x))
        for layer in self.layers:
            if layer not in self._activations:
                raise ProbeError(
                    "layer {layer} does not run when the model looks at an image; choose another layer",
                    layer=layer,
                )
        self.probabilities = softmax(self._scores)

    def activation(self, layer: str) -> Float[Tensor, "c h w"]:
        """A: the layer's output."""
        return self._activations[layer].detach()[0]

    def gradient(self, layer: str, target: int) -> Float[Tensor, "c h w"]:
        """dy/dA for the score y of class `target`; raises `ProbeError` if there is no such class."""
        return self._gradients((layer,), target)[0]

    def grad_cam(self, layer: str, target: int) -> Attribution:
        """The signed map of one layer; raises `ProbeError` if there is no such class."""
        return self._attribution(layer, target, self.gradient(layer, target))

    def grad_cams(self, target: int) -> dict[str, Attribution]:
        """The signed maps of all layers from one backward pass; raises `ProbeError` if there is no such class."""
        gradients = self._gradients(self.layers, target)
        return {
            la: self._attribution(la, target, g)
            for la, g in zip(self.layers, gradients, strict=True)
        }

    def _keep(self, model: nn.Module, layer: str, _inputs: object, output: object) -> Tensor:
        """Start the graph here, or go on with it; the network gets a copy that it may change in place."""
        activation = check_spatial(model, layer, output)
        torch.set_grad_enabled(True)  # the `no_grad` around the forward pass puts this back
        if not activation.requires_grad:
            activation = activation.detach().requires_grad_()
        self._activations[layer] = activation
        return activation.clone()

    def _gradients(self, layers: Sequence[str], target: int) -> list[Float[Tensor, "..."]]:
        check_target(target, len(self.probabilities))
        activations = [self._activations[layer] for layer in layers]
        if not self._scores.requires_grad:
            return [torch.zeros_like(a[0]) for a in activations]
        one = torch.zeros_like(self._scores)
        one[target] = 1
        with self._lock:
            found = torch.autograd.grad(
                self._scores, activations, one, retain_graph=True, materialize_grads=True
            )
        return [gradient[0] for gradient in found]

    def _attribution(
        self, layer: str, target: int, gradient: Float[Tensor, "c h w"]
    ) -> Attribution:
        if gradient[0].numel() == 1:
            raise ProbeError(
                "layer {layer} is a single cell and a map needs more; choose an earlier layer",
                layer=layer,
            )
        alpha = gradient.float().mean((1, 2))  # (channels,)
        cam = torch.einsum("c,chw->hw", alpha, self.activation(layer).float())
        probability = float(self.probabilities[target])
        return Attribution(
            "grad-cam", layer, target, probability, cam.cpu().numpy(), self.input_size
        )


def grad_cam(model: nn.Module, x: Float[Tensor, "1 c h w"], layer: str, target: int) -> Attribution:
    """Grad-CAM of one layer, for the price of one forward pass; raises what `CamGraph` raises."""
    return CamGraph(model, x, (layer,)).grad_cam(layer, target)


def grad_cams(
    model: nn.Module, x: Float[Tensor, "1 c h w"], layers: Sequence[str], target: int
) -> dict[str, Attribution]:
    """Grad-CAM of several layers from one forward and one backward pass; raises what `CamGraph` raises."""
    return CamGraph(model, x, layers).grad_cams(target)
