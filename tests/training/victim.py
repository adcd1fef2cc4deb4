"""A process that has imported torch once and forks a training for every line it reads, to be killed
at any moment.

Prints the child's id, and the wait status when it is gone. Run as `python -m tests.training.victim
FOLDER`.
"""

import os
import sys
import traceback
from pathlib import Path

import torch

from resviz.training.launch import start
from tests.training.squares import CPU

start.best = lambda: CPU


def train(folder: Path) -> None:
    """Go on until the end."""
    _, events = start.resume_run(folder)
    for _event in events:
        pass


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    for _line in sys.stdin:
        child = os.fork()
        if not child:
            try:
                train(folder)
            except BaseException:
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        print(child, flush=True)
        print(os.waitpid(child, 0)[1], flush=True)


main(Path(sys.argv[1]))
