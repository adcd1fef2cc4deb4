"""What BatchNorm makes of a batch of pictures, computed once for everybody."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from resviz.ui.base.bounded_cache import BoundedCache, cached
from resviz.ui.services import models
from resviz.ui.services.image_batches import Batch, tensor

if TYPE_CHECKING:
    from resviz.probes.batchnorm.batch_size import BatchSizes
    from resviz.probes.batchnorm.channels import ChannelValues
    from resviz.probes.batchnorm.folding import Folding
    from resviz.probes.batchnorm.layers import Affine
    from resviz.probes.batchnorm.modes import Mode
    from resviz.probes.batchnorm.statistics import BatchNormLayer

_modes: "BoundedCache[tuple[Mode, ...]]" = BoundedCache(32)


@cached(32)
def layers(model: str, batch: Batch) -> "tuple[BatchNormLayer, ...]":
    """Every BatchNorm layer with this batch."""
    from resviz.probes.batchnorm.statistics import batchnorm

    with models.borrowed(model) as net:
        return batchnorm(net, tensor(model, batch))


@cached(64)
def channel(model: str, batch: Batch, layer: str, number: int) -> "ChannelValues":
    """One channel's histograms."""
    from resviz.probes.batchnorm.channels import channel_values

    with models.borrowed(model) as net:
        return channel_values(net, tensor(model, batch), layer, number)


@cached(16)
def sizes(model: str, batch: Batch, layer: str) -> "BatchSizes":
    """Batches of many sizes drawn from this one."""
    from resviz.probes.batchnorm.batch_size import batch_size

    with models.borrowed(model) as net:
        return batch_size(net, tensor(model, batch), layer)


@cached(16)
def folded(model: str, batch: Batch) -> "Folding":
    """What each layer folds into, checked on this batch."""
    from resviz.probes.batchnorm.folding import folding

    with models.borrowed(model) as net:
        return folding(net, tensor(model, batch))


@cached(16)
def spreads(model: str, batch: Batch) -> dict[str, float]:
    """How far the outputs of each convolution scatter for this batch."""
    from resviz.probes.batchnorm.no_norm import spreads as probe

    with models.borrowed(model) as net:
        return probe(net, tensor(model, batch))


@cached(16)
def affine(model: str) -> "tuple[Affine, ...]":
    """Scales and biases of a network without BatchNorm."""
    from resviz.probes.batchnorm.layers import affine_layers

    return affine_layers(models.model(model).model)


def modes(
    model: str, shown: Batch, calibration: Batch, progress: Callable[[float], None]
) -> "tuple[Mode, ...]":
    """The batch with stored, own and recalibrated statistics, the last from `calibration`."""

    def compute() -> "tuple[Mode, ...]":
        from resviz.probes.batchnorm.modes import batchnorm_modes
        from resviz.probes.batchnorm.recalibration import recalibrate

        with models.borrowed(model) as net:
            progress(0.1)
            statistics = recalibrate(net, [tensor(model, calibration)])
            progress(0.4)
            return batchnorm_modes(net, tensor(model, shown), statistics)

    return _modes.get((model, shown, calibration), compute)
