"""Following a tensor from the layer that gave it to the operation that takes it."""

import weakref
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves

# Each makes zero of whatever is not positive; modules such as nn.ReLU call one of them.
_RELUS = {"relu", "relu_", "relu6"}
_CLAMPS = {"clamp", "clamp_", "clip", "clip_", "clamp_min", "clamp_min_", "hardtanh", "hardtanh_"}
_LOWER_BOUNDS = ("min", "min_val")


class Sources:
    """Which layer gave which tensor; a tensor that no longer lives is forgotten."""

    def __init__(self) -> None:
        self._given: dict[int, tuple[weakref.ref[Tensor], str]] = {}

    def follow(self, layer: str, output: Tensor) -> None:
        """Remember that `layer` gave this very tensor."""
        self._given[id(output)] = weakref.ref(output), layer

    def layer_of(self, tensor: object) -> str | None:
        """The layer that gave this very tensor, or None."""
        reference, layer = self._given.get(id(tensor), (None, None))
        # Another tensor may have got the number of one that died.
        return layer if reference is not None and reference() is tensor else None


class Uses(TorchFunctionMode):
    """Count the operations that use what each layer gave; asking it for its shape is no use."""

    def __init__(self) -> None:
        super().__init__()
        self.sources = Sources()
        self.count: Counter[str] = Counter()
        self._counts = True

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Count nothing inside the block."""
        self._counts = False
        try:
            yield
        finally:
            self._counts = True

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run the operation, and count it where it gives tensors."""
        result = func(*args, **(kwargs or {}))
        # Shapes are tuples too: only what gives a tensor has used one.
        if self._counts and any(isinstance(leaf, Tensor) for leaf in tree_leaves(result)):
            for argument in tree_leaves((args, kwargs)):
                if layer := self.sources.layer_of(argument):
                    self.count[layer] += 1
        return result


class Rectified(TorchFunctionMode):
    """Collect the layers whose very output goes into a ReLU, be it a module or a function."""

    def __init__(self) -> None:
        super().__init__()
        self.sources = Sources()
        self.layers: set[str] = set()

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run the operation; before that, for it may be in place, look at what goes into a ReLU."""
        kwargs = kwargs or {}
        if _is_relu(func, args, kwargs):
            given = args[0] if args else kwargs.get("input")
            if layer := self.sources.layer_of(given):
                self.layers.add(layer)
        return func(*args, **kwargs)


def _is_relu(func: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
    """Whether the operation cuts off at zero."""
    name = getattr(func, "__name__", "")
    if name in _RELUS:
        return True
    if name not in _CLAMPS:
        return False
    bounds = [kwargs[key] for key in _LOWER_BOUNDS if key in kwargs]
    lower = bounds[0] if bounds else (args[1] if len(args) > 1 else None)
    return isinstance(lower, int | float) and lower == 0
