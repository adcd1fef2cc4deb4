"""Whether the disk has room for runs, before they begin."""

import errno
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from resviz.errors import Sentence, TrainingError
from resviz.training.request import Request
from resviz.training.runs import reader

SPARE = 200_000_000  # bytes that stay free for everybody else
QUOTA = 20_000_000_000  # bytes for all runs together, unless RESVIZ_QUOTA says otherwise

FULL = ("is full", "disk I/O", "No space left")  # in what libraries say of a full disk

# What a run stores, about: weights and momentum in float32; at most 42 sets of weights in half
# precision; 16 numbers of 4 bytes for each block and step, of 400 steps an epoch.
STATE_BYTES, HALF_BYTES, MOST_CHECKPOINTS = 8, 2, 42
STEPS_AN_EPOCH, BYTES_A_BLOCK = 400, 16 * 4


def check_disk_space(requests: Sequence[Request]) -> None:
    """Raise `TrainingError` where the disk, or the share of it that runs may have, is too full."""
    folder = reader.runs_folder()
    needed, used = sum(map(bytes_of, requests)), _size(folder)
    quota = _quota()
    if used + needed > quota:
        raise TrainingError(
            "The runs take {used:,.0f} MB of {quota:,.0f} MB, and this one would take about "
            "{needed:,.0f} MB more; delete some.",
            used=used / 1e6,
            quota=quota / 1e6,
            needed=needed / 1e6,
        )
    free = shutil.disk_usage(folder).free
    if needed + SPARE > free:
        raise TrainingError(
            "The disk has {free:,.0f} MB left, and this needs about {needed:,.0f} MB; make room.",
            free=free / 1e6,
            needed=(needed + SPARE) / 1e6,
        )


def way_out(reason: Exception, otherwise: Sentence) -> Sentence:
    """What helps where a file cannot be written: room, if the disk is full."""
    # SQLite and safetensors raise errors of their own, which have no number
    is_full = getattr(reason, "errno", None) in (errno.ENOSPC, errno.EDQUOT)
    if is_full or any(sign in str(reason) for sign in FULL):
        return Sentence("make room on the disk and resume the run")
    return otherwise


def bytes_of(request: Request) -> int:
    """Estimate what a run will take on the disk, in bytes."""
    spec = request.spec()
    epochs = request.config.epochs
    # a tenth more than the kernels: vectors, matrices and headers
    weights = int(spec.kernel_weights * 1.1)
    checkpoints = min(MOST_CHECKPOINTS, epochs + 2)
    recorded = epochs * STEPS_AN_EPOCH * sum(spec.stages) * BYTES_A_BLOCK
    return weights * (STATE_BYTES + HALF_BYTES * checkpoints) + recorded


def _quota() -> int:
    wanted = os.environ.get("RESVIZ_QUOTA", "")
    return int(wanted) if wanted.isdecimal() else QUOTA


def _size(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:  # deleted meanwhile
            continue
    return total
