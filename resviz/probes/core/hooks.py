"""Looking at a network from inside: hooks that always go away, flags that always come back."""

import weakref
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from functools import partial
from typing import Any, TypeVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from resviz.errors import ProbeError, Sentence

T = TypeVar("T")
Record = Callable[[str, Any, Any], object]  # layer, inputs, output
Replace = Callable[[str, Any], object]  # layer, inputs


class Outputs(dict[str, Tensor]):
    """Layer -> its output, detached; of a module that runs more than once the last one.

    `calls` counts the runs.

    A layer that did not run, or whose output is no tensor, is absent.
    """

    def __init__(self) -> None:
        super().__init__()
        self.calls: Counter[str] = Counter()
        self._versions: dict[str, int | None] = {}

    def add(self, layer: str, output: Tensor) -> None:
        """Take `output`, detached, as the last one of `layer`."""
        self[layer] = output.detach()
        self._versions[layer] = _version(output)
        self.calls[layer] += 1

    @property
    def changed(self) -> bool:
        """Whether an output has been changed in place since it was taken, or may have been."""
        return any(
            version is None or version != _version(self[layer])
            for layer, version in self._versions.items()
        )


@contextmanager
def capture(model: nn.Module, layers: Iterable[str], *, keep: bool = True) -> Iterator[Outputs]:
    """Collect the outputs of `layers` while the block runs the model.

    `keep=True` copies, so that nothing which runs later (an in-place ReLU, `out += x`) changes what
    was seen; layers that hand on the very same tensor share one copy. `keep=False` gives the
    tensors themselves, for networks that do nothing in place (`Outputs.changed` tells). Raises
    `ProbeError` for an unknown layer.
    """
    seen = Outputs()
    copy = once(lambda output: output.detach().clone())

    def record(layer: str, _inputs: object, output: object) -> None:
        if isinstance(output, Tensor):
            seen.add(layer, copy(output) if keep else output)

    with observe(model, layers, record):
        yield seen


@contextmanager
def observe(model: nn.Module, layers: Iterable[str], record: Record) -> Iterator[None]:
    """Call `record(layer, inputs, output)` whenever one of `layers` has run.

    `inputs` are a tuple, first those by position, then those by name. What `record` returns, unless
    None, replaces the output. Raises `ProbeError` for an unknown layer, before any hook is set.
    """
    handles = []
    try:
        for layer, module in resolve_all(model, layers).items():
            handles.append(module.register_forward_hook(_after(layer, record), with_kwargs=True))
        yield
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def intercept(model: nn.Module, layers: Iterable[str], replace: Replace) -> Iterator[None]:
    """Call `replace(layer, inputs)` whenever one of `layers` is about to run.

    What it returns, unless None, replaces the inputs. Raises `ProbeError` for an unknown layer,
    before the first hook is set.
    """
    handles = []
    try:
        for layer, module in resolve_all(model, layers).items():
            handles.append(
                module.register_forward_pre_hook(_before(layer, replace), with_kwargs=True)
            )
        yield
    finally:
        for handle in handles:
            handle.remove()


def submodules(model: nn.Module) -> dict[nn.Module, str]:
    """All modules inside with their first names, in a third of the time of `named_modules`."""
    found: dict[nn.Module, str] = {}

    def add(parent: nn.Module, prefix: str) -> None:
        for name, module in parent._modules.items():
            if module is not None and module not in found and module is not model:
                found[module] = prefix + name
                if module._modules:
                    add(module, f"{prefix}{name}.")

    add(model, "")
    return found


@contextmanager
def eval_mode(model: nn.Module, inside: Iterable[nn.Module] | None = None) -> Iterator[None]:
    """Evaluation mode inside the block; each module's own flag comes back after it.

    `inside`: what `submodules` gives, for those who have asked it already.
    """
    training = [module for module in (model, *(inside or submodules(model))) if module.training]
    try:
        for module in training:
            module.training = False
        yield
    finally:
        for module in training:
            module.training = True


def outputs(model: nn.Module, x: Float[Tensor, "n c h w"], layers: Iterable[str]) -> Outputs:
    """The outputs of `layers` for `x` from one forward in evaluation mode, without a graph.

    Nothing is copied unless the network works in place; if that shows only afterwards, it runs
    again.
    """
    names = tuple(layers)
    copy = torch.is_inference_mode_enabled() or any(
        getattr(module, "inplace", False) for module in model.modules()
    )
    with eval_mode(model), torch.no_grad():
        with capture(model, names, keep=copy) as seen:
            model(x.clone())  # so that no output is the caller's tensor
        if not copy and seen.changed:
            with capture(model, names) as seen:
                model(x.clone())
    return seen


def resolve(model: nn.Module, layer: str) -> nn.Module:
    """The submodule of that name; raises `ProbeError` with the closest names if there is none."""
    try:
        if layer:
            return model.get_submodule(layer)
    except AttributeError:
        pass
    names = [name for name, _ in model.named_modules() if name]
    near = get_close_matches(layer, names) or names[:3]
    hint = (
        Sentence("did you mean {names}?", names=", ".join(near))
        if near
        else Sentence("it has no layers")
    )
    raise ProbeError("this model has no layer {layer!r}; {hint}", layer=layer, hint=hint)


def resolve_all(model: nn.Module, layers: Iterable[str]) -> dict[str, nn.Module]:
    """The submodules of these names, from one walk; raises `ProbeError` as `resolve` does."""
    modules = dict(model.named_modules(remove_duplicate=False))
    return {
        layer: modules[layer] if layer and layer in modules else resolve(model, layer)
        for layer in layers
    }


def once(function: Callable[[Tensor], T]) -> Callable[[Tensor], T]:
    """`function`, worked out once per tensor: a stage returns the tensor of its last block.

    A tensor that was changed in place since is another one; tensors are told apart only while they
    live.
    """
    known: dict[int, tuple[weakref.ref[Tensor], int, T]] = {}

    def remembered(tensor: Tensor) -> T:
        version = _version(tensor)
        if (
            version is not None
            and (seen := known.get(id(tensor)))
            and seen[0]() is tensor
            and seen[1] == version
        ):
            return seen[2]
        result = function(tensor)
        if version is not None:
            known[id(tensor)] = weakref.ref(tensor), version, result
        return result

    return remembered


def _version(tensor: Tensor) -> int | None:
    """How often the tensor was changed in place; None where torch does not count."""
    return None if tensor.is_inference() else tensor._version


def _after(layer: str, record: Record) -> Callable[..., object]:
    # no function of its own for each layer: a closure is costly where shapes are checked
    return partial(_report, layer, record)


def _report(
    layer: str,
    record: Record,
    _module: nn.Module,
    args: Any,
    kwargs: dict[str, Any],
    output: Any,
) -> object:
    return record(layer, (*args, *kwargs.values()), output)


def _before(layer: str, replace: Replace) -> Callable[..., object]:
    return partial(_exchange, layer, replace)


def _exchange(
    layer: str, replace: Replace, _module: nn.Module, args: Any, kwargs: dict[str, Any]
) -> object:
    inputs = replace(layer, (*args, *kwargs.values()))
    if inputs is None:
        return None
    inputs = inputs if isinstance(inputs, tuple) else (inputs,)
    named = dict(zip(kwargs, inputs[len(args) :], strict=True))
    return inputs[: len(args)], named
