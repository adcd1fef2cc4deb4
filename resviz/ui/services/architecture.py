"""The graph and the outline of a model, traced once for everybody on the server."""

from typing import TYPE_CHECKING

from resviz.ui.base.bounded_cache import cached
from resviz.ui.services import models

if TYPE_CHECKING:
    from resviz.probes.architecture.graph import Graph
    from resviz.probes.architecture.outline import Outline


@cached(32)
def graph(name: str) -> "Graph":
    """Trace what the model executes for an image of its own size."""
    from resviz.probes.architecture.graph import graph as trace

    with models.borrowed(name) as net:
        return trace(net, models.model(name).input_size)


@cached(32)
def outline(name: str) -> "Outline":
    """Cut the model into stem, blocks and head; raises `ProbeError` where it cannot be traced."""
    from resviz.probes.architecture.outline import outline as cut
    from resviz.probes.architecture.outline import residual_blocks

    traced = graph(name)
    with models.borrowed(name) as net:
        return cut(traced, residual_blocks(net, traced))


@cached(64)
def folded(name: str, most: int) -> "Outline":
    """Fold equal blocks until at most so many units are left."""
    from resviz.probes.architecture.folding import fold

    return fold(outline(name), most)
