"""Say what is in a photo, and where the network sees it: the five likeliest classes and a Grad-CAM.

Run `python examples/predict.py [PHOTO]`, which writes grad-cam.png.
"""

import sys
from pathlib import Path

import resviz
from resviz.data import samples
from resviz.figures.raster import overlay_png

loaded = resviz.load("bundled/resnet18-imagenette")
data = Path(sys.argv[1]).read_bytes() if sys.argv[1:] else samples.read("dog")
photo = resviz.decode(data)
x = loaded.preprocess(photo.image)[None]  # (1, 3, 128, 128), as the network was trained

answer = resviz.predict(loaded.model, x, loaded.labels)
for guess in answer.top:
    print(f"{guess.probability:6.1%}  {guess.label}")

# The evidence for the likeliest class in the last block, at the block's own resolution.
cam = resviz.grad_cam(loaded.model, x, "layer4.1", target=answer.top[0].index)
print("map of", cam.map.shape, "cells")
Path("grad-cam.png").write_bytes(overlay_png(loaded.preprocess.view(photo.image), cam.map, 0.7))
