"""How many trainings this machine takes at a time, and which of those that wait come next."""

import os
from collections.abc import Sequence
from pathlib import Path

from resviz.training.runs.reader import RunInfo


def places() -> tuple[int, int]:
    """How many races or single runs, and how many processes, may run at once.

    Races: `RESVIZ_JOBS`, or one for each GPU or two cores. Processes: one for each core.
    """
    from resviz.device import cores

    gpus = len(list(Path("/proc/driver/nvidia/gpus").glob("*")))
    wanted = os.environ.get("RESVIZ_JOBS", "")
    usual = gpus or cores() // 2
    # what is no number above 0 is no wish
    jobs = int(wanted) if wanted.isdecimal() and int(wanted) else max(1, usual)
    return jobs, max(jobs, cores())


def next_runs(infos: Sequence[RunInfo], jobs: int, processes: int) -> list[RunInfo]:
    """The waiting runs that have a place now: races by their turn, and of a race one by one."""
    running = [info for info in infos if info.status == "running"]
    groups, count = {info.group for info in running}, len(running)
    chosen: list[RunInfo] = []
    for info in waiting(infos):
        # the runs of a race that has begun need no place of their own among the races
        has_place = info.group in groups or len(groups) < jobs
        if has_place and count < processes:
            groups.add(info.group)
            count += 1
            chosen.append(info)
    return chosen


def waiting(infos: Sequence[RunInfo]) -> list[RunInfo]:
    """The runs that wait, the next one first."""
    queued = [info for info in infos if info.status == "queued"]
    return sorted(queued, key=lambda info: (info.place, info.id))
