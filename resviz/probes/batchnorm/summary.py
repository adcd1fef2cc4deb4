"""The numbers of all BatchNorm layers in a table, one row a layer."""

from collections.abc import Sequence
from typing import Any

from resviz.probes.batchnorm.statistics import BatchNormLayer
from resviz.tables import Table


def table(layers: Sequence[BatchNormLayer]) -> Table:
    """Means over the channels of each layer; of distances the root mean square, or the median.

    Without images there are no columns about the batch; a layer that did not run has None there.
    """
    records = [_stored(layer) | _in_the_batch(layer) for layer in layers]
    # Keys in the order in which they first appear: a dictionary keeps it, a set would not.
    columns = tuple(dict.fromkeys(name for record in records for name in record))
    rows = tuple(tuple(record.get(name) for name in columns) for record in records)
    return Table(columns, rows)


def _stored(layer: BatchNormLayer) -> dict[str, Any]:
    return {
        "name": layer.layer,
        "channels": len(layer.gamma),
        "batches": layer.batches,
        "gamma_mean": layer.gamma.mean(),
        "gamma_min": layer.gamma.min(),
        "gamma_max": layer.gamma.max(),
        "beta_mean": layer.beta.mean(),
        "running_mean": layer.running_mean.mean(),
        "running_variance": layer.running_variance.mean(),
        "scale_mean": layer.scale.mean(),
        "switched_off": len(layer.switched_off),
    }


def _in_the_batch(layer: BatchNormLayer) -> dict[str, Any]:
    if layer.batch is None:
        return {}
    return {
        "values_per_channel": layer.batch.values,
        "batch_mean": layer.batch.mean.mean(),
        "batch_variance": layer.batch.variance.mean(),
        "shift_rms": (layer.shift**2).mean() ** 0.5,
        "log_ratio_rms": (layer.log_ratio**2).mean() ** 0.5,
        "drift": layer.drift,
        "dead_channels": len(layer.dead),
        "constant_channels": int(layer.batch.constant.sum()),
    }
