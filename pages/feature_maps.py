"""Every channel of a layer, one of them at large, and in a residual block the three maps x, F(x) and their sum."""

from resviz.ui.base import page as layout
from resviz.ui.base.page import _
from resviz.ui.feature_maps import panels
from resviz.ui.shell import sidebar
from resviz.ui.widgets import layer_picker

layout.idea(_("What one layer makes of the photo, channel by channel."))
sidebar.sidebar()
subject = sidebar.subject()

with layout.refusals():
    layer = layer_picker.layer_picker(subject, panels.first_block(subject))
    page = panels.choose(subject, layer)
    grid, large = layout.wide("maps").columns([1.15, 1], gap="medium")
    with grid:
        panels.show_grid(page)
    with large:
        panels.show_channel(subject, page)
    panels.show_residual(subject, layer, page)
