"""What a network executes, one operation after the other, with what each takes from which others.

Modules without children and layers of torch are one operation each; what Python does between them
(`x + identity`, `torch.cat`) is read from the calls themselves, so it does not matter in whose
`forward` a line stands.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from resviz.errors import ProbeError, first_line
from resviz.probes.core.hooks import eval_mode, intercept, observe

ADD, CONCATENATE, MULTIPLY = "add", "concatenate", "multiply"

_JOINS = {
    **dict.fromkeys(("add", "__add__", "__iadd__", "__radd__", "add_", "sub", "__sub__"), ADD),
    **dict.fromkeys(("cat", "concat", "concatenate", "stack", "hstack"), CONCATENATE),
    **dict.fromkeys(("mul", "__mul__", "__imul__", "__rmul__", "mul_"), MULTIPLY),
}
# a child of such a module runs by itself; every other module of torch.nn is one operation
_CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict)


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that ran.

    Args:
        index: its place in the order of execution, from 0.
        name: the module's name; of a function the module that calls it, a colon and its own name.
        kind: the module's class or the function's name.
        join: ADD, CONCATENATE or MULTIPLY where several results come together, else empty.
        output_shape: without the batch.
        parameters: elements of the weights that it holds itself.
        window: kernel and stride of a convolution or pooling, as 3x3 /2; else empty.
        inputs: indices of the operations whose results it takes, -1 for the network's input.
    """

    index: int
    name: str
    kind: str
    join: str
    output_shape: tuple[int, ...]
    parameters: int
    inputs: tuple[int, ...]
    window: str = ""


@dataclass(frozen=True, slots=True)
class Trace:
    """All operations in the order of execution, and the indices of those that made the outputs."""

    operations: tuple[Operation, ...]
    outputs: tuple[int, ...]


def trace(model: nn.Module, shape: tuple[int, int, int]) -> Trace:
    """Note what `model` executes for one image of this shape; it is left as it was.

    Nothing is computed where the network can run on a batch of no images.
    """
    device = next((parameter.device for parameter in model.parameters()), None)
    with eval_mode(model):
        try:
            tracer = _traced(model, torch.zeros(0, *shape, device=device))
        except Exception:  # it looks at numbers, or reshapes by -1; its own faults show next
            tracer = _with_an_image(model, torch.zeros(1, *shape, device=device))
    return Trace(tuple(tracer.operations), tuple(tracer.last))


def _with_an_image(model: nn.Module, x: Tensor) -> "_Tracer":
    try:
        return _traced(model, x)
    except Exception as reason:  # whatever somebody's network raises
        raise ProbeError(
            "this network does not run on an image of {shape} ({reason}); it cannot be drawn",
            shape="\N{MULTIPLICATION SIGN}".join(map(str, x.shape[1:])),
            reason=first_line(reason),
        ) from None


def _traced(model: nn.Module, x: Tensor) -> "_Tracer":
    tracer = _Tracer(model, x)
    names = [name for name, _ in model.named_modules() if name]
    with torch.no_grad(), ExitStack() as stack:
        stack.enter_context(intercept(model, names, tracer.enter))
        stack.enter_context(observe(model, names, tracer.leave))
        stack.enter_context(tracer)
        output = model(x)
    makers = (tracer.maker(tensor) for tensor in _tensors(output))
    tracer.last = sorted(maker for maker in makers if maker is not None and maker >= 0)
    return tracer


class _Tracer(TorchFunctionMode):
    """Notes each operation and who made which tensor; `last` holds what the output is made of."""

    def __init__(self, model: nn.Module, x: Tensor) -> None:
        super().__init__()
        self.operations: list[Operation] = []
        self.last: list[int] = []
        self._modules = dict(model.named_modules())
        self._makers = {id(x): -1}
        self._alive: list[Tensor] = [x]  # an id is given away again when its tensor dies
        self._around: list[str] = [""]
        self._inside: str | None = None  # the module that is one operation and runs now
        self._joined = ""  # how it brought several tensors together

    def maker(self, tensor: Tensor) -> int | None:
        """Index of the operation that made this tensor; None for weights and constants."""
        return self._makers.get(id(tensor))

    def enter(self, name: str, inputs: tuple[Any, ...]) -> None:
        if self._inside is None:
            self._around.append(name)
            if _is_operation(self._modules[name]):
                self._inside, self._joined = name, ""

    def leave(self, name: str, inputs: tuple[Any, ...], output: object) -> None:
        if self._inside == name:
            self._inside = None
            module = self._modules[name]
            parameters = sum(p.numel() for p in module.parameters())
            kind = type(module).__name__
            self._note(name, kind, inputs, output, parameters, self._joined)
        if self._inside is None and self._around[-1] == name:
            self._around.pop()

    def __torch_function__(
        self,
        function: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        output = function(*args, **(kwargs or {}))
        name = getattr(function, "__name__", "")
        join = _JOINS.get(name, "")
        if self._inside is None and name != "__get__":
            given = (*args, *(kwargs or {}).values())
            place = f"{self._around[-1]}:{name}"
            self._note(place, name, given, output, _weights(given), join)
        elif join and sum(not isinstance(t, nn.Parameter) for t in _tensors(args)) > 1:
            self._joined = join
        return output

    def _note(
        self,
        name: str,
        kind: str,
        given: object,
        output: object,
        parameters: int,
        join: str,
    ) -> None:
        makers = [self.maker(tensor) for tensor in _tensors(given)]
        inputs = tuple(maker for maker in makers if maker is not None)
        made = list(_tensors(output))
        if not inputs or not made:
            return
        join = join if len(set(inputs)) > 1 else ""
        index, shape = len(self.operations), tuple(made[0].shape[1:])
        window = _window(self._modules.get(name))
        self.operations.append(
            Operation(index, name, kind, join, shape, parameters, inputs, window)
        )
        for tensor in made:
            self._makers[id(tensor)] = index
        self._alive += made


def _is_operation(module: nn.Module) -> bool:
    """Whether what happens inside is nobody's concern.

    A layer of torch, or a module without children.
    """
    if isinstance(module, _CONTAINERS):
        return False
    childless = next(module.children(), None) is None
    ours = type(module).__module__.startswith("torch.nn.modules")
    compiled = isinstance(module, torch.jit.ScriptModule)
    return childless or ours or compiled


def _window(module: nn.Module | None) -> str:
    """Name kernel and stride as papers do; a stride of one is not named."""
    kernel = getattr(module, "kernel_size", None)
    if kernel is None or module is None:
        return ""
    height, width = kernel if isinstance(kernel, tuple) else (kernel, kernel)
    stride = module.stride[0] if isinstance(module.stride, tuple) else module.stride
    return f"{height}\N{MULTIPLICATION SIGN}{width}" + (f" /{stride}" if stride != 1 else "")


def _tensors(value: object) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _tensors(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _tensors(item)


def _weights(given: object) -> int:
    return sum(t.numel() for t in _tensors(given) if isinstance(t, nn.Parameter))
