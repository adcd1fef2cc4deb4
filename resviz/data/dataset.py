"""What a dataset is once it is in memory: two splits of tensors, and what was left out."""

from collections import Counter
from dataclasses import dataclass

from torch import Tensor

from resviz.errors import Sentence


@dataclass(frozen=True, slots=True)
class Split:
    """Images (N, 3, side, side) as uint8 and their class numbers (N,)."""

    images: Tensor
    targets: Tensor

    def __len__(self) -> int:
        return len(self.targets)


class Skipped(str):
    """The name of a file that was left out, with the reason why."""

    reason: Sentence

    def __new__(cls, name: str, reason: Sentence) -> "Skipped":
        skipped = super().__new__(cls, name)
        skipped.reason = reason
        return skipped


@dataclass(frozen=True, slots=True)
class Dataset:
    """A training and a test split over the same classes; `skipped` are the files left out."""

    name: str
    labels: tuple[str, ...]
    train: Split
    test: Split
    skipped: tuple[Skipped, ...]
    fingerprint: str

    def channel_statistics(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Mean and standard deviation of the training pixels per channel, on the scale 0 to 1.

        The standard deviation of a channel that never varies is given as 1: it is there to divide
        by.
        """
        measured = [_channel_statistics(self.train.images[:, c]) for c in range(3)]
        means, stds = zip(*measured, strict=True)
        return means, stds

    def left_out(self, most: int | None = None) -> list[dict[str, str]]:
        """The skipped files, at most so many of them, as JSON has them: file and reason."""
        return [{"file": str(file), "reason": str(file.reason)} for file in self.skipped[:most]]

    def skipped_sentence(self) -> Sentence | None:
        """What was left out, in one sentence: how many files, the first three of them and why."""
        if not self.skipped:
            return None
        reason, same = Counter(file.reason for file in self.skipped).most_common(1)[0]
        values = {"listed": ", ".join(self.skipped[:3]), "count": len(self.skipped)}
        if len(self.skipped) == 1:
            return Sentence("{listed} was left out. {reason}", reason=reason, **values)
        if same == len(self.skipped) <= 3:
            return Sentence(
                "{count} files were left out: {listed}. {reason}", reason=reason, **values
            )
        return Sentence(
            "{count} files were left out, such as {listed}. For {same} of them: {reason}",
            same=same,
            reason=reason,
            **values,
        )


def _channel_statistics(channel: Tensor) -> tuple[float, float]:
    """Mean and standard deviation, rounded to four digits; one channel at a time, for memory."""
    pixels = channel.float()
    return round(pixels.mean().item() / 255, 4), round(pixels.std().item() / 255, 4) or 1.0
