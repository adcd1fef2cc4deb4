"""Take single blocks out of trained networks and count what they still get right.

After Veit et al. 2016, section 4: a residual network hardly notices, its plain twin fails.

Run `python examples/remove_blocks.py`.
"""

import torch

import resviz
from resviz.data import datasets

BLOCK = "layer2.1"

for name in ("bundled/resnet20-digits", "bundled/plain20-digits"):
    loaded = resviz.load(name)
    test = datasets.load("digits", loaded.input_size, test_only=True).test
    x = loaded.normalise(test.images)

    with torch.no_grad():
        whole = (loaded.model(x).argmax(1) == test.targets).float().mean()
        with resviz.lesioned(loaded.model, [BLOCK]):
            without = (loaded.model(x).argmax(1) == test.targets).float().mean()

    print(f"{name}: accuracy {whole:.1%}, without {BLOCK} {without:.1%}")
