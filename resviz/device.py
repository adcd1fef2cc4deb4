"""Where a model runs: cuda before mps before cpu, and in which number format.

Importing this module costs what torch costs; nothing is probed before it is asked for.
"""

import functools
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import torch

from resviz.errors import Sentence


@dataclass(frozen=True, slots=True)
class Device:
    """A place to compute. `autocast` is None where float32 is the better choice."""

    type: str
    name: str
    threads: int
    autocast: torch.dtype | None

    def where(self) -> str:
        """The device, and its threads on a CPU, in a few words."""
        if self.type != "cpu":
            return self.name
        if self.threads == 1:
            return Sentence("{name}, one thread", name=self.name)
        return Sentence("{name}, {threads} threads", name=self.name, threads=self.threads)


def best() -> Device:
    """The best device of this machine."""
    if torch.cuda.is_available() and computes("cuda"):
        # bf16 that is emulated is slower than float32
        bf16 = torch.cuda.is_bf16_supported(including_emulation=False)
        half = torch.bfloat16 if bf16 else torch.float16
        return Device("cuda", torch.cuda.get_device_name(), torch.get_num_threads(), half)
    if torch.backends.mps.is_available() and computes("mps"):
        return Device("mps", "Apple GPU", torch.get_num_threads(), None)
    return cpu()


@functools.cache
def computes(kind: str) -> bool:
    """Whether a convolution succeeds there: a driver may be too old, a GPU without memory."""
    try:
        ones = torch.ones(1, 1, 3, 3, device=kind)
        torch.nn.functional.conv2d(ones, ones).item()
    except RuntimeError:
        return False
    return True


def cpu() -> Device:
    """The processor with the threads that torch uses now."""
    autocast = torch.bfloat16 if bf16_pays() else None
    return Device("cpu", _cpu_name(), torch.get_num_threads(), autocast)


@functools.cache
def bf16_pays() -> bool:
    """Whether bf16 products are 1.5 times as fast as float32 here (with AMX or AVX512-BF16)."""
    a = torch.randn(512, 512)
    half = a.bfloat16()
    return _seconds(half) * 1.5 < _seconds(a)


def free_memory(kind: str) -> int:
    """Bytes that are free on a device of that type; on the CPU as many as anybody may want."""
    if kind == "cuda":
        return int(torch.cuda.mem_get_info()[0])
    if kind == "mps":
        return torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory()
    return sys.maxsize


def fits(size: int, kind: str) -> bool:
    """Whether so many bytes leave three quarters of the free memory to the work itself."""
    return 4 * size < free_memory(kind)


def moved(tensor: torch.Tensor, kind: str) -> torch.Tensor:
    """The tensor on a device; a copy to CUDA leaves from pinned memory, and nobody waits for it."""
    if kind == "cuda" and tensor.device.type == "cpu":
        return tensor.pin_memory().to(kind, non_blocking=True)
    return tensor.to(kind)


def cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _seconds(a: torch.Tensor, repeats: int = 5) -> float:
    """Shortest time of a @ a; the shortest is the one least disturbed."""
    times = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        torch.mm(a, a)
        times.append(time.perf_counter() - start)
    return min(times[1:])


def _cpu_name() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else "CPU"
