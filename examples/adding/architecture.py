"""Add an architecture: a block of your own, which every probe, page and command then knows by name.

Szegedy et al. 2016 (1602.07261, section 3.3) scale the branch by 0.1 to 0.3, for wide networks die
without it. In resviz the class stands in `models/architectures/blocks.py` and the name in
`FAMILIES` of `models/choices.py`; its test compares the number of parameters and the output with a
known network.

Run `python examples/adding/architecture.py`.
"""

import torch

import resviz
from resviz.models import spec
from resviz.models.architectures import blocks
from resviz.models.architectures.layers import Constant


class Damped(blocks.Residual):
    """y = activation(0.2 F(x) + x)."""

    def __init__(self, spec: spec.ModelSpec, in_channels: int, planes: int, stride: int) -> None:
        super().__init__(spec, in_channels, planes, stride)
        # In `branch`, not in `forward`: shortcut and branch still add up to the sum that is shown.
        self.branch = Constant(0.2)


blocks.Damped = Damped
spec.FAMILIES["damped"] = "Damped"

x = torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))
for name in ("new/residual-20", "new/damped-20"):
    network = resviz.load(name).model
    parts = resviz.residual_parts(network, x[:1], "layer1.2")
    flow = resviz.gradients(network, x, torch.arange(4))
    print(f"{name}: the branch of layer1.2 brings {parts.share_branch:.0%}, loss {flow.loss:.2f}")
