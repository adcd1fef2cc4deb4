"""Add an attribution method: a function, and one row of `METHODS`; page and command then offer it.

Gradient times input (Shrikumar et al. 2016, 1605.01713): the part of the score that each pixel
brings, to first order. In resviz the function stands in `probes/attribution/`, with a test against
an oracle: for a linear network the map sums to the score, without its bias.

Run `python examples/adding/method.py`.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

import resviz
from resviz.data import samples
from resviz.errors import Sentence
from resviz.probes.attribution.grad_cam import Attribution
from resviz.probes.attribution.methods import METHODS, Method
from resviz.probes.core.hooks import eval_mode


def gradient_times_input(model: nn.Module, x: Float[Tensor, "1 c h w"], target: int) -> Attribution:
    """sum_c x_c dy/dx_c of each pixel, y the class score."""
    pixels = x.detach().clone().requires_grad_()
    with eval_mode(model):  # the model comes back in the mode it was in
        scores = model(pixels)[0]
        (gradient,) = torch.autograd.grad(scores[target], pixels)
    heat = (pixels * gradient).sum(1)[0].detach().numpy()  # (h, w), signed
    probability = float(scores.detach().softmax(0)[target])
    return Attribution("gradient-times-input", None, target, probability, heat, heat.shape)


METHODS["gradient-times-input"] = Method(
    name="gradient-times-input",
    title=Sentence("Gradient times input"),
    needs_layer=False,
    signed=True,
    slow=False,
    citation="Shrikumar et al. 2016, section 2",
    run=lambda model, x, target, layer, progress: gradient_times_input(model, x, target),
)

loaded = resviz.load("bundled/resnet18-imagenette")
photo = loaded.preprocess(resviz.decode(samples.read("church")).image)[None]
church = loaded.labels.index("church")
result = resviz.attribute(loaded.model, photo, "gradient-times-input", church)
print(f"{loaded.labels[church]}: {result.map.shape[0]} x {result.map.shape[1]} pixels")
