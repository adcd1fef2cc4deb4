"""Every channel of a layer, one of them at large, and in a residual block the three maps x, F(x) and their sum."""

from resviz.ui.base import page as layout
from resviz.ui.base.page import _
from resviz.ui.feature_maps import panels as channels
from resviz.ui.shell import sidebar as controls
from resviz.ui.widgets import layer_picker as pickers

layout.idea(_("What one layer makes of the photo, channel by channel."))
controls.sidebar()
subject = controls.subject()

with layout.refusals():
    layer = pickers.layer_picker(subject, channels.first_block(subject))
    page = channels.choose(subject, layer)
    grid, large = layout.wide("maps").columns([1.15, 1], gap="medium")
    with grid:
        channels.show_grid(page)
    with large:
        channels.show_channel(subject, page)
    channels.show_residual(subject, layer, page)
