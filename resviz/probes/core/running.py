"""One run of a network for its structure: what ran, in which order, and how much work it was.

A network runs on a batch of no images, whose tensors have shapes and no numbers (30 times faster
than the meta device, where Python works out the shapes). Multiply-adds of convolutions and linear
layers follow from the shapes. Where a network multiplies matrices elsewhere, as attention does, or
folds its batch into other dimensions, the shapes of no images do not say how much work one image
is: such a network, and one that looks at values, sees one black image instead, and every product
of matrices is counted where it runs.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from resviz.errors import ProbeError, first_line
from resviz.probes.core.hooks import intercept, observe

CONVOLUTIONS = nn.Conv1d | nn.Conv2d | nn.Conv3d
TRANSPOSED = nn.ConvTranspose1d | nn.ConvTranspose2d | nn.ConvTranspose3d
_WEIGHTED = CONVOLUTIONS | TRANSPOSED | nn.Linear
_aten = torch.ops.aten
_PRODUCTS = frozenset(
    {_aten.mm, _aten.addmm, _aten.bmm, _aten.baddbmm, _aten.convolution, _aten._convolution}
)
_VIEWS = frozenset({_aten.view, _aten._unsafe_view, _aten.reshape})


@dataclass(slots=True)
class Run:
    """What a module gave in its last run, and the multiply-adds of all its runs for one image."""

    output: tuple[int, ...] = ()
    macs: int = 0
    is_map: bool = False  # one tensor of four dimensions


def run_once(model: nn.Module, shape: Sequence[int]) -> dict[str, Run]:
    """Run on an image of this shape, (channels, height, width); modules stand where they ran last.

    The empty name has what the network multiplies outside its modules.
    """
    like = next((p for p in model.parameters() if p.is_floating_point()), torch.zeros(0))
    watch = _Watch(model)
    try:
        watch.run(torch.zeros(0, *shape).to(like))
    except Exception:  # whatever does not work without numbers
        watch.needs_an_image = True
    if watch.needs_an_image:
        watch = _Watch(model)
        try:
            watch.run(torch.zeros(1, *shape).to(like))
        except (RuntimeError, ValueError, AssertionError, IndexError) as reason:
            # What torch says where shapes do not fit; anything else is a bug of the network.
            raise _misfit(shape, reason) from reason
    return watch.runs


def _misfit(shape: Sequence[int], reason: Exception) -> ProbeError:
    return ProbeError(
        "this network cannot take an image of {shape} numbers ({reason}); choose another size",
        shape=" x ".join(map(str, shape)),
        reason=first_line(reason),
    )


class _Watch(TorchDispatchMode):
    """Sees modules come and go, and every operation on tensors between."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.model = model
        self.modules = {name: module for name, module in model.named_modules() if name}
        self.runs: dict[str, Run] = {}
        self.products: dict[str, int] = {}  # multiply-adds that are still to be given to a run
        self.running: list[str] = []
        self.needs_an_image = False
        self.images = 0

    def run(self, x: Tensor) -> None:
        self.images = len(x)
        with (
            torch.no_grad(),
            _attention_in_the_open(),
            intercept(self.model, self.modules, self._enter),
            observe(self.model, self.modules, self._leave),
            self,
        ):
            self.model(x)
        if "" in self.products:
            self.runs[""] = Run(macs=self.products[""])

    def _enter(self, name: str, inputs: Sequence[object]) -> None:
        self.running.append(name)
        if not self.images and isinstance(self.modules[name], _WEIGHTED):
            x = next(tensors(inputs), None)
            self.needs_an_image |= x is None or x.shape[0] != 0

    def _leave(self, name: str, inputs: Sequence[object], output: object) -> None:
        self.running.pop()
        run = self.runs[name] = self.runs.pop(name) if name in self.runs else Run()
        run.macs += self.products.pop(name, 0)
        tensor = next(tensors(output), None)
        if tensor is None:
            return
        run.output = tuple(tensor.shape[1:])
        run.is_map = tensor is output and tensor.ndim == 4
        if not self.images:
            run.macs += _macs(self.modules[name], next(tensors(inputs), tensor), tensor)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        output = func(*args, **(kwargs or {}))
        kind, place = func._overloadpacket, self.running[-1] if self.running else ""
        if self.images:
            if kind in _PRODUCTS:
                flops = flop_registry[kind](*args, **(kwargs or {}), out_val=output)
                self.products[place] = self.products.get(place, 0) + flops // 2
        elif not isinstance(self.modules.get(place), _WEIGHTED):
            folds = kind in _VIEWS and prod(args[0].shape[1:]) != prod(output.shape[1:])
            self.needs_an_image |= folds or kind in _PRODUCTS
        return output


def _macs(module: nn.Module, x: Tensor, output: Tensor) -> int:
    """Multiply-adds of one run for one image: so many numbers, each the sum of so many products."""
    if isinstance(module, CONVOLUTIONS):
        kernel = module.weight[0].numel()  # the group's inputs times the window
        return prod(output.shape[1:]) * kernel
    if isinstance(module, TRANSPOSED):
        spread = module.weight[0].numel()  # over which one input goes: outputs times the window
        return prod(x.shape[1:]) * spread
    return prod(output.shape[1:]) * module.in_features if isinstance(module, nn.Linear) else 0


@contextmanager
def _attention_in_the_open() -> Iterator[None]:
    """torch fuses whole layers of attention in evaluation mode, where no product is to be seen."""
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)


def tensors(value: object) -> Iterator[Tensor]:
    """The tensors in `value`, in order, looking into tuples, lists and dictionaries."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from tensors(item)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for item in value:
            yield from tensors(item)
