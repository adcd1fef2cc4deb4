"""Measure how far blurred photos drift from what BatchNorm stores, and fold BatchNorm away.

Run `python examples/batchnorm.py`.
"""

import numpy as np
import torch

import resviz
from resviz.data import samples
from resviz.data.corruptions import corrupt

loaded = resviz.load("bundled/resnet18-imagenette")
photos = [resviz.decode(samples.read(key)).image for key in ("church", "dog", "coffee")]
views = np.stack([loaded.preprocess.view(photo) for photo in photos])  # (3, 128, 128, 3)
sharp = torch.from_numpy(views).permute(0, 3, 1, 2)
x = loaded.normalise(sharp)

for name, views in (("sharp", sharp), ("blurred", corrupt(sharp, "blur", strength=5))):
    norms = resviz.batchnorm(loaded.model, loaded.normalise(views))
    drift = sum(norm.drift for norm in norms) / len(norms)
    print(f"{name}: {drift:.2f} nats from what is stored, over {len(norms)} layers")

# In use, BatchNorm is a multiplication and an addition: the convolution before can do both.
folded = resviz.fuse(loaded.model, x)
with torch.no_grad():
    difference = (folded(x) - loaded.model(x)).abs().max()
print(f"with BatchNorm folded away the scores differ by {difference:.1e}")
