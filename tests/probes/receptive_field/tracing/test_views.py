"""Slices, permutations and unpacking: fields by hand."""

import torch
from torch import Tensor, nn

from resviz.probes.receptive_field.theoretical import receptive_field
from tests.probes.receptive_field.graphs import Odd, fields


def test_slices_permutations_and_channel_shuffles_are_followed():
    class Moves(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.end = nn.Conv2d(4, 4, (3, 1)), nn.Identity()

        def forward(self, x: Tensor) -> Tensor:
            x = torch.cat([x, x.mean(1, keepdim=True)], 1)[:, :, 3::2, :-1]
            x = self.conv(x)
            x = x.view(1, 2, 2, *x.shape[2:]).transpose(1, 2).reshape(1, 4, *x.shape[2:])
            a, b = x.permute(0, 2, 3, 1).chunk(2, dim=3)
            return self.end(torch.cat([a, b], -1).permute(0, 3, 1, 2)[..., 5:])

    assert [(f.size, f.stride, f.start) for f in receptive_field(Moves(), ["end"], 40)] == [
        ((5, 1), (2, 1), (3, 5)),
    ]


def test_unpacked_parts_are_followed_as_those_of_unbind():
    def unpacked(x: Tensor) -> Tensor:
        first, second = x.view(1, 2, 2, *x.shape[2:]).transpose(0, 1)
        return torch.cat([second, first], 1)

    second = fields(Odd(unpacked), 16)["second"]
    assert (second.size, second.stride, second.units) == ((3, 3), (1, 1), (14, 14))
