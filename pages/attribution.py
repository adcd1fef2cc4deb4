"""Which places of the photo speak for a class, by method, layer and class, two classes side by side."""

from resviz.ui.attribution import panels
from resviz.ui.base import page
from resviz.ui.base.page import _
from resviz.ui.shell import sidebar

page.idea(_("Which places speak for a class, and which for another."))
sidebar.sidebar()
subject = sidebar.subject()

with page.refusals():
    choice = panels.choose(subject)
    found = panels.results(subject, choice)
    scale = panels.common_scale(found, choice.method.signed)
    for place, result, side in zip(choice.places, found, ("a", "b"), strict=True):
        with place:
            panels.show(subject, result, scale, side)
    panels.explain(choice)
