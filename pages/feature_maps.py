"""Every channel of a layer, one of them at large, and in a residual block x + F(x) as maps."""

from resviz.ui.base import page
from resviz.ui.base.page import _
from resviz.ui.feature_maps.one_channel import one_channel
from resviz.ui.feature_maps.panels import first_block, grid_of_channels, page_of_channels
from resviz.ui.feature_maps.residual_sum import sum_inside_the_block
from resviz.ui.shell import sidebar
from resviz.ui.widgets.layer_picker import layer_picker

page.idea(_("What one layer makes of the photo, channel by channel."))
sidebar.sidebar()
subject = sidebar.subject()

with page.refusals():
    layer = layer_picker(subject, first_block(subject))
    channel_page = page_of_channels(subject, layer)
    grid, large = page.wide("maps").columns([1.15, 1], gap="medium")
    with grid:
        grid_of_channels(channel_page)
    with large:
        one_channel(subject, channel_page.activation, channel_page.chosen)
    sum_inside_the_block(subject, channel_page)
