"""What BatchNorm stores, how far a batch lies from it, what other statistics would answer, and how it came about."""

from resviz.ui.base import page
from resviz.ui.base.page import _
from resviz.ui.batchnorm import sections
from resviz.ui.shell import sidebar

page.idea(_("What BatchNorm has stored, and how far a batch lies from it."))
part = sections.choose()
if part in sections.OF_A_MODEL:
    sidebar.sidebar()

with page.refusals():
    sections.show(part)
