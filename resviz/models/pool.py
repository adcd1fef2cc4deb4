"""Clones of a model that share its weights, each lent to one caller at a time.

Hooks belong to a module, not to a thread: on a shared model one user's hook records another user's
picture. A clone costs no memory for weights: its parameters are new objects over the same numbers,
so that hooks, training flags, `.grad` and `requires_grad` of a borrower stay on its clone. Running
statistics are small, and copied: a forward in training mode writes them.
"""

import contextlib
import copy
import threading
from collections.abc import Iterator

import torch
from torch import nn

_HOOKS = (
    "_forward_pre_hooks",
    "_forward_hooks",
    "_backward_pre_hooks",
    "_backward_hooks",
    "_state_dict_hooks",
    "_state_dict_pre_hooks",
    "_load_state_dict_pre_hooks",
    "_load_state_dict_post_hooks",
)


class Pool:
    """Lends at most `size` clones of `model` at once; further callers wait for one to come back.

    `model` itself must rest: nobody runs it, hooks it or trains it while the pool lives.
    """

    def __init__(self, model: nn.Module, size: int = 2) -> None:
        if size < 1:
            raise ValueError(f"a pool needs at least one clone, got {size}")
        self._model = model
        self._permits = threading.BoundedSemaphore(size)
        first = _clone(model)
        self._idle, self._state = [first], _state(first)

    @contextlib.contextmanager
    def borrow(self) -> Iterator[nn.Module]:
        """Lend a clone to the caller alone.

        A caller that fails or leaves traces on it does not hand it on.
        """
        with self._permits:
            clone = self._take()
            yield clone  # on an exception, what follows is skipped and the clone is forgotten
            if _state(clone) == self._state:
                self._idle.append(clone)

    def _take(self) -> nn.Module:
        try:
            return self._idle.pop()  # one step, also between threads
        except IndexError:
            return _clone(self._model)


def _clone(model: nn.Module) -> nn.Module:
    """A deep copy of the structure over the same numbers, with buffers of its own."""
    with torch.inference_mode(
        False
    ):  # a clone outlives its first borrower, who may be in that mode
        memo: dict[int, object] = {
            id(p): nn.Parameter(p.detach(), requires_grad=p.requires_grad)
            for p in model.parameters()
        }
        memo |= {id(b): b.detach().clone() for b in model.buffers()}
        return copy.deepcopy(model, memo)


def _state(model: nn.Module) -> tuple[object, ...]:
    """What a borrower may have changed: modules, hooks, flags, `.grad`, weights, statistics."""
    modules = tuple(
        (type(m), len(vars(m)), m.training, *(len(getattr(m, hooks)) for hooks in _HOOKS))
        for m in model.modules()
    )
    parameters = tuple(
        (p.requires_grad, p.grad is None, bool(p._backward_hooks), p.data_ptr())
        for p in model.parameters()
    )
    return (modules, parameters, tuple(b._version for b in model.buffers()))
