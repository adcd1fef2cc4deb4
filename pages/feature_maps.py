"""Every channel of a layer, one of them at large, and in a residual block the three maps x, F(x) and their sum."""

from resviz.ui import channels, controls, layout, pickers
from resviz.ui.layout import _

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
