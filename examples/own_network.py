"""Probe a network of your own: any `torch.nn.Module`, which is left as it was found.

Run `python examples/own_network.py`.
"""

import torch
from torch import nn

import resviz

network = nn.Sequential(
    nn.Conv2d(3, 8, 3, padding=1),
    nn.BatchNorm2d(8),
    nn.ReLU(),
    nn.MaxPool2d(2),
    nn.Conv2d(8, 16, 3, padding=2, dilation=2),
    nn.ReLU(),
    nn.AdaptiveAvgPool2d(1),
    nn.Flatten(),
    nn.Linear(16, 4),
)
x = torch.randn(1, 3, 28, 28, generator=torch.Generator().manual_seed(0))

for layer in resviz.layers(network, input_size=28):
    print(f"{layer.name}: {layer.kind} {layer.output_shape}, {layer.macs} multiply-adds")

field = resviz.receptive_field(network, ["5"], input_size=28)[0]
print(f"A unit of layer {field.name} sees {field.size[0]} pixels")
print(resviz.predict(network, x, ["a", "b", "c", "d"]).top[0])
print(resviz.grad_cam(network, x, "5", target=0).map.shape)
