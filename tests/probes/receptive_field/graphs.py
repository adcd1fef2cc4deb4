"""Fields by name, and a network that does something of its own in the middle."""

from collections.abc import Callable

from torch import Tensor, nn

from resviz.probes.receptive_field.theoretical import ReceptiveField, receptive_field


def fields(model: nn.Module, input_size: int | tuple[int, int] = 224) -> dict[str, ReceptiveField]:
    return {field.name: field for field in receptive_field(model, input_size=input_size)}


def last(model: nn.Module, layer: str) -> ReceptiveField:
    (field,) = receptive_field(model, [layer])
    return field


class Odd(nn.Module):
    """Does something with the map before the last convolution."""

    def __init__(self, odd: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.first, self.odd, self.second = nn.Conv2d(3, 4, 3), odd, nn.Conv2d(4, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.second(self.odd(self.first(x)))
