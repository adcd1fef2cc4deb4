"""What BatchNorm stores, how far a batch lies from it, what other statistics would answer, and how it came about."""

from resviz.ui import controls, layout, norm_parts
from resviz.ui.layout import _

layout.idea(_("What BatchNorm has stored, and how far a batch lies from it."))
controls.sidebar()
subject = controls.subject()

with layout.refusals():
    norm_parts.show(norm_parts.choose(), subject)
