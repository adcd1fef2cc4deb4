"""Which places of the photo are evidence for a class, and for another beside it."""

from resviz.ui.attribution import panels
from resviz.ui.base import page
from resviz.ui.base.page import _
from resviz.ui.shell import sidebar

page.idea(_("Which places are evidence for a class, and which are evidence for another."))
sidebar.sidebar()
subject = sidebar.subject()

with page.refusals():
    choice = panels.method_layer_and_classes(subject)
    results = panels.maps_of_both_classes(subject, choice)
    scale = panels.common_scale(results, choice.method.signed)
    for place, result, side in zip(choice.places, results, ("a", "b"), strict=True):
        with place:
            panels.evidence_for_a_class(subject, result, scale, side)
    panels.how_to_read(choice)
