"""How much a batch's mean and variance depend on its size."""

import streamlit as st

from resviz.figures.batchnorm import batch_size
from resviz.figures.batchnorm.drift import Words
from resviz.ui.base import page as layout
from resviz.ui.base.i18n import translate as _
from resviz.ui.base.page import escaped
from resviz.ui.batchnorm import batch, channels, results


def show(page: batch.Page) -> None:
    """The funnel of one channel's estimates, and typical errors of all channels, over the size of the batch."""
    layer, channel = channels.layer_and_channel(page.layers)
    found = results.sizes(page.subject.model, page.batch, layer.layer)
    funnel, errors = layout.wide("sizes").columns(2, gap="large")
    with funnel:
        st.subheader(_("One channel's mean, batch by batch"), anchor=False)
        words = Words(_("images in the batch"), _("mean"), _("one batch"), _("theory: ± s/√n"))
        st.plotly_chart(
            batch_size.estimates(found, channel, words, layout.dark()),
            config={"displayModeBar": False},
            alt=_("Means of channel {channel} in batches of 2 to 256 images").format(
                channel=channel
            ),
        )
        st.caption(
            _(
                "Batches drawn from these {count} images, with replacement, for channel {channel} of {layer}. "
                "The dotted line is the mean over all of them."
            ).format(count=len(page.batch.titles), channel=channel, layer=escaped(layer.layer))
        )
    with errors:
        st.subheader(_("Typical error, all channels"), anchor=False)
        names = (
            _("mean (deviations)"),
            _("theory: s/√n"),
            _("variance (relative)"),
            _("output (deviations)"),
            _("if cells were independent"),
        )
        st.plotly_chart(
            batch_size.errors(
                found,
                names,
                Words(_("images in the batch"), _("error, root mean square")),
                layout.dark(),
            ),
            config={"displayModeBar": False},
            alt=_("Errors of mean, variance and output over the size of the batch"),
        )
        first, last = (float((found.output_error[i] ** 2).mean() ** 0.5) for i in (0, -1))
        st.caption(
            _(
                "Four times the images, half the error. A batch of 2 moves the output by {first:.0%} of its own "
                "deviation, one of 256 by {last:.1%}. The {cells:,} cells of an image are alike: a batch counts "
                "images, not cells."
            ).format(first=first, last=last, cells=found.cells)
        )
    rows = [
        (
            int(n),
            layer.layer,
            c,
            found.mean_error[i, c],
            found.mean_theory[i, c],
            found.variance_error[i, c],
        )
        for i, n in enumerate(found.sizes)
        for c in range(found.means.shape[2])
    ]
    columns = ("images", "layer", "channel", "mean_error", "mean_theory", "variance_error")
    layout.table_download(_("Download the errors"), "batch-size", columns, rows)
