"""The sections below the picture, one of which is open; the others cost nothing."""

from collections.abc import Callable

from resviz.ui.base.i18n import translate as _
from resviz.ui.receptive_field import arithmetic, depth, image_fit, stack
from resviz.ui.services.subject import Subject
from resviz.ui.widgets.segmented import segmented

SECTIONS: dict[str, Callable[[Subject, str], None]] = {
    "depth": lambda subject, _layer: depth.draw_depth(subject),
    "arithmetic": arithmetic.draw_arithmetic,
    "fit": lambda subject, _layer: image_fit.draw_fit(subject),
    "stack": lambda _subject, _layer: stack.draw_stack(),
}


def draw_section(subject: Subject, layer: str) -> None:
    """Draw the choice of sections, and the one that is chosen."""
    titles = {
        "depth": _("Over depth"),
        "arithmetic": _("The arithmetic"),
        "fit": _("Does the image fit?"),
        "stack": _("What if: a small stack"),
    }
    section = segmented(_("More"), titles, "depth", "more", show_label=False)
    SECTIONS[section](subject, layer)
