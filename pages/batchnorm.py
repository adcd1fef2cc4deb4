"""What BatchNorm stores, how far a batch lies from it, what other statistics would answer, and one step by hand."""

from resviz.ui import batchnorm, controls, layout, norm_by_hand, norm_modes, norm_sizes
from resviz.ui.layout import _

layout.idea(_("What BatchNorm has stored, and how far a batch lies from it."))
controls.sidebar()
subject = controls.subject()

with layout.refusals():
    part = batchnorm.view_picker()
    if part == "hand":
        norm_by_hand.show()
    elif sentence := batchnorm.without(subject.model):
        batchnorm.show_instead(subject.model, sentence)
    else:
        page = batchnorm.choose(subject)
        {"drift": batchnorm.show_drift, "answers": norm_modes.show, "size": norm_sizes.show}[part](page)
