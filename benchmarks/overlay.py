"""From a click on a class to the bytes of the picture that the page shows; 1 = one forward pass.

ResNet-50 at 224 pixels, one torch thread. Peers colour, blend and encode the map with their own
functions, as PNG, for what a page sends must lose nothing at the edges of the heat.
"""

import copy
import io
from collections.abc import Callable
from functools import partial

import numpy as np
from PIL import Image
from pytorch_grad_cam import GradCAM as JacobGil
from pytorch_grad_cam.utils.image import show_cam_on_image
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import Tensor, nn
from torchcam.methods import GradCAM as Torchcam
from torchcam.utils import overlay_mask
from torchvision.transforms.functional import to_pil_image

from benchmarks.cam import LAST, TARGET, network, picture, plain
from benchmarks.measure import Result, compare, ratios
from resviz.figures.raster import heat_png
from resviz.probes.attribution.grad_cam import CamGraph, grad_cam

SIDE = 224
PEERS = ("torchcam", "pytorch-grad-cam")


def run() -> list[Result]:
    """The rows of the table."""
    model, x = network(), picture()
    photo = Image.fromarray(np.random.default_rng(0).integers(0, 255, (SIDE, SIDE, 3), np.uint8))
    graph = CamGraph(model, x, [LAST])
    candidates = {
        "first": lambda: _heat(grad_cam(model, x, LAST, TARGET).map),
        "next": lambda: _heat(graph.grad_cam(LAST, TARGET).map),
        "torchcam": _torchcam(model, x, photo),
        "pytorch-grad-cam": _jacobgil(model, x, photo),
    }
    times = ratios(partial(plain, model, x), candidates, rounds=12)
    peers = {name: name for name in PEERS}
    return [
        compare("click to overlay bytes, the first class", 1.10, times, "first", peers),
        compare("click to overlay bytes, the next class", 0.05, times, "next", peers),
    ]


def _heat(values: np.ndarray) -> bytes:
    """The layer of heat alone: the page has the photo already, and blends the two itself."""
    return heat_png(values, (SIDE, SIDE))


def _torchcam(model: nn.Module, x: Tensor, photo: Image.Image) -> Callable[[], bytes]:
    cam = Torchcam(copy.deepcopy(model), LAST)

    def overlay() -> bytes:
        (values,) = cam(TARGET, cam.model(x))
        return _png(overlay_mask(photo, to_pil_image(values[0], mode="F"), alpha=0.5))

    return overlay


def _jacobgil(model: nn.Module, x: Tensor, photo: Image.Image) -> Callable[[], bytes]:
    own = copy.deepcopy(model)
    cam = JacobGil(own, [own.get_submodule(LAST)])
    pixels = np.asarray(photo, np.float32) / 255

    def overlay() -> bytes:
        values = cam(x, [ClassifierOutputTarget(TARGET)])[0]
        return _png(Image.fromarray(show_cam_on_image(pixels, values, use_rgb=True)))

    return overlay


def _png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()
