"""`Recorder`: what happens in every layer at every step, for a few hundredths of the step's time.

Weights: `torch._foreach_norm` over all kernels and matrices. Blocks: hooks that keep one number
each. Everything goes to the host in one piece, by one `.tolist()` a step: a GPU is waited for once.

    weight_gradient        ||dL/dW||
    weight                 ||W|| before the update
    update_ratio           ||update|| / ||W||
    block_gradient         ||dL/dy|| at the block's output y
    branch_gradient        ||J_F^T dL/dy||: the part of dL/dx, at the block's input x, through F
    shortcut_gradient      the part through the shortcut: both add up to dL/dx (He et al. 2016, 5)
    activation_deviation   standard deviation of y over the whole batch
    bn_...                 gamma, beta, running mean and variance of each BatchNorm: mean over its
                           channels, and `..._deviation`, the standard deviation over them
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import cast

import torch
from torch import Tensor, nn

from resviz.errors import TrainingError
from resviz.models.architectures.blocks import Block, Residual
from resviz.probes.core.hooks import intercept, observe
from resviz.probes.core.statistics import by_layer, mean_and_square, std_of
from resviz.training.engine.distributed import ALONE, Group
from resviz.training.schema import BLOCKS, PRESETS

# Steps between two looks at BatchNorm; the first ten steps are all recorded, for then the running
# averages move most.
BATCHNORM_EVERY = 10
# quantity -> the attribute of BatchNorm that it sums up
BATCHNORM_ATTRIBUTES = {
    "bn_gamma": "weight",
    "bn_mean": "running_mean",
    "bn_variance": "running_var",
    "bn_beta": "bias",
}
Layers = tuple[tuple[str, nn.Module], ...]


class Recorder:
    """Records the quantities of a preset.

    `watching()` goes around a training. Each step calls, in this order, `before_update`,
    `after_update`, and `values` with the numbers that the step's one transfer brought.
    """

    def __init__(self, model: nn.Module, preset: str = "light") -> None:
        if preset not in PRESETS:
            raise TrainingError(
                "record must be one of {presets}, got {preset!r}.",
                presets=", ".join(PRESETS),
                preset=preset,
            )
        self.model = model
        self.preset, self.quantities = preset, PRESETS[preset]
        self.layers: dict[str, Layers] = {
            "weighted": _modules(model, nn.Conv2d, nn.Linear),
            "block": _modules(model, Block),
            "residual": _modules(model, Residual),
            "batchnorm": _modules(model, nn.BatchNorm2d),
        }
        self._weights = [m.get_parameter("weight") for _, m in self.layers["weighted"]]
        self._before: list[Tensor] = []
        self._seen: dict[str, dict[str, Tensor]] = {quantity: {} for quantity in BLOCKS}
        self._measured: list[tuple[str, list[Tensor]]] = []

    def names(self) -> dict[str, list[tuple[str, str]]]:
        """Name and kind of the layers of each group, from the input to the output."""
        return {
            group: [(name, type(module).__name__) for name, module in layers]
            for group, layers in self.layers.items()
        }

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Set hooks on the blocks inside this context; none is left after it."""
        try:
            with ExitStack() as hooks:
                if {"block_gradient", "activation_deviation"} & set(self.quantities):
                    self._watch_blocks(hooks)
                yield
        finally:
            for seen in self._seen.values():
                seen.clear()

    def before_update(
        self, group: Group = ALONE, weight: float = 1.0, scale: Tensor | None = None
    ) -> list[Tensor]:
        """Measure gradients and weights after the backward pass; the numbers stay on the device.

        Of a group of processes, this one's loss counts `weight` times in their mean. `scale`: by
        what the loss was multiplied; gradients of weights are divided by it already.
        """
        self._measured = []
        weights = [w.detach() for w in self._weights]
        if "weight_gradient" in self.quantities:
            gradients = [torch.zeros_like(w) if w.grad is None else w.grad for w in self._weights]
            self._measured.append(("weight_gradient", _norms(gradients)))
        if "weight" in self.quantities:
            self._measured.append(("weight", _norms(weights)))
        if "update_ratio" in self.quantities:
            self._before = [w.clone() for w in weights]
        self._measured += self._blocks(group, weight, scale)
        return [number for _, numbers in self._measured for number in numbers]

    def after_update(self) -> list[Tensor]:
        """Measure the update."""
        if "update_ratio" not in self.quantities:
            return []
        weights_now = [w.detach() for w in self._weights]
        updates = _norms(list(torch._foreach_sub(weights_now, self._before)))
        weights = dict(self._measured)["weight"]
        ratios = list(torch._foreach_div(updates, weights))
        self._measured.append(("update_ratio", ratios))
        return ratios

    def values(self, numbers: Sequence[float], step: int) -> dict[str, tuple[float, ...]]:
        """Sort the numbers of `before_update` and `after_update` by quantity."""
        values, at = {}, 0
        for quantity, tensors in self._measured:
            values[quantity] = tuple(numbers[at : at + len(tensors)])
            at += len(tensors)
        is_due = step < BATCHNORM_EVERY or step % BATCHNORM_EVERY == 0
        if is_due and "bn_gamma" in self.quantities:
            values.update(self._batchnorm())
        self._measured = []
        return values

    def _blocks(
        self, group: Group, weight: float, scale: Tensor | None
    ) -> list[tuple[str, list[Tensor]]]:
        """Put together what the processes saw of their shares of the batch."""
        measured = []
        for quantity, seen in self._seen.items():
            if not seen:
                continue
            names = [name for name, _ in self.layers[BLOCKS[quantity]] if name in seen]
            values = torch.stack([seen[name] for name in names])
            # squares of norms add up over the processes, means are averaged
            if quantity == "activation_deviation":
                values = std_of(group.mean(values * weight))
            else:
                values = group.norm(values if scale is None else values / scale)
            measured.append((quantity, list(values.float().unbind())))
        return measured

    @torch.no_grad()
    def _batchnorm(self) -> dict[str, tuple[float, ...]]:
        norms = [norm for _, norm in self.layers["batchnorm"]]
        if not norms:
            return {}
        rows = [
            torch.cat([getattr(norm, attribute) for norm in norms])
            for attribute in BATCHNORM_ATTRIBUTES.values()
        ]
        sizes = [len(norm.get_parameter("weight")) for norm in norms]
        # one transfer for all of them: (4, channels of all layers)
        means, stds = by_layer(torch.stack(rows).cpu().double().numpy(), sizes)
        values = {}
        for quantity, mean, std in zip(BATCHNORM_ATTRIBUTES, means, stds, strict=True):
            values[quantity] = tuple(mean.tolist())
            values[f"{quantity}_deviation"] = tuple(std.tolist())
        return values

    def _watch_blocks(self, hooks: ExitStack) -> None:
        blocks = [name for name, _ in self.layers["block"]]
        hooks.enter_context(observe(self.model, blocks, self._see_output))
        # first module of a branch or a shortcut -> the quantity and the block it is measured for
        entrances: dict[str, tuple[str, str]] = {}
        for name, block in self.layers["residual"]:
            branch, shortcut = cast(Residual, block).ways
            entrances[f"{name}.{branch}"] = ("branch_gradient", name)
            entrances[f"{name}.{shortcut}"] = ("shortcut_gradient", name)

        def view(layer: str, inputs: tuple[Tensor, ...]) -> Tensor | None:
            return self._view(*entrances[layer], inputs[0])

        hooks.enter_context(intercept(self.model, entrances, view))

    def _see_output(self, name: str, _inputs: object, output: Tensor) -> None:
        if output.requires_grad and torch.is_grad_enabled():
            self._seen["activation_deviation"][name] = mean_and_square(output.detach())
            output.register_hook(self._keep_norm("block_gradient", name))

    def _view(self, quantity: str, name: str, x: Tensor) -> Tensor | None:
        """Give the branch, or the shortcut, a view of x with a gradient of its own."""
        # a Tap hands on the very tensor that it gets: without views both gradients would be one
        if not (x.requires_grad and torch.is_grad_enabled()):
            return None
        view = x.view_as(x)
        view.register_hook(self._keep_norm(quantity, name))
        return view

    def _keep_norm(self, quantity: str, name: str) -> Callable[[Tensor], None]:
        def keep(gradient: Tensor) -> None:
            self._seen[quantity][name] = torch.linalg.vector_norm(gradient, dtype=torch.float32)

        return keep


def _modules(model: nn.Module, *kinds: type[nn.Module]) -> Layers:
    return tuple((name, m) for name, m in model.named_modules() if isinstance(m, kinds))


def _norms(tensors: list[Tensor]) -> list[Tensor]:
    return list(torch._foreach_norm(tensors))
