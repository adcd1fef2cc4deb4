"""What the network says: class scores, probabilities, and the best guesses by name.

Classes that exclude each other share one softmax. A head that says of each class alone whether it
is there has a sigmoid for each, and so has a network of one output, whose softmax would be 1
whatever it says. The weights cannot tell the two kinds of heads apart: it is chosen, and said.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from resviz.errors import ProbeError, Sentence
from resviz.probes.core.entry import probe
from resviz.probes.core.hooks import eval_mode
from resviz.tables import Table

ACTIVATIONS = ("softmax", "sigmoid")


@dataclass(frozen=True, slots=True)
class Guess:
    """One class of a prediction."""

    label: str
    probability: float
    index: int


@dataclass(frozen=True, slots=True)
class Prediction:
    """`top` is the best guesses, best first; `scores` are the logits.

    `probabilities` are what `activation`, softmax or sigmoid, makes of them.
    """

    top: tuple[Guess, ...]
    probabilities: Float[np.ndarray, " classes"]
    scores: Float[np.ndarray, " classes"]
    activation: str = "softmax"

    def table(self) -> Table:
        """The best guesses, best first."""
        rows = tuple((g.index, g.label, g.probability) for g in self.top)
        return Table(("index", "label", "probability"), rows)


@probe
def predict(
    model: nn.Module,
    x: Float[Tensor, "1 c h w"],
    labels: Sequence[str],
    k: int = 5,
    activation: str | None = None,
) -> Prediction:
    """Name the `k` likeliest classes of one image, in evaluation mode.

    For the scores s the probability of class i is exp(s_i) / sum_j exp(s_j) by softmax, where
    classes exclude each other, and 1 / (1 + exp(-s_i)) by sigmoid, where each is judged alone.

    Args:
        model: a classifier: one image in, one row of class scores out.
        x: one preprocessed image, (1, channels, height, width).
        labels: the names of the classes in order; a class beyond their end is called "class i".
        k: how many classes to name. Of equal scores the lower index comes first.
        activation: "softmax" or "sigmoid"; by default sigmoid for a network of one output, softmax
            for all others.

    Returns:
        A `Prediction`: `top`, the likeliest classes first; `scores` and `probabilities` of all
        classes, (classes,), in float64; and the `activation` that made them.

    Raises:
        ProbeError: if the output is not one row of finite class scores, and for another activation.

    Example:
        >>> import resviz, torch
        >>> model = resviz.load("new/residual-8").model
        >>> answer = resviz.predict(model, torch.zeros(1, 3, 32, 32), ["cat", "dog"], k=3)
        >>> len(answer.top), f"{answer.probabilities.sum():.3f}"
        (3, '1.000')

    Reference:
        He et al. 2015 (1512.03385), section 3.3: global average pooling and softmax.
    """
    with eval_mode(model), torch.no_grad():
        scores = class_scores(model(x))
    kind = activation_of(len(scores), activation)
    shares = probabilities(scores, kind)
    best = np.argsort(-shares, kind="stable")[:k].tolist()
    top = tuple(Guess(class_name(labels, i), float(shares[i]), i) for i in best)
    return Prediction(top, shares, scores.cpu().numpy(), kind)


def class_scores(output: object) -> Float[Tensor, " classes"]:
    """The one row of a classifier's output in float32; raises `ProbeError` for anything else."""
    if not isinstance(output, Tensor):
        raise ProbeError(
            "this model is no classifier: it returns a {kind}, not a tensor of scores",
            kind=type(output).__name__,
        )
    if output.ndim != 2 or output.shape[0] != 1 or not output.is_floating_point():
        shape = " x ".join(map(str, output.shape)) or Sentence("a single number")
        raise ProbeError(
            "this model gives no class scores for one image: "
            "its output is {shape}, not 1 x classes",
            shape=shape,
        )
    return output[0].float()


def activation_of(classes: int, chosen: str | None = None) -> str:
    """The activation of a head of so many outputs; raises `ProbeError` for an unknown one."""
    if chosen is None or classes == 1:
        return "sigmoid" if classes == 1 else "softmax"
    if chosen not in ACTIVATIONS:
        raise ProbeError(
            "there is no activation {activation!r}; choose softmax or sigmoid", activation=chosen
        )
    return chosen


def probabilities(
    scores: Float[Tensor, " classes"], activation: str | None = None
) -> Float[np.ndarray, " classes"]:
    """Probabilities in float64; raises `ProbeError` for scores that are no numbers."""
    wide = scores.detach().cpu().double()  # Apple GPUs know no float64
    kind = activation_of(len(wide), activation)
    shares = wide.sigmoid() if kind == "sigmoid" else wide.softmax(0)
    if not shares.isfinite().all():
        raise ProbeError(
            "the class scores are not finite numbers: the signal leaves float32 on its way through "
            "this network, or its weights are damaged; choose another model"
        )
    return shares.numpy()


def class_name(labels: Sequence[str], index: int) -> str:
    """The label, or "class i" where the labels end."""
    return labels[index] if index < len(labels) else f"class {index}"


def check_target(target: int, classes: int) -> None:
    """Raise `ProbeError`, with the range, unless `target` is one of the `classes`."""
    if not 0 <= target < classes:
        raise ProbeError(
            "there is no class {target}; choose one from 0 to {last}",
            target=target,
            last=classes - 1,
        )
