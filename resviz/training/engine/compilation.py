"""`torch.compile` for a training, and a sentence where this machine cannot compile."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

from torch import nn

from resviz.errors import TrainingError, first_line

BACKEND = "inductor"
COMPILERS = ("torch._dynamo", "torch._inductor")  # where errors of compilation are defined


def compiled(model: nn.Module) -> nn.Module:
    """Wrap a model so that PyTorch compiles its passes when they first run."""
    import torch._dynamo  # `torch.compile` imports it anyway

    # without these guards it overlooks the recorder's hooks now and then
    torch._dynamo.config.skip_nnmodule_hook_guards = False
    return cast(nn.Module, torch.compile(model, backend=BACKEND))


@contextmanager
def compile_errors() -> Iterator[None]:
    """Turn an error of the compiler into a sentence; raises `TrainingError`."""
    # `torch.compile` misses a compiler at the first step only, and says so in many lines
    try:
        yield
    except RuntimeError as reason:
        if not _of_the_compiler(reason):
            raise
        raise TrainingError(
            "torch.compile cannot translate this network here ({reason}); install what it needs "
            "(a C++ compiler for a processor, Triton for a GPU), or leave out --compile.",
            reason=first_line(reason),
        ) from reason


def _of_the_compiler(reason: RuntimeError) -> bool:
    modules = (kind.__module__ for kind in type(reason).__mro__)
    return any(module.startswith(COMPILERS) for module in modules)
