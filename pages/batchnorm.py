"""What BatchNorm stores, how far a batch lies from it, and what other statistics would answer."""

from resviz.ui.base import page
from resviz.ui.base.page import _
from resviz.ui.batchnorm import sections
from resviz.ui.shell import sidebar

page.idea(_("What BatchNorm has stored, and how far a batch lies from it."))
section = sections.pick_section()
if section in sections.OF_A_MODEL:
    sidebar.sidebar()

with page.refusals():
    sections.draw_section(section)
