"""The parts of the page on gradient flow, one at a time: only the chosen one computes."""

from collections.abc import Callable

from resviz.ui.base.i18n import translate as _
from resviz.ui.gradient_flow.lesions import remove_blocks_section
from resviz.ui.gradient_flow.profile import profile_section
from resviz.ui.gradient_flow.shares import shares_section
from resviz.ui.gradient_flow.shattering import shattering_section
from resviz.ui.gradient_flow.through_training import through_training_section
from resviz.ui.widgets.segmented import segmented

SECTIONS: dict[str, Callable[[], None]] = {
    "profile": profile_section,
    "training": through_training_section,
    "shares": shares_section,
    "lesions": remove_blocks_section,
    "shattered": shattering_section,
}


def chosen_section() -> Callable[[], None]:
    """The function that draws the chosen part."""
    titles = {
        "profile": _("Over depth"),
        "training": _("Through training"),
        "shares": _("Shortcut and branch"),
        "lesions": _("Remove blocks"),
        "shattered": _("Shattered gradients"),
    }
    return SECTIONS[segmented(_("Part"), titles, "profile", "part", show_label=False)]
