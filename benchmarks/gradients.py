"""Gradient norms by layer against a bare forward and backward, and their growth with depth."""

import resource
import subprocess
import sys
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.measure import Result, compare, one_thread, ratios
from resviz.models.architectures.resnet import build
from resviz.models.spec import ModelSpec
from resviz.probes.gradient_flow.norms import gradients

BATCH = 32
DEPTHS = (20, 56, 110, 1202)
MEMORY = 4.0  # GiB at depth 1202, everything that the process holds


def run() -> list[Result]:
    """The rows of the table."""
    return [*overhead(), *growth()]


def overhead() -> list[Result]:
    """Depth 56: weights and blocks only, and with shortcut, branch and signal of each block."""
    model, x, targets = _case(56)
    parameters = list(model.parameters())

    def bare() -> object:
        model.train()
        return torch.autograd.grad(F.cross_entropy(model(x), targets), parameters)

    candidates = {
        "norms": lambda: gradients(model, x, targets, details=False),
        "details": lambda: gradients(model, x, targets),
    }
    times = ratios(bare, candidates, rounds=15)
    return [
        compare("gradient norm of every layer and block", 1.03, times, "norms"),
        compare("with shares through shortcut and branch, and the signal", 1.15, times, "details"),
    ]


def growth() -> list[Result]:
    """What a layer costs must not grow with depth; from 202 layers on blocks are run twice."""
    costs = {depth: _elsewhere(depth) for depth in DEPTHS}
    per_layer = {depth: seconds / depth for depth, (seconds, _) in costs.items()}
    times = {f"depth {depth}": seconds for depth, (seconds, _) in costs.items()}
    memory = {f"depth {depth}": gib for depth, (_, gib) in costs.items()}
    deep, deepest = per_layer[110] / per_layer[20], per_layer[1202] / per_layer[20]
    return [
        Result("time per layer at depth 110, of that at 20", deep, 1.25, peers=times),
        Result("time per layer at depth 1202, of that at 20", deepest, 1.9),
        Result("memory at depth 1202", costs[1202][1], MEMORY, "GiB", memory),
    ]


def _elsewhere(depth: int) -> tuple[float, float]:
    """CPU seconds, and GiB at the most, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.gradients", str(depth)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    seconds, gib = done.stdout.split()
    return float(seconds), float(gib)


def _case(depth: int) -> tuple[nn.Module, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(BATCH, 3, 32, 32, generator=generator)
    targets = torch.randint(10, (BATCH,), generator=generator)
    return build(ModelSpec(depth=depth)), x, targets


def _alone(depth: int) -> str:
    case = _case(depth)
    with one_thread():
        gradients(*_case(8))  # what the first run of a process loads
        start = time.process_time()
        gradients(*case)
        seconds = time.process_time() - start
    return f"{seconds} {peak_gib()}"


def peak_gib() -> float:
    """The most memory that this process has held.

    Linux hands the parent's peak down to a child in `ru_maxrss`, through fork and exec: what this
    program has held itself stands in `VmHWM`.
    """
    status = Path("/proc/self/status")
    if status.exists():
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(lines["VmHWM"].split()[0]) / 2**20  # kB
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**30 if sys.platform == "darwin" else 2**20)


if __name__ == "__main__":
    print(_alone(int(sys.argv[1])))
