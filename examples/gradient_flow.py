"""Watch the gradient of plain and residual networks on its way from the last layer to the first.

Run `python examples/gradient_flow.py`.
"""

import torch

import resviz

x = torch.randn(8, 3, 32, 32, generator=torch.Generator().manual_seed(0))
targets = torch.arange(8)

for depth in (8, 20, 32):
    for family in ("plain", "residual"):
        network = resviz.load(f"new/{family}-{depth}?norm=none&init=torch").model
        flow = resviz.gradients(network, x, targets)

        # One norm for each layer, in the order of the forward pass; the last is the classifier.
        convolutions = flow.weight_gradient[: flow.last_convolution + 1]
        ratio = convolutions[0] / convolutions[-1]
        print(f"{family}-{depth}: the first layer gets {ratio:.2g} times the last one's gradient")
