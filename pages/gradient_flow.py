"""How gradients get through a network of each family: over depth, through shortcut and branch."""

from resviz.ui.base import page
from resviz.ui.base.page import _
from resviz.ui.gradient_flow.sections import chosen_section

page.idea(_("How much gradient reaches each layer, with shortcuts and without."))
section = chosen_section()

with page.refusals():
    section()
