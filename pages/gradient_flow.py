"""How gradients get through a network of each family: over depth, through shortcut and branch."""

from resviz.ui import flow, layout
from resviz.ui.layout import _

layout.idea(_("How much gradient reaches each layer, with shortcuts and without: as measured, not as told."))
show = flow.choose_part()

with layout.refusals():
    show()
