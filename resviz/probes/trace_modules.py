"""Watching a `Traced` go through the modules of a network, and sparing it the way through torch in the most usual ones.

torch takes some 30 microseconds to hand an operation to a subclass of its tensors, more than the rule itself; a deep
network has five hundred convolutions, BatchNorms and ReLUs, whose settings say all that the rule asks for.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from torch import nn

from resviz.probes.hooks import resolve
from resviz.probes.trace_windows import conv_of
from resviz.probes.traced import Traced

Record = Callable[[str, object], None]
Rule = Callable[[Traced], Traced]


@contextmanager
def watched(model: nn.Module, layers: Iterable[str] | None, record: Record) -> Iterator[None]:
    """Call `record(layer, output)` whenever one of `layers`, or any module, has run inside the block.

    Each module's `forward` is replaced on the module itself and comes back after the block. Raises `ProbeError` for an
    unknown layer, before anything is replaced.
    """
    names = _named(model, layers)
    before = {module: module.__dict__.get("forward") for module in names}
    try:
        for module, own in names.items():
            module.__dict__["forward"] = _watched(module, own, record)
        yield
    finally:
        for module, forward in before.items():
            if forward is None:
                module.__dict__.pop("forward", None)
            else:
                module.__dict__["forward"] = forward


def _named(model: nn.Module, layers: Iterable[str] | None) -> dict[nn.Module, list[str]]:
    """Modules with the names under which they are asked for; one that has several names may be asked for twice."""
    if layers is None:
        return {module: [name] for name, module in model.named_modules() if name}
    modules = dict(model.named_modules(remove_duplicate=False))
    found: dict[nn.Module, list[str]] = {}
    for layer in layers:
        found.setdefault(modules[layer] if layer and layer in modules else resolve(model, layer), []).append(layer)
    return found


def _watched(module: nn.Module, names: list[str], record: Record) -> Callable[..., Any]:
    forward, rule = module.forward, _rule_of(module)

    def run(*args: Any, **more: Any) -> Any:
        if rule is not None and len(args) == 1 and not more and isinstance(args[0], Traced):
            output = rule(args[0])
        else:
            output = forward(*args, **more)
        for name in names:
            record(name, output)
        return output

    return run


def _rule_of(module: nn.Module) -> Rule | None:
    """The rule for a module of exactly this kind, whose own `forward` nobody has replaced."""
    maker = _RULES.get(type(module)) if "forward" not in module.__dict__ else None
    return maker(module) if maker else None


def _convolution(module: nn.Module) -> Rule | None:
    return partial(conv_of, module) if isinstance(module, nn.Conv2d) and module.padding_mode == "zeros" else None


def _pointwise(module: nn.Module) -> Rule:
    return _itself if getattr(module, "inplace", False) else _like


def _like(x: Traced) -> Traced:
    return x.like(x.form)


def _itself(x: Traced) -> Traced:
    return x


_RULES: dict[type[nn.Module], Callable[[nn.Module], Rule | None]] = {
    nn.Conv2d: _convolution,
    nn.BatchNorm2d: _pointwise,
    nn.ReLU: _pointwise,
    nn.ReLU6: _pointwise,
    nn.SiLU: _pointwise,
    nn.Hardswish: _pointwise,
}
