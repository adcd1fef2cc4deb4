"""Where a number that is none began: the first layer whose weights or output are not finite."""

import torch
from torch import Tensor, nn


@torch.no_grad()
def first_nonfinite_layer(model: nn.Module, images: Tensor) -> str | None:
    """The name of the first layer, in the order of the forward pass, that gives NaN or infinity for these images.

    None where all are finite: then the number overflowed in the loss. The batch statistics of a
    model in training mode are used as in training; its running statistics move once more.
    """
    found: list[str] = []
    names = {module: name for name, module in model.named_modules() if not list(module.children())}

    def look(module: nn.Module, _: object, output: Tensor) -> None:
        if not found and not output.isfinite().all():
            found.append(names[module])

    handles = [module.register_forward_hook(look) for module in names]
    try:
        model(images)
    finally:
        for handle in handles:
            handle.remove()
    return found[0] if found else None
