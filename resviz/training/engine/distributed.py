"""One training on several processes, as `torchrun` starts them: each computes its share of every batch.

PyTorch's DistributedDataParallel averages the gradients, so that a step is the step of one process
with the whole batch; only BatchNorm differs, which knows the images of its own process. The first
process records, measures and saves, the others follow. What is said between them goes through host
memory (gloo), gradients of GPUs through nccl.

A process alone is a `Group` of one, which has nobody to ask.
"""

import ctypes
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, cast

import torch
import torch.distributed as dist
from torch import Tensor, nn

from resviz.errors import TrainingError

if TYPE_CHECKING:
    from torch._C._distributed_c10d import Store

T = TypeVar("T")
_stopping = threading.Event()  # somebody has sent this process a signal to end


@dataclass(frozen=True, slots=True)
class Group:
    """The processes of one training. `local` counts those of one machine; a process alone has no `store`."""

    rank: int = 0
    world: int = 1
    local: int = 0
    store: "Store | None" = None

    @property
    def joined(self) -> bool:
        return self.store is not None

    @property
    def first(self) -> bool:
        return self.rank == 0

    def share(self, count: int) -> slice:
        """Which of `count` images are this process's; the shares of all are disjoint and differ by one at most."""
        return slice(count * self.rank // self.world, count * (self.rank + 1) // self.world)

    def weight(self, count: int) -> float:
        """By what the mean over the share of `count` images counts in the mean over all processes."""
        mine = self.share(count)
        return len(range(count)[mine]) * self.world / count

    def averaging(self, model: nn.Module) -> nn.Module:
        """The model as it is called in training: after each backward pass its gradients are the means over all."""
        if not self.joined:
            return model
        return nn.parallel.DistributedDataParallel(model, gradient_as_bucket_view=True)

    def mean(self, values: Tensor) -> Tensor:
        """The mean over the processes, element by element, in float64 where there are several."""
        if not self.joined:
            return values
        found = values.double()
        dist.all_reduce(found)
        return found / self.world

    def norm(self, values: Tensor) -> Tensor:
        """The norms of gradients of the mean loss, of which every process has those by its own images.

        Theirs are of their own mean, `world` times as large, and the squares of the parts add up.
        """
        if not self.joined:
            return values
        return (self.mean(values.double().square()) / self.world).sqrt()

    def any(self, wish: bool) -> bool:
        """Whether one of the processes wishes it; all get the same answer."""
        if not self.joined:
            return wish
        wishes = torch.tensor([wish or _stopping.is_set()], dtype=torch.uint8)
        dist.all_reduce(wishes, dist.ReduceOp.MAX)
        return bool(wishes.item())

    def gathered(self, value: T) -> list[T]:
        """What each of the processes has to say, in their order."""
        if not self.joined:
            return [value]
        found: list[Any] = [None] * self.world
        dist.all_gather_object(found, value)
        return found

    def once(self, ask: Callable[[], T]) -> T:
        """The first process asks, and all get the answer or the refusal."""
        if not self.joined:
            return ask()
        told: list[Any] = [None]
        if self.first:
            try:
                told = [ask()]
            except TrainingError as refusal:
                told = [refusal]
        dist.broadcast_object_list(told, device=torch.device("cpu"))
        if isinstance(told[0], TrainingError):
            raise told[0]
        return cast(T, told[0])

    @contextmanager
    def one_ahead(self) -> Iterator[None]:
        """The first process of each machine goes ahead; the others find what it has downloaded."""
        if self.joined and self.local:
            self.gathered(None)
        try:
            yield
        finally:
            if self.joined and not self.local:
                self.gathered(None)

    def settled(self, value: str) -> str:
        """`value` as it was when `torchrun` first started this training: it keeps the store over restarts."""
        return self.store.compare_set("settled", "", value).decode() if self.store else value

    @contextmanager
    def together(self) -> Iterator[None]:
        """Raises `TrainingError` where another process is gone in the middle of the work."""
        try:
            yield
        except RuntimeError as reason:
            if not self.joined or not _lost(reason):
                raise
            raise TrainingError(
                "One of the other processes of this training ({world} in all) is gone; start the same command again "
                "to go on from the last checkpoint, or let torchrun do that with --max-restarts.",
                world=self.world,
            ) from reason


ALONE = Group()


@contextmanager
def joined() -> Iterator[Group]:
    """The group of this process: that of `torchrun`, which it leaves in the end, or itself alone."""
    if not dist.is_available() or not dist.is_torchelastic_launched():
        yield ALONE
        return
    _die_with_parent()
    rank, world, local = (int(os.environ[name]) for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK"))
    backend = "gloo"
    if torch.cuda.is_available():
        if local >= torch.cuda.device_count():
            raise TrainingError(
                "This machine has {gpus} GPUs for {processes} processes; start at most one for each GPU.",
                gpus=torch.cuda.device_count(),
                processes=os.environ["LOCAL_WORLD_SIZE"],
            )
        torch.cuda.set_device(local)
        backend = "cpu:gloo,cuda:nccl"
    from torch._C._distributed_c10d import PrefixStore

    store = _store(rank, world)
    attempt = os.environ.get(
        "TORCHELASTIC_RESTART_COUNT", "0"
    )  # what processes that are gone left there is not for us
    dist.init_process_group(backend, store=PrefixStore(attempt, store), rank=rank, world_size=world)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: _stopping.set())
    try:
        yield Group(rank, world, local, store)
    finally:
        dist.destroy_process_group()


def _store(rank: int, world: int) -> "Store":
    """Where the processes meet: at the agent of `torchrun` if it has such a place, else at the first of them."""
    from torch._C._distributed_c10d import TCPStore

    agent = os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True"
    address, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    return TCPStore(address, port, world, is_master=rank == 0 and not agent)


def _die_with_parent() -> None:
    """No process is left over when `torchrun` is killed; what is not yet in a checkpoint is lost."""
    parent = os.getppid()
    if sys.platform == "linux":
        set_parent_death_signal = 1
        ctypes.CDLL(None, use_errno=True).prctl(set_parent_death_signal, signal.SIGKILL)
        if os.getppid() != parent:  # it died just before
            os.kill(os.getpid(), signal.SIGKILL)


def _lost(reason: RuntimeError) -> bool:
    told = str(reason).lower()
    return isinstance(reason, dist.DistError) or any(
        word in told for word in ("gloo", "nccl", "connection")
    )
