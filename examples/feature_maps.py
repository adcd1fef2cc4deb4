"""Look at all channels of a layer, and at what a residual block adds to what it receives.

Run `python examples/feature_maps.py`, which writes layer1.0.png.
"""

from pathlib import Path

import resviz
from resviz.data import samples
from resviz.figures.raster import mosaic_png

loaded = resviz.load("bundled/resnet18-imagenette")
x = loaded.preprocess(resviz.decode(samples.read("cat")).image)[None]

seen = resviz.activations(loaded.model, x, ["layer1.0"])["layer1.0"]
Path("layer1.0.png").write_bytes(mosaic_png(seen.values, columns=8, shared=False))
print(f"{len(seen.values)} channels of {seen.shape[1:]} cells, {len(seen.dead)} of them dead")

# ||F(x)|| against ||x||: a block near zero passes its input on, a block near one replaces it.
for block in resviz.blocks(loaded.model):
    if block.startswith("layer"):
        parts = resviz.residual_parts(loaded.model, x, block)
        print(f"{block}: the branch brings {parts.share_branch:.0%}")
