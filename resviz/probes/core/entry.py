"""What every public probe does first, once for all of them.

A network of another library may change its image in place, be compiled, be scripted, run where
gradients are off, or take no such image. `probe` gives each public function the surroundings that
it counts on, or says in a sentence why there is no answer.
"""

import functools
import inspect
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import ParamSpec, TypeVar

import torch
from torch import Tensor, nn

from resviz.errors import ProbeError, first_line
from resviz.probes.core.hooks import submodules

P = ParamSpec("P")
T = TypeVar("T")
# How torch words it where shapes do not fit together.
_ABOUT_KINDS = re.compile(r"type|device", re.IGNORECASE)
_ABOUT_SHAPES = re.compile(r"shape|size|channels|dimension", re.IGNORECASE)


def probe(function: Callable[P, T]) -> Callable[P, T]:
    """Let a public function of `model`, and perhaps of images `x`, run in `surroundings`."""
    signature = inspect.signature(function)

    @functools.wraps(function)
    def entered(*args: P.args, **kwargs: P.kwargs) -> T:
        bound = signature.bind(*args, **kwargs)
        given = bound.arguments
        with surroundings(given["model"], given.get("x")) as images:
            for name, value in given.items():
                if isinstance(value, Tensor) and value.is_inference():
                    given[name] = value.clone()  # outside that mode: an ordinary tensor
            if images is not None:
                given["x"] = images
            return function(*bound.args, **bound.kwargs)

    return entered


@contextmanager
def surroundings(model: object, x: object = None) -> Iterator[Tensor | None]:
    """Outside inference mode and compiled code, with a copy of the images.

    Raises `ProbeError` for what is no network of Python modules, for images that are no batch of
    pictures, and where torch says that the network cannot take them.
    """
    network = checked_model(model)
    modules = [network, *submodules(network)]  # one walk: following fields takes not much longer
    refuse_scripts(modules)
    images = None if x is None else checked_images(x)
    with torch.inference_mode(False), _uncompiled(modules):
        try:
            # A network may normalise its image in place.
            yield None if images is None else images.detach().clone()
        except (RuntimeError, ValueError) as reason:
            _explain(network, images, reason)
            raise


def checked_model(model: object) -> nn.Module:
    """`model`, if it is a network; else raise `ProbeError`."""
    if not isinstance(model, nn.Module):
        raise ProbeError(
            "a {kind} is no network; give a torch.nn.Module, such as the `model` of what load "
            "returns",
            kind=type(model).__name__,
        )
    return model


def refuse_scripts(modules: list[nn.Module]) -> None:
    """Raise `ProbeError` where one of the modules is no Python."""
    kinds = {type(module) for module in modules}  # few, where modules are many
    if any(issubclass(kind, torch.jit.ScriptModule) for kind in kinds):
        raise ProbeError(
            "this network is TorchScript, which cannot be looked into; "
            "give the Python module that it was made from"
        )


def checked_images(x: object) -> Tensor:
    """`x`, if it is a batch of pictures of floating-point numbers; else raise `ProbeError`."""
    if not isinstance(x, Tensor):
        raise ProbeError(
            "a {kind} is no image; give a tensor of images x channels x height x width",
            kind=type(x).__name__,
        )
    shape = " x ".join(map(str, x.shape))
    if x.ndim == 3:
        raise ProbeError(
            "an image of {shape} lacks the dimension of the batch; give x[None]", shape=shape
        )
    if x.ndim != 4:
        raise ProbeError(
            "{shape} numbers are no pictures; give a tensor of images x channels x height x width",
            shape=shape or "single",
        )
    if not x.is_floating_point():
        raise ProbeError(
            "the image holds {kind} numbers; give it as the network's preprocessing returns it",
            kind=str(x.dtype).removeprefix("torch."),
        )
    return x


def _uncompiled(modules: list[nn.Module]) -> AbstractContextManager[object]:
    """Run Python's code instead of what `torch.compile` made of it, which calls no new hooks."""
    compiled = [
        module
        for module in modules
        if module._compiled_call_impl is not None or "_orig_mod" in module._modules
    ]
    if compiled:
        eager: AbstractContextManager[object] = torch.compiler.set_stance("force_eager")
        return eager
    return nullcontext()


def _explain(model: nn.Module, x: Tensor | None, reason: Exception) -> None:
    """Raise a sentence for what a network says of images that it cannot take; else return."""
    text = str(reason)
    if "more than 1 value per channel" in text:
        raise ProbeError(
            "one such image leaves a BatchNorm layer a single value per channel, without a "
            "variance; give at least two images"
        ) from reason
    if "nference tensor" in text:
        raise ProbeError(
            "the weights of this network were made inside torch.inference_mode(), where no "
            "gradient can be had; load it outside"
        ) from reason
    weights = _other_kind(model, x) if x is not None and _ABOUT_KINDS.search(text) else None
    if x is not None and weights is not None:
        raise ProbeError(
            "the images are {images} and the weights {weights}; bring both to one type and device, "
            "as with x.to(weight)",
            images=_kind(x),
            weights=_kind(weights),
        ) from reason
    if x is not None and _ABOUT_SHAPES.search(text) and not _can_take(model, x):
        raise ProbeError(
            "this network cannot take images of {shape} ({reason}); choose other images",
            shape=" x ".join(map(str, x.shape[1:])),
            reason=first_line(reason),
        ) from reason


def _other_kind(model: nn.Module, x: Tensor) -> Tensor | None:
    """The first weight, if its type or device is not that of the images."""
    weight = next((p for p in model.parameters() if p.is_floating_point()), None)
    return None if weight is None or _kind(weight) == _kind(x) else weight


def _kind(tensor: Tensor) -> str:
    return f"{str(tensor.dtype).removeprefix('torch.')} on {tensor.device}"


def _can_take(model: nn.Module, x: Tensor) -> bool:
    """Whether the network alone runs on the images, so that the fault is not theirs."""
    modes = {module: module.training for module in model.modules()}
    try:
        with torch.no_grad():
            model.eval()(x.detach().clone())
    except Exception:
        return False
    finally:
        for module, training in modes.items():
            module.training = training
    return True
