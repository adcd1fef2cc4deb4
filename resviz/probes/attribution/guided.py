"""Guided Grad-CAM (Selvaraju et al. 2017, section 3.2) through captum.

Before that, the check of what captum takes for granted.

Guided backpropagation (Springenberg et al. 2015, section 4) lets only positive gradients through a
ReLU. captum does it with hooks on modules: a ReLU that is used twice, works in place or is called
as a function would go wrong unseen.
"""

import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor, nn

from resviz.errors import ProbeError, Sentence
from resviz.probes.attribution.grad_cam import Attribution, grad_cam
from resviz.probes.attribution.pixels import Copying
from resviz.probes.core.hooks import eval_mode, observe, resolve


def guided_grad_cam(
    model: nn.Module, x: Float[Tensor, "1 c h w"], layer: str, target: int
) -> Attribution:
    """Grad-CAM, positive part, enlarged, times guided backpropagation, summed over the colours.

    The map has the image's size. Raises `ProbeError` unless every use of a ReLU is a module of its
    own that does not work in place, and what `CamGraph` raises.
    """
    from captum.attr import GuidedGradCam

    cam = grad_cam(model, x, layer, target)
    _check_guided(model, x)
    with eval_mode(model), _without_hook_warning():
        values = GuidedGradCam(Copying(model), resolve(model, layer)).attribute(
            x.detach().requires_grad_(), target, interpolate_mode="bilinear"
        )
    pixels = values.detach().sum(1)[0].float().cpu().numpy()  # (h, w), the image's own
    return replace(cam, method="guided-grad-cam", map=pixels)


def _check_guided(model: nn.Module, x: Tensor) -> None:
    """Refuse a network in which not every use of a ReLU is a module of its own."""
    # captum changes the backward pass of modules: a function, or the second use of one, it misses.
    relus = {name: module for name, module in model.named_modules() if isinstance(module, nn.ReLU)}
    if inplace := [name for name, module in relus.items() if module.inplace]:
        raise _unguided(Sentence("its {name} works in place", name=inplace[0]))
    runs: Counter[str] = Counter()
    with (
        eval_mode(model),
        torch.enable_grad(),
        observe(model, relus, lambda name, *_: runs.update([name])),
    ):
        uses = _count_relus(model(x.detach().requires_grad_().clone()))
    if several := [name for name, count in runs.items() if count > 1]:
        raise _unguided(
            Sentence("its {name} is used {count} times", name=several[0], count=runs[several[0]])
        )
    if uses != len(runs) or not runs:
        reason = Sentence("it calls ReLU as a function") if uses else Sentence("it has none")
        raise _unguided(reason)


def _unguided(reason: Sentence) -> ProbeError:
    return ProbeError(
        "guided Grad-CAM needs a ReLU module of its own for every use, "
        "and this model does not fit: {reason}; choose grad-cam or integrated-gradients",
        reason=reason,
    )


def _count_relus(scores: Tensor) -> int:
    """Uses of ReLU, as module or function, between the image and the scores."""
    seen: set[object] = set()
    waiting: list[object] = [scores.grad_fn]
    while waiting:
        node = waiting.pop()
        if node is not None and node not in seen:
            seen.add(node)
            sources = node.next_functions  # type: ignore[attr-defined]
            waiting.extend(source for source, _ in sources)
    return sum(type(node).__name__.startswith("ReluBackward") for node in seen)


@contextmanager
def _without_hook_warning() -> Iterator[None]:
    """captum says on every guided pass that it sets hooks and removes them."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Setting backward hooks on ReLU activations", UserWarning)
        yield
