"""A dataset as the batch: the one that the model learned from, where it lies on this machine, or another that does."""

import numpy as np
import streamlit as st

from resviz.data.known import KNOWN
from resviz.ui import cache, layout, own_data, view
from resviz.ui.i18n import translate as _
from resviz.ui.norm_cache import Batch

PICTURES = 24  # of a batch; as many others stand by to measure statistics on
EVERYWHERE = "digits"  # bundled


def choose(model: str) -> str:
    """The picker of those that are here, the model's own first; a sentence where its own is not."""
    mine = own_data.own(model)
    if mine and not own_data.present(mine):
        st.info(
            _("This model learned from {data}, which is not on this machine: the batch is {other}.").format(
                data=layout.escaped(own_data.title(mine)), other=own_data.title(EVERYWHERE)
            )
        )
    names = [name for name in dict.fromkeys([mine or EVERYWHERE, *KNOWN]) if own_data.present(name)]
    if len(names) == 1:
        return names[0]
    return view.pick(st.selectbox, _("Dataset"), names, names[0], "dataset", format_func=own_data.title)


def batches(model: str, name: str) -> tuple[Batch, Batch]:
    """Pictures of the test split as the model receives them, and as many others; raises `DataError`."""
    labels, split = own_data.drawn(cache.model(model), name, 2 * PICTURES)
    pixels, titles = split.images.numpy(), [labels[i] for i in split.targets.tolist()]
    half = (len(titles) + 1) // 2
    parts = slice(0, half), slice(half, None) if len(titles) > 1 else slice(0, 1)
    first, second = (
        Batch(f"{name}-{part.start}", tuple(titles[part]), np.ascontiguousarray(pixels[part])) for part in parts
    )
    return first, second
