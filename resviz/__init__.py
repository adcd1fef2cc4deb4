"""resviz: look inside residual networks.

    load(name)
        a network with its labels and preprocessing (`resviz.models.zoo`)
    decode(data)
        an RGB picture from the bytes of a file (`resviz.data.images`)
    predict(model, x, labels)
        the likeliest classes
    layers(model, input_size)
        shapes, parameters and multiply-adds of every module
    blocks(model)
        names of the blocks to look at
    activations(model, x, layers)
        what layers see, with statistics
    residual_parts(model, x, block)
        shortcut, branch and their sum
    gradient_times_activation(model, x, layer, target)
        what each channel contributes to a class
    attribute(model, x, method, target)
        which places are evidence for a class, by any of the methods
    grad_cam(model, x, layer, target)
        Grad-CAM of one layer
    grad_cams(model, x, layers, target)
        Grad-CAM of several layers in one pass
    CamGraph(model, x, layers)
        Grad-CAM of class after class
    receptive_field(model, layers, input_size)
        which pixels the units of layers can see
    effective_receptive_field(model, x, layer)
        which of them really move a unit, and how much
    batchnorm(model, x)
        what BatchNorm stores, and how far a batch lies from it
    batchnorm_modes(model, x)
        the same batch with stored, its own or recalibrated statistics
    batchnorm_by_hand(x, gamma, beta, running_mean, running_variance)
        one step of BatchNorm, number by number
    fuse(model, x)
        a copy with BatchNorm folded into its convolutions
    gradients(model, x, targets)
        how much gradient reaches each layer and block
    lesioned(model, removed)
        a `with` block in which the network does without some of its blocks
    runs()
        every training run on this machine, the youngest first
    read_run(id)
        what one run has recorded: its steps, epochs, norms and checkpoints

`x` is one preprocessed image, (1, channels, height, width), for BatchNorm and `gradients` a batch
of them. Whatever a user can get wrong raises `ResvizError`, in a sentence. Names load on first use:
`import resviz` alone costs nothing.
"""

from importlib import import_module
from os import environ
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from resviz.data.images import decode
    from resviz.errors import ResvizError
    from resviz.models.zoo import load
    from resviz.probes.attribution.grad_cam import CamGraph, grad_cam, grad_cams
    from resviz.probes.attribution.methods import attribute
    from resviz.probes.batchnorm.folding import fuse
    from resviz.probes.batchnorm.modes import batchnorm_modes
    from resviz.probes.batchnorm.statistics import batchnorm
    from resviz.probes.batchnorm.worked_example import batchnorm_by_hand
    from resviz.probes.core.layers import blocks, layers
    from resviz.probes.core.prediction import predict
    from resviz.probes.feature_maps.activations import activations, gradient_times_activation
    from resviz.probes.feature_maps.residual import residual_parts
    from resviz.probes.gradient_flow.lesions import lesioned
    from resviz.probes.gradient_flow.norms import gradients
    from resviz.probes.receptive_field.effective import effective_receptive_field
    from resviz.probes.receptive_field.theoretical import receptive_field
    from resviz.training.runs.reader import read as read_run
    from resviz.training.runs.reader import runs

# torch reads it once: what Apple's GPU lacks, the CPU does
environ.setdefault("PYTORCH_ENABLE_MPS_FALLBACK", "1")

__version__ = "0.1.0"

__all__ = [
    "CamGraph",
    "ResvizError",
    "__version__",
    "activations",
    "attribute",
    "batchnorm",
    "batchnorm_by_hand",
    "batchnorm_modes",
    "blocks",
    "decode",
    "effective_receptive_field",
    "fuse",
    "grad_cam",
    "grad_cams",
    "gradient_times_activation",
    "gradients",
    "layers",
    "lesioned",
    "load",
    "predict",
    "read_run",
    "receptive_field",
    "residual_parts",
    "runs",
]

_HOME = {  # name -> the module that has it
    "CamGraph": "resviz.probes.attribution.grad_cam",
    "ResvizError": "resviz.errors",
    "activations": "resviz.probes.feature_maps.activations",
    "attribute": "resviz.probes.attribution.methods",
    "batchnorm": "resviz.probes.batchnorm.statistics",
    "batchnorm_by_hand": "resviz.probes.batchnorm.worked_example",
    "batchnorm_modes": "resviz.probes.batchnorm.modes",
    "blocks": "resviz.probes.core.layers",
    "decode": "resviz.data.images",
    "effective_receptive_field": "resviz.probes.receptive_field.effective",
    "fuse": "resviz.probes.batchnorm.folding",
    "grad_cam": "resviz.probes.attribution.grad_cam",
    "grad_cams": "resviz.probes.attribution.grad_cam",
    "gradient_times_activation": "resviz.probes.feature_maps.activations",
    "gradients": "resviz.probes.gradient_flow.norms",
    "layers": "resviz.probes.core.layers",
    "lesioned": "resviz.probes.gradient_flow.lesions",
    "load": "resviz.models.zoo",
    "predict": "resviz.probes.core.prediction",
    "read_run": "resviz.training.runs.reader",
    "receptive_field": "resviz.probes.receptive_field.theoretical",
    "residual_parts": "resviz.probes.feature_maps.residual",
    "runs": "resviz.training.runs.reader",
}
_NAME_THERE = {"read_run": "read"}  # where it is another one, because the module says the rest


def __getattr__(name: str) -> Any:
    """The public name, imported when it is first asked for (PEP 562)."""
    if name not in _HOME:
        raise AttributeError(f"module 'resviz' has no attribute {name!r}")
    module = import_module(_HOME[name])
    value = globals()[name] = getattr(module, _NAME_THERE.get(name, name))
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
