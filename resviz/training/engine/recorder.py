"""`Recorder`: what happens in every layer at every step of a training, for a few hundredths of the step's time.

Weights: `torch._foreach_norm` over all kernels and matrices. Blocks: hooks on tensors, not on
modules, that keep one number each. Everything goes to the host in one piece, by one `.tolist()` a
step: a GPU is waited for once.

    weight_gradient     ||dL/dW||                    weight          ||W|| before the update
    update_ratio        ||update|| / ||W||           block_gradient  ||dL/dy|| at the block's output y
    branch_gradient     what of dL/dy comes back to the block's input x through F: ||J_F^T dL/dy||
    shortcut_gradient   and through the shortcut; both add up to dL/dx (He et al. 2016, eqn. 5)
    activation_deviation   standard deviation of y over the whole batch
    bn_...              gamma, beta, running mean and variance of each BatchNorm: mean and deviation over its channels

A Tap hands on the very tensor that it gets, so branch and shortcut get views of x, each with a
gradient of its own.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from resviz.errors import TrainingError
from resviz.models.architectures.blocks import Block, Residual
from resviz.probes.core.statistics import by_layer, mean_and_square, std_of
from resviz.training.engine.distributed import ALONE, Group
from resviz.training.schema import BATCHNORM, BLOCKS, WEIGHTED

PRESETS = {
    "off": (),
    "light": ("weight_gradient", "weight"),
    "full": (*WEIGHTED, *BLOCKS, *BATCHNORM),
}
BATCHNORM_EVERY = (
    10  # steps; the first ten are all recorded, since then the running averages move most
)
Layers = tuple[tuple[str, nn.Module], ...]


class Recorder:
    """Records the quantities of a preset; `watching()` around a training, the rest once a step, in this order:
    `before_update`, `after_update`, then `values` with the numbers that the step's one transfer
    brought.
    """

    def __init__(self, model: nn.Module, preset: str = "light") -> None:
        if preset not in PRESETS:
            raise TrainingError(
                "record must be one of {presets}, got {preset!r}.",
                presets=", ".join(PRESETS),
                preset=preset,
            )
        self.preset, self.quantities = preset, PRESETS[preset]
        modules = tuple(model.named_modules())
        blocks = tuple((n, m) for n, m in modules if isinstance(m, Block))
        self.layers: dict[str, Layers] = {
            "weighted": tuple((n, m) for n, m in modules if isinstance(m, nn.Conv2d | nn.Linear)),
            "block": blocks,
            "residual": tuple((n, m) for n, m in blocks if isinstance(m, Residual)),
            "batchnorm": tuple((n, m) for n, m in modules if isinstance(m, nn.BatchNorm2d)),
        }
        self._weights = [m.get_parameter("weight") for _, m in self.layers["weighted"]]
        self._before: list[Tensor] = []
        self._seen: dict[str, dict[str, Tensor]] = {quantity: {} for quantity in BLOCKS}
        self._measured: list[tuple[str, list[Tensor]]] = []

    def names(self) -> dict[str, list[tuple[str, str]]]:
        """Name and kind of the layers of each group, from the input to the output."""
        return {
            group: [(n, type(m).__name__) for n, m in layers]
            for group, layers in self.layers.items()
        }

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Hooks on the blocks inside this context, and none after it."""
        handles = [
            handle for name, block in self.layers["block"] for handle in self._hooks(name, block)
        ]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()
            for seen in self._seen.values():
                seen.clear()

    def before_update(
        self, group: Group = ALONE, weight: float = 1.0, scale: Tensor | None = None
    ) -> list[Tensor]:
        """Numbers that gradients and weights give, after the backward pass; on the device still.

        Of a group of processes, this one's loss counts `weight` times in their mean. `scale`: by
        what the loss was multiplied, which gradients of weights are divided by already.
        """
        self._measured = []
        if "weight_gradient" in self.quantities:
            gradients = [torch.zeros_like(w) if w.grad is None else w.grad for w in self._weights]
            self._measured.append(("weight_gradient", _norms(gradients)))
        if "weight" in self.quantities:
            self._measured.append(("weight", _norms([w.detach() for w in self._weights])))
        if "update_ratio" in self.quantities:
            self._before = [w.detach().clone() for w in self._weights]
        self._measured += self._blocks(group, weight, scale)
        return [number for _, numbers in self._measured for number in numbers]

    def after_update(self) -> list[Tensor]:
        """Numbers that the update gives."""
        if "update_ratio" not in self.quantities:
            return []
        weights_now = [w.detach() for w in self._weights]
        updates = _norms(list(torch._foreach_sub(weights_now, self._before)))
        weights = next(numbers for quantity, numbers in self._measured if quantity == "weight")
        ratios = list(torch._foreach_div(updates, weights))
        self._measured.append(("update_ratio", ratios))
        return ratios

    def values(self, numbers: Sequence[float], step: int) -> dict[str, tuple[float, ...]]:
        """The numbers that `before_update` and `after_update` named, sorted by quantity."""
        found, at = {}, 0
        for quantity, tensors in self._measured:
            found[quantity] = tuple(numbers[at : at + len(tensors)])
            at += len(tensors)
        if "bn_gamma" in self.quantities and (
            step < BATCHNORM_EVERY or step % BATCHNORM_EVERY == 0
        ):
            found.update(self._batchnorm())
        self._measured = []
        return found

    def _blocks(
        self, group: Group, weight: float, scale: Tensor | None
    ) -> list[tuple[str, list[Tensor]]]:
        """Over the whole batch, whose images the processes share: squares of norms add up, moments are averaged."""
        found = []
        for quantity, seen in self._seen.items():
            if not seen:
                continue
            values = torch.stack([seen[n] for n, _ in self.layers[BLOCKS[quantity]] if n in seen])
            if quantity == "activation_deviation":
                values = std_of(group.mean(values * weight))
            else:
                values = group.norm(values if scale is None else values / scale)
            found.append((quantity, list(values.float().unbind())))
        return found

    @torch.no_grad()
    def _batchnorm(self) -> dict[str, tuple[float, ...]]:
        norms = [norm for _, norm in self.layers["batchnorm"]]
        if not norms:
            return {}
        kinds = {
            "gamma": "weight",
            "mean": "running_mean",
            "variance": "running_var",
            "beta": "bias",
        }
        everything = torch.stack(
            [torch.cat([getattr(n, a) for n in norms]) for a in kinds.values()]
        )  # (4, channels)
        means, deviations = by_layer(
            everything.cpu().double().numpy(), [len(n.get_parameter("weight")) for n in norms]
        )
        pairs = (
            (f"bn_{kind}{more}", values[i])
            for i, kind in enumerate(kinds)
            for more, values in (("", means), ("_deviation", deviations))
        )
        return {quantity: tuple(values.tolist()) for quantity, values in pairs}

    def _hooks(self, name: str, block: nn.Module) -> Iterator[RemovableHandle]:
        if not {"block_gradient", "activation_deviation"} & set(self.quantities):
            return
        yield block.register_forward_hook(lambda _, inputs, output: self._see_output(name, output))
        if isinstance(block, Residual):
            branch, shortcut = (block.get_submodule(way) for way in block.ways)
            yield branch.register_forward_pre_hook(self._view("branch_gradient", name))
            yield shortcut.register_forward_pre_hook(self._view("shortcut_gradient", name))

    def _see_output(self, name: str, output: Tensor) -> None:
        if output.requires_grad and torch.is_grad_enabled():
            self._seen["activation_deviation"][name] = mean_and_square(output.detach())
            output.register_hook(self._keep("block_gradient", name))

    def _view(
        self, quantity: str, name: str
    ) -> Callable[[nn.Module, tuple[Tensor]], Tensor | None]:
        keep = self._keep(quantity, name)

        def hook(_: nn.Module, inputs: tuple[Tensor]) -> Tensor | None:
            if not (inputs[0].requires_grad and torch.is_grad_enabled()):
                return None
            view: Tensor = inputs[0].view_as(inputs[0])
            view.register_hook(keep)
            return view

        return hook

    def _keep(self, quantity: str, name: str) -> Callable[[Tensor], None]:
        def keep(gradient: Tensor) -> None:
            self._seen[quantity][name] = torch.linalg.vector_norm(gradient, dtype=torch.float32)

        return keep


def _norms(tensors: list[Tensor]) -> list[Tensor]:
    return list(torch._foreach_norm(tensors))
