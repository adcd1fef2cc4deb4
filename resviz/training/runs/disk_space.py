"""Whether the disk has room for runs, before they begin."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from resviz.errors import TrainingError
from resviz.training.request import Request
from resviz.training.runs import reader

SPARE = 200_000_000  # bytes that stay free for everybody else
QUOTA = 20_000_000_000  # bytes for all runs together, unless RESVIZ_QUOTA says otherwise


def check_disk_space(requests: Sequence[Request]) -> None:
    """Raises `TrainingError` where the disk, or the share of it that runs may have, is too full for these."""
    folder = reader.folder()
    needed, used = sum(map(bytes_of, requests)), _size(folder)
    told = os.environ.get("RESVIZ_QUOTA", "")
    quota = int(told) if told.isdecimal() else QUOTA
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


def bytes_of(request: Request) -> int:
    """About what a run will take: weights and momentum in float32, at most 42 sets of weights in half precision, and
    for each step some 16 numbers of each block."""
    spec = request.spec()
    weights = int(spec.kernel_weights * 1.1)
    blocks = sum(spec.stages)
    records_ = request.config.epochs * 400 * blocks * 16 * 4
    return weights * (8 + 2 * min(42, request.config.epochs + 2)) + records_


def _size(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:  # deleted meanwhile
            continue
    return total
