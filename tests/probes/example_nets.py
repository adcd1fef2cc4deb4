"""Networks and pictures for the tests of probes, and the check that a probe leaves nothing
behind.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from resviz.models.architectures.resnet import build
from resviz.models.spec import ModelSpec


def imagenet(depth: int, family: str = "residual") -> nn.Module:
    return trained_like(build(ModelSpec(family=family, depth=depth, stem="imagenet", classes=20)))


def cifar(depth: int = 8, **options: str | int) -> nn.Module:
    return trained_like(build(ModelSpec(depth=depth, **options)))


def trained_like(model: nn.Module, seed: int = 0) -> nn.Module:
    """BatchNorm as after training: no channel has mean 0, deviation 1, gamma 1 or beta 0."""
    generator = torch.Generator().manual_seed(seed)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor, low, high in (
                (module.running_mean, -0.5, 0.5),
                (module.running_var, 0.5, 2.0),
                (module.weight, 0.3, 1.2),
                (module.bias, -0.3, 0.3),
            ):
                tensor.data.uniform_(low, high, generator=generator)
    return model.eval()


def picture(side: int = 96, seed: int = 1, batch: int = 1) -> Tensor:
    return torch.randn(batch, 3, side, side, generator=torch.Generator().manual_seed(seed))


class Functional(nn.Module):
    """Not one of ours: ReLU as a function; one module used twice; a module that returns a tuple."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 6, 3, stride=2, padding=1)
        self.twice = nn.Conv2d(6, 6, 3, padding=1)
        self.pair = Pair()
        self.unused = nn.Linear(2, 2)
        self.head = nn.Linear(6, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.first(x))
        x = F.relu(self.twice(x))
        x = x + self.twice(x)
        x, _ = self.pair(x)
        return self.head(x.mean((2, 3)))


class Pair(nn.Module):
    def forward(self, x: Tensor) -> tuple[Tensor, int]:
        return x * 2, 3


class Breaks(nn.Module):
    """Passes its input on, until `armed`."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error
        self.armed = True

    def forward(self, x: Tensor) -> Tensor:
        if self.armed:
            raise self.error
        return x


def seeded(model_class: type[nn.Module], seed: int = 3) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return model_class()


@contextmanager
def left_as_found(model: nn.Module) -> Iterator[None]:
    """Fails if flags, hooks, gradients, weights or the global grad mode differ after the block."""
    before, grad_mode = _state(model), torch.is_grad_enabled()
    weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    try:
        yield
    finally:
        assert _state(model) == before
        assert torch.is_grad_enabled() == grad_mode
        assert all(
            torch.equal(weights[name], tensor) for name, tensor in model.state_dict().items()
        )


def _state(model: nn.Module) -> list[object]:
    hooks = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    modules = [
        (n, m.training, sorted(vars(m)), *(len(getattr(m, h)) for h in hooks))
        for n, m in model.named_modules()
    ]
    parameters = [
        (n, p.requires_grad, p.grad, p.data_ptr(), p._backward_hooks)
        for n, p in model.named_parameters()
    ]
    return [modules, parameters]


def by_hand(model: nn.Module, x: Tensor, layer: str) -> np.ndarray:
    """The output of one layer, caught by a hook of the test's own, in float64."""
    caught: list[Tensor] = []
    handle = model.get_submodule(layer).register_forward_hook(
        lambda m, i, o: caught.append(o.detach().clone())
    )
    with torch.no_grad():
        model(x)
    handle.remove()
    return caught[-1][0].double().numpy()


def close(found: np.ndarray, expected: np.ndarray | Tensor) -> bool:
    """Equal to 1e-5 of the largest entry, which must not be zero."""
    expected = np.asarray(expected)
    return bool(np.abs(found - expected).max() <= 1e-5 * np.abs(expected).max() > 0)


class Tiny(nn.Module):
    """A head of pooling and one linear layer on whatever comes in."""

    def __init__(self, weight: list[list[float]]) -> None:
        super().__init__()
        self.features = nn.Identity()
        self.fc = nn.Linear(len(weight[0]), len(weight), bias=False)
        self.fc.weight.data = torch.tensor(weight)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.features(x).mean((2, 3)))
