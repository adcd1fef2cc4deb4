"""The part on shortcut and branch: which of them carries gradient and signal, block by block."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from resviz.figures.gradient_flow import shares as figures
from resviz.figures.gradient_flow.profile import Line
from resviz.ui.base import page
from resviz.ui.base.i18n import translate as _
from resviz.ui.gradient_flow import network_choice, sweep
from resviz.ui.gradient_flow.network_choice import Choice
from resviz.ui.widgets.chart import chart

if TYPE_CHECKING:
    from resviz.probes.gradient_flow.over_seeds import Profile


def shares_section() -> None:
    """Switches, and how much of gradient and signal comes through the shortcut of each block."""
    switches, picture = st.columns([1, 3], gap="medium")
    with switches:
        choice = network_choice.network_switches()
        if "plain" in choice.families:
            st.caption(_("A plain network has no shortcut, so it is not drawn here."))
    with picture, st.container(key="picture"):
        if choice.families == ("plain",):
            st.info(
                _("None of these networks has a shortcut: choose a family besides the plain one.")
            )
            return
        progress, drawing = st.empty(), st.empty()

        def draw(profiles: "Sequence[Profile]", is_final: bool) -> None:
            with drawing.container():
                _draw_shares(choice, profiles, is_final)

        asked = network_choice.sweep_of(choice)
        sweep.run(asked, progress, drawing, draw)
        if sweep.is_stopped(asked):
            sweep.stopped_note(asked)


def _draw_shares(choice: Choice, profiles: "Sequence[Profile]", is_final: bool) -> None:
    from resviz.probes.gradient_flow.over_seeds import share_table

    residual = [profile for profile in profiles if profile.seeds[0].backward.blocks]
    labels = figures.Labels(
        backward=_("Gradient, in the backward pass"),
        forward=_("Signal, in the forward pass"),
        depth=network_choice.depth_title(),
    )
    backward, forward = (
        [_line(choice, direction, profile) for profile in residual]
        for direction in ("backward", "forward")
    )
    chart(
        figures.shares(backward, forward, labels, page.dark()),
        _("Share of gradient and signal that comes through the shortcut of each block"),
        _("The shortcut's share of gradient and signal at each block, median over the seeds."),
        share_table(profiles) if is_final else None,
        name=f"shortcut-shares-{choice.depth}",
        how_to_read=_how_to_read(),
    )


def _how_to_read() -> str:
    return _(
        "In the backward pass, the gradient at a block's input is the sum of what comes through "
        "the shortcut and through the branch; in the forward pass, the block adds both signals. "
        "Each part is projected onto the sum, so that both shares add up to 100%. Where the branch "
        "works against the shortcut, the shortcut's share exceeds 100%."
    )


def _line(choice: Choice, direction: str, profile: "Profile") -> Line:
    first = profile.seeds[0]
    blocks = getattr(first, direction).blocks
    return Line(
        title=choice.title(profile.model),
        style=choice.style(profile.model),
        depth=np.array([first.depth[first.blocks.index(name)] for name in blocks], float),
        values=profile.share_shortcut(direction),
        names=blocks,
    )
