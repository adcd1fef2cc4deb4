"""What is executed is noted once, in order, however a network is written."""

import torch
from torch import Tensor, nn

from resviz.probes.architecture.trace import ADD, CONCATENATE, trace


class Both(nn.Module):
    """A module of two inputs, a module that runs twice, a dictionary as answer."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.relu = nn.Conv2d(3, 3, 1), nn.ReLU(inplace=True)
        self.join = nn.Bilinear(3, 3, 2)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        a = self.relu(self.conv(x))
        b = self.relu(torch.cat([a, x], 1)[:, :3])
        a += b
        pooled = a.mean((2, 3))
        return {"out": self.join(pooled, b.mean((2, 3)))}


def test_modules_calls_and_joins_stand_in_the_order_of_execution():
    found = trace(Both(), (3, 8, 8))
    names = [operation.name for operation in found.operations]
    assert names == [
        "conv",
        "relu",
        ":cat",
        ":__getitem__",
        "relu",
        ":add_",
        ":mean",
        ":mean",
        "join",
    ]
    assert [o.join for o in found.operations if o.join] == [CONCATENATE, ADD]
    assert found.outputs == (8,)


def test_an_operation_names_who_made_its_inputs():
    found = trace(Both(), (3, 8, 8))
    inputs = {operation.index: operation.inputs for operation in found.operations}
    assert inputs[0] == (-1,)
    assert inputs[2] == (1, -1)
    assert inputs[5] == (1, 4)
    assert inputs[8] == (6, 7)
