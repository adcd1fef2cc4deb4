"""What BatchNorm stores, how far a batch lies from it, what other statistics would answer, and how it came about."""

from resviz.ui.base import page as layout
from resviz.ui.base.page import _
from resviz.ui.batchnorm import sections as norm_parts
from resviz.ui.shell import sidebar as controls

layout.idea(_("What BatchNorm has stored, and how far a batch lies from it."))
part = norm_parts.choose()
if part in norm_parts.OF_A_MODEL:
    controls.sidebar()

with layout.refusals():
    norm_parts.show(part)
