"""Photos, and what the probes find in one, computed once for everybody on the server.

Torch is imported inside the functions: a page shows its frame first.
"""

from typing import TYPE_CHECKING

import numpy as np

from resviz.data.images import Picture, decode
from resviz.figures.raster import photo_jpeg
from resviz.progress import Progress
from resviz.ui.base import url_state
from resviz.ui.base.bounded_cache import BoundedCache, cached
from resviz.ui.services import models
from resviz.ui.services.subject import Subject

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

    from resviz.probes.attribution.methods import Attribution, CamGraph
    from resviz.probes.core.prediction import Prediction
    from resviz.probes.feature_maps.activations import Activation, ResidualParts

url_state.depends_on_model("probability")
_attributions: "BoundedCache[Attribution]" = BoundedCache(256)
_jpegs: BoundedCache[bytes] = BoundedCache(64)


@cached(8)
def picture(data: bytes) -> Picture:
    """Decode a photo; raises `ImageError`."""
    return decode(data)


def jpeg(photo: Picture, longest: int = 720) -> bytes:
    """Encode the photo itself, small enough to send: at most `longest` pixels a side."""
    return _jpegs.get((photo.sha256, longest), lambda: photo_jpeg(photo.image, longest))


@cached(256)
def view(subject: Subject) -> "Image":
    """Return the pixels that the model receives, as an RGB picture.

    Scaling down a large photo takes a while.
    """
    return models.model(subject.model).preprocess.view(subject.photo.image)


def tensor(subject: Subject) -> "Tensor":
    """Return the photo as the model receives it, (1, 3, H, W), where the model runs."""
    from resviz.device import best

    preprocess = models.model(subject.model).preprocess
    return preprocess.tensor(view(subject))[None].to(best().type)


def prediction(subject: Subject) -> "Prediction":
    """Predict the classes: the five likeliest, and all probabilities, as the visitor wants them."""
    return _prediction(subject, chosen_activation())


def chosen_activation() -> str | None:
    """What turns scores into probabilities, where the visitor has chosen it."""
    chosen = url_state.chosen("probability")
    return chosen if chosen in ("softmax", "sigmoid") else None


@cached(256)
def _prediction(subject: Subject, activation: str | None) -> "Prediction":
    from resviz.probes.core.prediction import predict

    labels = models.model(subject.model).labels
    with models.borrowed(subject.model) as net:
        return predict(net, tensor(subject), labels, activation=activation)


@cached(256)
def stage_maps(subject: Subject, layers: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Average over the channels of each of these layers' outputs."""
    from resviz.probes.feature_maps.activations import stage_summary

    with models.borrowed(subject.model) as net:
        return stage_summary(net, tensor(subject), list(layers))


@cached(256)
def activation(subject: Subject, layer: str) -> "Activation":
    """Record all channels of one layer."""
    from resviz.probes.feature_maps.activations import activations

    with models.borrowed(subject.model) as net:
        return activations(net, tensor(subject), [layer])[layer]


@cached(128)
def channel_relevance(subject: Subject, layer: str, target: int) -> np.ndarray:
    """Compute gradient times activation of each channel for a class."""
    from resviz.probes.feature_maps.activations import gradient_times_activation

    with models.borrowed(subject.model) as net:
        return gradient_times_activation(net, tensor(subject), layer, target)


@cached(256)
def residual_parts(subject: Subject, block: str) -> "ResidualParts":
    """Record x, F(x) and their sum in one block."""
    from resviz.probes.feature_maps.activations import residual_parts as probe

    with models.borrowed(subject.model) as net:
        return probe(net, tensor(subject), block)


def attribution(
    subject: Subject,
    method: str,
    layer: str | None,
    target: int,
    progress: Progress | None = None,
) -> "Attribution":
    """Compute a map by any method.

    Grad-CAM keeps its graph, so another class is a hundredth of the work.
    """

    def compute() -> "Attribution":
        from resviz.probes.attribution.methods import attribute

        if method == "grad-cam" and layer is not None:
            return _cam_graph(subject, layer).grad_cam(layer, target)
        with models.borrowed(subject.model) as net:
            return attribute(net, tensor(subject), method, target, layer, progress)

    return _attributions.get((subject, method, layer, target), compute)


@cached(8)
def _cam_graph(subject: Subject, layer: str) -> "CamGraph":
    from resviz.probes.attribution.methods import CamGraph

    with models.borrowed(subject.model) as net:
        return CamGraph(net, tensor(subject), [layer])
