"""Gradient norms by layer against a bare forward and backward, and how time and memory grow with depth."""

import resource
import subprocess
import sys
import time

import torch
import torch.nn.functional as F

from benchmarks.measure import Result, compare, one_thread, ratios
from resviz.models.architectures.resnet import build
from resviz.models.spec import ModelSpec
from resviz.probes.gradient_flow.norms import gradients

BATCH = 32
DEPTHS = (20, 56, 110, 1202)
MEMORY = 4.0  # GiB at depth 1202, everything that the process holds


def run() -> list[Result]:
    return [*overhead(), *growth()]


def overhead() -> list[Result]:
    """Depth 56: weights and blocks only, and with both ways through each block and the signal."""
    model, x, targets = _case(56)
    parameters = list(model.parameters())

    def bare() -> object:
        model.train()
        return torch.autograd.grad(F.cross_entropy(model(x), targets), parameters)

    found = ratios(
        bare,
        {
            "norms": lambda: gradients(model, x, targets, details=False),
            "details": lambda: gradients(model, x, targets),
        },
        rounds=9,
    )
    return [
        compare("gradient norm of every layer and block", 1.03, found, "norms"),
        compare("with shares through shortcut and branch, and the signal", 1.15, found, "details"),
    ]


def growth() -> list[Result]:
    """A second's worth per layer must not grow with depth; from 202 layers on blocks are run twice (a third more)."""
    found = {depth: _elsewhere(depth) for depth in DEPTHS}
    per_layer = {depth: seconds / depth for depth, (seconds, _) in found.items()}
    told = {f"depth {depth}": seconds for depth, (seconds, _) in found.items()}
    memory = {f"depth {depth}": size for depth, (_, size) in found.items()}
    return [
        Result(
            "time per layer at depth 110, of that at 20",
            per_layer[110] / per_layer[20],
            1.25,
            peers=told,
        ),
        Result("time per layer at depth 1202, of that at 20", per_layer[1202] / per_layer[20], 1.9),
        Result("memory at depth 1202", found[1202][1], MEMORY, "GiB", memory),
    ]


def _elsewhere(depth: int) -> tuple[float, float]:
    """CPU seconds, and GiB at the most, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.gradients", str(depth)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    seconds, size = done.stdout.split()
    return float(seconds), float(size)


def _case(depth: int) -> tuple[torch.nn.Module, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(BATCH, 3, 32, 32, generator=generator)
    return build(ModelSpec(depth=depth)), x, torch.randint(10, (BATCH,), generator=generator)


def _alone(depth: int) -> str:
    case = _case(depth)
    with one_thread():
        gradients(*_case(8))  # what the first run of a process loads
        start = time.process_time()
        gradients(*case)
        seconds = time.process_time() - start
    return f"{seconds} {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20}"


if __name__ == "__main__":
    print(_alone(int(sys.argv[1])))
