"""The graph between some layers of a classifier and its scores, from one forward pass.

The network runs without a graph up to the earliest chosen layer and with one from there: for the
last stage that is a pooling and a linear layer, about 0.01 MiB. Another class is then one short
backward pass.
"""

from collections.abc import Sequence
from functools import partial
from threading import Lock

import torch
from jaxtyping import Float
from torch import Tensor, nn

from resviz.errors import ProbeError
from resviz.probes.core.entry import probe
from resviz.probes.core.hooks import eval_mode, observe
from resviz.probes.core.maps import check_spatial, has_channels_last
from resviz.probes.core.prediction import check_target, class_scores, probabilities


class ClassGraph:
    """One image's activations at `layers` and its class scores, with the graph between them.

    Holds no hook and no model; safe to share between threads. Of a module that runs more than once
    the last output counts. Raises `ProbeError` for an unknown layer, one that does not run, one
    whose output is no map, and for a model that is no classifier.
    """

    @probe
    def __init__(
        self, model: nn.Module, x: Float[Tensor, "1 c h w"], layers: Sequence[str]
    ) -> None:
        self.layers = tuple(layers)
        self.input_size = (x.shape[-2], x.shape[-1])
        self._activations: dict[str, Tensor] = {}
        self._lock = Lock()
        begin = partial(self._begin, model)
        with eval_mode(model), torch.no_grad(), observe(model, self.layers, begin):
            self._scores = class_scores(model(x))
        for layer in self.layers:
            if layer not in self._activations:
                raise ProbeError(
                    "layer {layer} does not run when the model looks at an image; "
                    "choose another layer",
                    layer=layer,
                )
        self.probabilities = probabilities(self._scores)

    def activation(self, layer: str) -> Float[Tensor, "c h w"]:
        """A: the layer's output, with the channels first."""
        return self._channels_first(self._activations[layer].detach())

    def gradient(self, layer: str, target: int) -> Float[Tensor, "c h w"]:
        """dy/dA for the score y of class `target`; raises `ProbeError` where there is none."""
        return self.gradients((layer,), target)[0]

    def gradients(self, layers: Sequence[str], target: int) -> list[Float[Tensor, "c h w"]]:
        """dy/dA of several layers from one backward pass; raises what `gradient` raises."""
        check_target(target, len(self.probabilities))
        activations = [self._activations[layer] for layer in layers]
        if not self._scores.requires_grad:
            # Nothing that was chosen leads to the scores.
            return [self._channels_first(torch.zeros_like(a)) for a in activations]
        one = torch.zeros_like(self._scores)
        one[target] = 1
        # The graph stays for the next class, and autograd must not walk it twice at once.
        with self._lock:
            batches = torch.autograd.grad(
                self._scores, activations, one, retain_graph=True, materialize_grads=True
            )
        return [self._channels_first(batch) for batch in batches]

    def _channels_first(self, tensor: Tensor) -> Float[Tensor, "c h w"]:
        last = has_channels_last(tensor.shape[1:], self.input_size)
        return tensor[0].permute(2, 0, 1) if last else tensor[0]

    def _begin(self, model: nn.Module, layer: str, _inputs: object, output: object) -> Tensor:
        """Start the graph here, or go on with it; the network gets a copy to change in place."""
        activation = check_spatial(model, layer, output)
        torch.set_grad_enabled(True)  # the `no_grad` around the forward pass puts this back
        if not activation.requires_grad:
            activation = activation.detach().requires_grad_()
        self._activations[layer] = activation
        return activation.clone()
