"""How much a batch's mean and variance depend on its size."""

from math import isfinite
from typing import TYPE_CHECKING

import streamlit as st

from resviz.figures.batchnorm import batch_size as figures
from resviz.ui.base import page
from resviz.ui.base.i18n import translate as _
from resviz.ui.base.numbers import significant
from resviz.ui.base.page import escaped
from resviz.ui.batchnorm import batch, channels, results
from resviz.ui.widgets.chart import chart

if TYPE_CHECKING:
    from resviz.probes.batchnorm.batch_size import BatchSizes


def batch_size_section(choice: batch.Page) -> None:
    """The funnel of one channel's estimates beside the typical errors of all channels."""
    layer, channel = channels.layer_and_channel(choice.layers)
    sizes = results.sizes(choice.subject.model, choice.batch, layer.layer)
    funnel, errors = page.wide("sizes").columns(2, gap="large")
    with funnel:
        _funnel(sizes, channel)
    with errors:
        _errors(sizes)


def _funnel(sizes: "BatchSizes", channel: int) -> None:
    st.header(_("One channel's mean, batch by batch"), anchor=False)
    labels = figures.EstimateLabels(
        images=_("images in the batch"),
        mean=_("mean"),
        batch=_("one batch"),
        theory=_("theory: ± s/√n"),
    )
    caption = _(
        "Channel {channel} of {layer}: batches drawn from these {count} images, with replacement."
    )
    alt = _("Means of channel {channel} in batches of 2 to 256 images")
    images = len(sizes.image_means)
    chart(
        figures.estimates(sizes, channel, labels, page.dark()),
        alt=alt.format(channel=channel),
        caption=caption.format(count=images, channel=channel, layer=escaped(sizes.layer)),
        how_to_read=_(
            "A point is the mean of one batch; the dotted line is the mean over all images. s is "
            "the standard deviation of the images' own means."
        ),
    )


def _errors(sizes: "BatchSizes") -> None:
    st.header(_("Typical error, all channels"), anchor=False)
    labels = figures.ErrorLabels(
        images=_("images in the batch"),
        error=_("error, root mean square"),
        mean=_("mean (in std)"),
        mean_theory=_("theory: s/√n"),
        variance=_("variance (relative)"),
        output=_("output (in std)"),
        independent=_("if cells were independent"),
    )
    chart(
        figures.errors(sizes, labels, page.dark()),
        alt=_("Errors of mean, variance and output over the size of the batch"),
        caption=_output_errors(sizes),
        table=sizes.table(),
        name="batch-size",
        how_to_read=_cells(sizes),
    )


def _cells(sizes: "BatchSizes") -> str:
    """How many cells an image is worth, as measured: they may be alike, or make up for others."""
    if not isfinite(sizes.effective_cells):
        return _("All images have the same means: a larger batch changes nothing.")
    text = _(
        "Four times the images, half the error. The {cells:,} cells of an image count like "
        "{effective} independent ones, on average over the channels."
    )
    return text.format(cells=sizes.cells, effective=significant(sizes.effective_cells, 2))


def _output_errors(sizes: "BatchSizes") -> str:
    errors = figures.over_channels(sizes.output_error)
    text = _(
        "A batch of {smallest} moves the output by {first:.0%} of its own standard deviation, one "
        "of {largest} by {last:.1%}."
    )
    return text.format(
        smallest=sizes.sizes[0], largest=sizes.sizes[-1], first=errors[0], last=errors[-1]
    )
