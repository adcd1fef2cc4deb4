"""What the network says: class scores, their softmax, and the best guesses by name."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from resviz.errors import ProbeError, Sentence
from resviz.probes.core.hooks import eval_mode


@dataclass(frozen=True, slots=True)
class Guess:
    """One class of a prediction."""

    label: str
    probability: float
    index: int


@dataclass(frozen=True, slots=True)
class Prediction:
    """`top` is the best guesses, best first; `scores` are the logits, `probabilities` their softmax."""

    top: tuple[Guess, ...]
    probabilities: Float[np.ndarray, " classes"]
    scores: Float[np.ndarray, " classes"]


def predict(
    model: nn.Module, x: Float[Tensor, "1 c h w"], labels: Sequence[str], k: int = 5
) -> Prediction:
    """The `k` likeliest classes of one image, in evaluation mode.

    Classes beyond the end of `labels` are called "class i"; of equal scores the lower index comes
    first. Raises `ProbeError` if the output is not one row of finite class scores.
    """
    with eval_mode(model), torch.no_grad():
        scores = class_scores(model(x))
    probabilities = softmax(scores)
    best = np.argsort(-probabilities, kind="stable")[:k]
    top = tuple(Guess(class_name(labels, i), float(probabilities[i]), i) for i in best.tolist())
    return Prediction(top, probabilities, scores.cpu().numpy())


def class_scores(output: object) -> Float[Tensor, " classes"]:
    """The one row of a classifier's output in float32; raises `ProbeError` if it is anything else."""
    if not isinstance(output, Tensor):
        raise ProbeError(
            "this model is no classifier: it returns a {kind}, not a tensor of scores",
            kind=type(output).__name__,
        )
    if output.ndim != 2 or output.shape[0] != 1 or not output.is_floating_point():
        shape = " x ".join(str(n) for n in output.shape) or Sentence("a single number")
        raise ProbeError(
            "this model gives no class scores for one image: its output is {shape}, not 1 x classes",
            shape=shape,
        )
    return output[0].float()


def softmax(scores: Float[Tensor, " classes"]) -> Float[np.ndarray, " classes"]:
    """exp(s_i) / sum_j exp(s_j) in float64; raises `ProbeError` for scores that are no numbers."""
    probabilities = scores.detach().cpu().double().softmax(0)  # Apple GPUs know no float64
    if not probabilities.isfinite().all():
        raise ProbeError(
            "the class scores are not finite numbers; the model's weights or the image are damaged"
        )
    return probabilities.numpy()


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
