"""Stop a training whose loss is no number, and name the layer where that began."""

import math

import torch
from torch import Tensor, nn

from resviz.errors import Sentence, TrainingError
from resviz.probes.core.hooks import observe
from resviz.training.engine.distributed import Group


class DivergedError(TrainingError):
    """The loss is NaN or infinite."""


def refuse_nonfinite(
    loss: float, step: int, steps: int, model: nn.Module, images: Tensor, group: Group
) -> None:
    """Raise `DivergedError` where the loss of a step is NaN or infinite; `step` counts from 0."""
    if math.isfinite(loss):
        return
    # every process has its own images: the layer may overflow on one of them only
    names = group.gathered(first_nonfinite_layer(model, images))
    layer = next((name for name in names if name), None)
    place = Sentence("; it began in {layer}", layer=layer) if layer else ""
    raise DivergedError(
        "The loss is {loss} at step {step} of {steps}{place}; choose a lower learning rate.",
        loss=loss,
        step=step + 1,
        steps=steps,
        place=place,
    )


@torch.no_grad()
def first_nonfinite_layer(model: nn.Module, images: Tensor) -> str | None:
    """Name the first layer, in forward order, whose output for these images is not finite.

    None where all are finite: then the number overflowed in the loss. In training mode the batch
    statistics are used, and the running statistics move once more.
    """
    layers = [name for name, module in model.named_modules() if not list(module.children())]
    nonfinite: list[str] = []

    def check(layer: str, _inputs: object, output: Tensor) -> None:
        if not nonfinite and not output.isfinite().all():
            nonfinite.append(layer)

    with observe(model, layers, check):
        model(images)
    return nonfinite[0] if nonfinite else None
