"""The parts of the page on gradient flow, one at a time: only the chosen one computes."""

from collections.abc import Callable

import streamlit as st

from resviz.ui.base import url_state
from resviz.ui.base.i18n import translate as _
from resviz.ui.gradient_flow import lesions, profile, shattering, through_training


def choose_part() -> Callable[[], None]:
    """The function that shows the chosen part."""
    parts = {
        "profile": (_("Over depth"), profile.show_profile),
        "training": (_("Through training"), through_training.show),
        "shares": (_("Shortcut and branch"), profile.show_shares),
        "lesions": (_("Lesions"), lesions.show),
        "shattered": (_("Shattered gradients"), shattering.show),
    }
    chosen = url_state.pick(
        st.segmented_control,
        _("Part"),
        list(parts),
        "profile",
        "part",
        required=True,
        format_func=lambda part: parts[part][0],
        label_visibility="collapsed",
        wrap=True,
    )
    return parts[chosen][1]
