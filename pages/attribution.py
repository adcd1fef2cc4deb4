"""Which places of the photo speak for a class, by method, layer and class, two classes side by side."""

from resviz.ui.attribution import panels as attribution
from resviz.ui.base import page as layout
from resviz.ui.base.page import _
from resviz.ui.shell import sidebar as controls

layout.idea(_("Which places speak for a class, and which for another."))
controls.sidebar()
subject = controls.subject()

with layout.refusals():
    choice = attribution.choose(subject)
    found = attribution.results(subject, choice)
    scale = attribution.common_scale(found, choice.method.signed)
    for place, result, side in zip(choice.places, found, ("a", "b"), strict=True):
        with place:
            attribution.show(subject, result, scale, side)
    attribution.explain(choice)
