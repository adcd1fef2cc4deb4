"""Compare the pixels that a unit can see with those that it really looks at.

Run `python examples/receptive_field.py`.
"""

import resviz
from resviz.data import samples

loaded = resviz.load("bundled/resnet18-imagenette")
x = loaded.preprocess(resviz.decode(samples.read("church")).image)[None]
stages = ["layer1", "layer2", "layer3", "layer4"]

for field in resviz.receptive_field(loaded.model, stages):
    print(f"{field.name}: sees {field.size[0]} pixels, its cells are {field.stride[0]} apart")

# Luo et al. 2016: gradients that reach the input, averaged over random signs, fall off like a bell.
effective = resviz.effective_receptive_field(loaded.model, x, "layer3.1", draws=16)
theoretical = resviz.receptive_field(loaded.model, ["layer3.1"])[0]
print(f"layer3.1: could see {theoretical.size[0]} pixels, looks at {effective.size:.0f}")
