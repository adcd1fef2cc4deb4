"""One training on the processes that `torchrun` starts: each computes its share of every batch.

PyTorch's DistributedDataParallel averages the gradients, so that a step is the step of one process
with the whole batch; only BatchNorm differs, which knows the images of its own process. The first
process records, measures and saves, the others follow. What is said between them goes through host
memory (gloo), gradients of GPUs through nccl. That "a step is the step of one process" holds in
float32, up to the order of sums: in half precision each process rounds its own share, and norms
were seen to differ by 13 % within five steps in bfloat16.

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
    """The processes of one training.

    `local` counts those of one machine; a process alone has no `store`.
    """

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
        """Which of `count` images are this process's: disjoint shares, as equal as they can be."""
        return slice(count * self.rank // self.world, count * (self.rank + 1) // self.world)

    def weight(self, count: int) -> float:
        """By what the mean over this process's share counts in the mean over all processes."""
        mine = self.share(count)
        return len(range(count)[mine]) * self.world / count

    def averaging(self, model: nn.Module) -> nn.Module:
        """Wrap the model: after each backward pass its gradients are the means over all."""
        if not self.joined:
            return model
        return nn.parallel.DistributedDataParallel(model, gradient_as_bucket_view=True)

    def mean(self, values: Tensor) -> Tensor:
        """The mean over the processes, element by element, in float64 where there are several."""
        if not self.joined:
            return values
        # in float64: the sum must not depend on how many numbers the processes add up before
        total = values.double()
        dist.all_reduce(total)
        return total / self.world

    def norm(self, values: Tensor) -> Tensor:
        """Put together the norms of gradients that each process has of its own images.

        Each process has the gradient of its own mean, `world` times as large, and the squares of
        the parts add up.
        """
        if not self.joined:
            return values
        return (self.mean(values.double().square()) / self.world).sqrt()

    def any(self, wish: bool) -> bool:
        """Whether one of the processes wishes it; all get the same answer."""
        if not self.joined:
            return wish
        # a process that left alone would let the others wait for it for ever
        wishes = torch.tensor([wish or _stopping.is_set()], dtype=torch.uint8)
        dist.all_reduce(wishes, dist.ReduceOp.MAX)
        return bool(wishes.item())

    def gathered(self, value: T) -> list[T]:
        """Collect the value of each process, in their order."""
        if not self.joined:
            return [value]
        values: list[Any] = [None] * self.world
        dist.all_gather_object(values, value)
        return values

    def once(self, ask: Callable[[], T]) -> T:
        """Let the first process ask; all get its answer, or raise its `TrainingError`."""
        if not self.joined:
            return ask()
        answer: list[Any] = [None]
        if self.first:
            # a refusal travels as well: the others would wait for an answer for ever
            try:
                answer = [ask()]
            except TrainingError as refusal:
                answer = [refusal]
        dist.broadcast_object_list(answer, device=torch.device("cpu"))
        if isinstance(answer[0], TrainingError):
            raise answer[0]
        return cast(T, answer[0])

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
        """`value` as it was when `torchrun` first started this training, also after a restart."""
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
                "One of the other processes of this training ({world} in all) is gone; start the "
                "same command again to go on from the last checkpoint, or let torchrun do that "
                "with --max-restarts.",
                world=self.world,
            ) from reason


ALONE = Group()


@contextmanager
def joined() -> Iterator[Group]:
    """Join the group that `torchrun` started, and leave it in the end.

    A process alone is its own group.
    """
    if not dist.is_available() or not dist.is_torchelastic_launched():
        yield ALONE
        return
    _die_with_parent()
    rank, world, local = (int(os.environ[name]) for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK"))
    backend = _backend(local)
    store = _store(rank, world)
    _initialise(backend, store, rank, world)
    # torchrun ends all of them at once; each finishes its step, and the first saves
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: _stopping.set())
    try:
        yield Group(rank, world, local, store)
    finally:
        dist.destroy_process_group()


def _backend(local: int) -> str:
    """Take the GPU of this process, where there are any; raises `TrainingError` for too few."""
    if not torch.cuda.is_available():
        return "gloo"
    gpus = torch.cuda.device_count()
    if local >= gpus:
        raise TrainingError(
            "This machine has {gpus} GPUs for {processes} processes; start at most one for each.",
            gpus=gpus,
            processes=os.environ["LOCAL_WORLD_SIZE"],
        )
    torch.cuda.set_device(local)
    return "cpu:gloo,cuda:nccl"


def _initialise(backend: str, store: "Store", rank: int, world: int) -> None:
    from torch._C._distributed_c10d import PrefixStore

    # under a prefix of its own: what processes of an earlier attempt left there is not for us
    attempt = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
    place = PrefixStore(attempt, store)
    dist.init_process_group(backend, store=place, rank=rank, world_size=world)


def _store(rank: int, world: int) -> "Store":
    """Where the processes meet: at the agent of `torchrun`, or at the first of them."""
    from torch._C._distributed_c10d import TCPStore

    agent = os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True"
    address, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    return TCPStore(address, port, world, is_master=rank == 0 and not agent)


def _die_with_parent() -> None:
    """Leave no process over when `torchrun` is killed; what is in no checkpoint is lost."""
    parent = os.getppid()
    if sys.platform == "linux":
        set_parent_death_signal = 1
        ctypes.CDLL(None, use_errno=True).prctl(set_parent_death_signal, signal.SIGKILL)
        # it may have died just before the signal was asked for
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)


def _lost(reason: RuntimeError) -> bool:
    """Whether an error says that another process is gone."""
    # gloo and nccl raise plain RuntimeErrors: only their text tells
    message = str(reason).lower()
    names = ("gloo", "nccl", "connection")
    return isinstance(reason, dist.DistError) or any(name in message for name in names)
