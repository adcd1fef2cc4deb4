"""How gradients get through a network of each family: over depth, through shortcut and branch."""

from resviz.ui.base import page as layout
from resviz.ui.base.page import _
from resviz.ui.gradient_flow import sections as flow

layout.idea(_("How much gradient reaches each layer, with shortcuts and without: as measured, not as told."))
show = flow.choose_part()

with layout.refusals():
    show()
