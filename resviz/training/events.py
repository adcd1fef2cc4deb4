"""What training reports: a `Step` for each update, an `EpochEnd` for each epoch."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Step:
    """One update: cross-entropy and accuracy of its batch, its learning rate, its seconds.

    `norms`: what was recorded layer by layer, a number for each layer under the name of its
    quantity. `skipped`: some gradients overflowed float16, and the weights stayed as they were.
    """

    step: int
    steps: int
    epoch: int
    loss: float
    accuracy: float
    lr: float
    seconds: float
    norms: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    skipped: bool = False


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Mean cross-entropy, accuracy, and that of each class (NaN for a class without images)."""

    loss: float
    accuracy: float
    by_class: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class EpochEnd:
    """After an epoch: mean loss and accuracy of the training batches, and the test split."""

    epoch: int
    train_loss: float
    train_accuracy: float
    test: Evaluation
