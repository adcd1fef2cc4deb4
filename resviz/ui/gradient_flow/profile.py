"""The part over depth: a quantity at each layer, and in words what first against last means."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from resviz.figures.gradient_flow import profile as figures
from resviz.ui.base import page
from resviz.ui.base.i18n import translate as _
from resviz.ui.gradient_flow import network_choice, sweep
from resviz.ui.gradient_flow.network_choice import Choice
from resviz.ui.gradient_flow.sentences import BY_LAYER, findings, precision_note
from resviz.ui.widgets.chart import chart
from resviz.ui.widgets.segmented import segmented

if TYPE_CHECKING:
    from resviz.probes.gradient_flow.over_seeds import Profile


def profile_section() -> None:
    """Stories, switches, and the picture of one quantity over depth."""
    network_choice.story_buttons()
    switches, picture = st.columns([1, 3], gap="medium")
    with switches:
        choice = network_choice.network_switches()
    with picture, st.container(key="picture"):
        usual = network_choice.USUAL["quantity"]
        quantity = segmented(_("What is measured"), _quantity_titles(), usual, "quantity")
        # the sentences come where the progress was: the chart stays in its place
        sentences, drawing = st.empty(), st.empty()

        def draw(profiles: "Sequence[Profile]", is_final: bool) -> None:
            with drawing.container():
                _draw_profile(choice, quantity, profiles, is_final)

        asked = network_choice.sweep_of(choice)
        profiles = sweep.run(asked, sentences, drawing, draw)
        with sentences.container():
            _write_findings(choice, quantity, profiles)
            if sweep.is_stopped(asked):
                sweep.stopped_note(asked)


def _draw_profile(
    choice: Choice, quantity: str, profiles: "Sequence[Profile]", is_final: bool
) -> None:
    from resviz.probes.gradient_flow.over_seeds import norm_table

    lines = [_line(choice, quantity, profile) for profile in profiles]
    labels = figures.Labels(quantity=_axis(quantity), depth=network_choice.depth_title())
    alt = [findings(each, quantity, choice.title(each.model)) for each in profiles]
    chart(
        figures.profile(lines, labels, page.dark()),
        " ".join(alt).replace("**", ""),
        _caption(quantity),
        norm_table(profiles, quantity) if is_final else None,
        name=f"gradient-flow-{quantity}-{choice.depth}",
        how_to_read=" ".join(filter(None, (_how_to_read(quantity), precision_note(profiles)))),
    )


def _write_findings(choice: Choice, quantity: str, profiles: "Sequence[Profile]") -> None:
    lines = []
    for profile in profiles:
        name = f":{choice.style(profile.model).word}[**{choice.title(profile.model)}**]"
        lines.append(findings(profile, quantity, name))
    st.markdown("  \n".join(lines))


def _line(choice: Choice, quantity: str, profile: "Profile") -> figures.Line:
    return figures.Line(
        title=choice.title(profile.model),
        style=choice.style(profile.model),
        depth=profile.depth(quantity),
        values=profile.values(quantity),
        names=profile.places(quantity),
    )


def _quantity_titles() -> dict[str, str]:
    return {
        "weight_gradient": _("Weights"),
        "relative": _("Relative to the weights"),
        "block_gradient": _("Blocks"),
        "deviation": _("Signal"),
    }


def _axis(quantity: str) -> str:
    return {
        "weight_gradient": _("‖∂L/∂W‖₂ of the layer"),
        "relative": _("‖∂L/∂W‖₂ / ‖W‖₂ of the layer"),
        "block_gradient": _("‖∂L/∂x‖₂ at the block's output"),
        "deviation": _("standard deviation of the block's output"),
    }[quantity]


def _caption(quantity: str) -> str:
    if quantity == "deviation":
        return _("Each point is a block: how much its output varies over the batch.")
    if quantity in BY_LAYER:
        return _("Each point is a layer: how much gradient reaches it in one training step.")
    return _("Each point is a block: how much gradient reaches its output in one training step.")


def _how_to_read(quantity: str) -> str:
    rules = _(
        "Level means within a factor of 10 from first to last; beyond 1000 it explodes or vanishes:"
        " a gradient towards the input, a signal towards the output. The line is the mean over the"
        " seeds, the band reaches from the smallest to the largest. The networks are untrained and"
        " in training mode; targets are random, and 32 images have 32 × 32 pixels. A seed draws"
        " weights and batch, the same for each family."
    )
    last = _("The last point is the classifier, which is not compared.")
    return f"{rules} {last}" if quantity in BY_LAYER else rules
