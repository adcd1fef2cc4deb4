"""The page on gradient flow: the profile over depth, and the two ways through a block."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from resviz.figures.gradient_flow import profile as figures
from resviz.ui.base import page, url_state
from resviz.ui.base.i18n import translate as _
from resviz.ui.base.numbers import times
from resviz.ui.gradient_flow import network_choice, sweep
from resviz.ui.gradient_flow.network_choice import Choice

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from resviz.probes.gradient_flow.over_seeds import Profile

QUANTITIES = ("weight_gradient", "relative", "block_gradient", "deviation")


def show_profile() -> None:
    """The first picture: a quantity over depth, and in words what first against last means."""
    network_choice.stories()
    switches, picture = st.columns([1, 3], gap="medium")
    with switches:
        choice = network_choice.choose()
    with picture, st.container(key="picture"):
        quantity = url_state.pick(
            st.segmented_control,
            _("What is measured"),
            QUANTITIES,
            network_choice.USUAL["quantity"],
            "quantity",
            required=True,
            format_func=_quantity_title,
            wrap=True,
        )
        chart, says, progress = st.empty(), st.empty(), st.empty()
        below = st.container()

    def draw(profiles: "Sequence[Profile]") -> None:
        sentences = [_sentence(choice, quantity, profile) for profile in profiles]
        lines = [_line(choice, quantity, profile) for profile in profiles]
        figure = figures.profile(lines, _axis(quantity), _across(), page.dark())
        alt = " ".join(sentences) or _("Nothing is measured yet")
        chart.plotly_chart(figure, config={"displayModeBar": False}, alt=alt)
        says.markdown("  \n".join([*sentences, *_notes(profiles)]))

    measured = _measure(choice, progress, draw)
    with below:
        st.caption(_explanation(quantity))
        _download(f"gradient-flow-{quantity}-{choice.depth}", quantity, measured)


def show_shares() -> None:
    """How much of gradient and signal comes through the shortcut of each block."""
    switches, picture = st.columns([1, 3], gap="medium")
    with switches:
        choice = network_choice.choose()
        if "plain" in choice.families:
            st.caption(_("A plain network has no shortcut: nothing is drawn of it here."))
    with picture, st.container(key="picture"):
        chart, progress = st.empty(), st.empty()
        below = st.container()

    def draw(profiles: "Sequence[Profile]") -> None:
        residual = [profile for profile in profiles if profile.seeds[0].backward.blocks]
        if profiles and not residual:
            chart.info(
                _("None of these networks has a shortcut: choose a family besides the plain one.")
            )
            return
        figure = figures.shares(
            [
                (
                    _("Gradient, on the way back"),
                    [_share_line(choice, "backward", profile) for profile in residual],
                ),
                (
                    _("Signal, on the way forth"),
                    [_share_line(choice, "forward", profile) for profile in residual],
                ),
            ],
            _across(),
            page.dark(),
        )
        alt = _("Share of gradient and signal that comes through the shortcut of each block")
        chart.plotly_chart(figure, config={"displayModeBar": False}, alt=alt)

    measured = _measure(choice, progress, draw)
    with below:
        st.caption(
            _(
                "On the way back the gradient of a block's input is the sum of what comes through the shortcut and "
                "through the branch; on the way forth the block adds up both signals. Drawn is the shortcut's share of "
                "that sum, the rest is the branch's: both are projected onto the sum, so they add up to 100%, and "
                "where one works against the other it exceeds that. Median over the seeds."
            )
        )
        _download_shares(choice, measured)


def _measure(choice: Choice, place: "DeltaGenerator", draw: sweep.Draw) -> "Sequence[Profile]":
    """Measure and draw, again and again as seeds come in; returns what was drawn last."""
    from resviz.probes.gradient_flow.over_seeds import Batch

    last: list[Profile] = []

    def keep(profiles: "Sequence[Profile]") -> None:
        last[:] = profiles
        draw(profiles)

    sweep.run(
        sweep.Sweep(tuple(choice.models.values()), choice.seeds, Batch(source=choice.images)),
        place,
        keep,
    )
    return last


def _line(choice: Choice, quantity: str, profile: "Profile") -> figures.Line:
    values, places = profile.values(quantity), profile.places(quantity)
    return figures.Line(
        choice.title(profile.model),
        choice.style(profile.model),
        profile.depth(quantity),
        values,
        places,
    )


def _share_line(choice: Choice, way: str, profile: "Profile") -> figures.Line:
    first = profile.seeds[0]
    names = first.backward.blocks
    depth = np.array([first.depth[first.blocks.index(name)] for name in names], float)
    values = profile.share_shortcut(way)
    return figures.Line(
        choice.title(profile.model), choice.style(profile.model), depth, values, names
    )


def _quantity_title(quantity: str) -> str:
    return {
        "weight_gradient": _("Weights"),
        "relative": _("Relative to the weights"),
        "block_gradient": _("Blocks"),
        "deviation": _("Signal"),
    }[quantity]


def _axis(quantity: str) -> str:
    return {
        "weight_gradient": _("‖∂L/∂W‖₂ of the layer"),
        "relative": _("‖∂L/∂W‖₂ / ‖W‖₂ of the layer"),
        "block_gradient": _("‖∂L/∂x‖₂ at the block's output"),
        "deviation": _("standard deviation of the block's output"),
    }[quantity]


def _across() -> str:
    return _("weighted layers passed, from the input")


def _sentence(choice: Choice, quantity: str, profile: "Profile") -> str:
    """First against last in words, and what that is called."""
    from resviz.probes.gradient_flow.over_seeds import verdict

    forth = quantity == "deviation"
    ratio = profile.ratio(quantity)
    if forth:
        ratio = 1 / ratio if ratio else float("inf")
    subject = {
        "weight_gradient": _("the first layer's gradient is {times} the last convolution's"),
        "relative": _(
            "the first layer's gradient, relative to its weights, is {times} the last convolution's"
        ),
        "block_gradient": _("the gradient at the first block is {times} that at the last"),
        "deviation": _("the last block's output varies {times} as much as the first's"),
    }[quantity]
    towards = _("towards the output") if forth else _("towards the input")
    ends = {
        "explodes": _("it **explodes** {towards}."),
        "grows": _("it **grows** {towards}."),
        "level": _("it **stays level**."),
        "shrinks": _("it **shrinks** {towards}."),
        "vanishes": _("it **vanishes** {towards}."),
        "undefined": "",
    }[verdict(ratio)]
    title = f":{choice.style(profile.model).word}[**{choice.title(profile.model)}**]"
    if not ends:
        return f"{title}: {_('nothing at the first and last place: weights that start at zero keep it from them.')}"
    return f"{title}: {subject.format(times=times(ratio))}: {ends.format(towards=towards)}"


def _notes(profiles: "Sequence[Profile]") -> list[str]:
    doubled = any("float64" in profile.precisions for profile in profiles)
    return [_("Computed in float64 where float32 cannot hold the numbers.")] if doubled else []


def _explanation(quantity: str) -> str:
    reads = (
        _("Each point is a block: how strongly its output varies over the batch.")
        if quantity == "deviation"
        else _("Each point is a layer or block: how much gradient reaches it in one training step.")
    )
    rules = _(
        "Level means within a factor of 10 from first to last, explodes or vanishes means beyond 1000. Line: mean "
        "over the seeds; band: smallest to largest. Untrained networks in training mode, random targets, 32 images "
        "of 32 pixels; a seed draws weights and batch, the same for each family."
    )
    last = (
        _("The last point is the classifier.")
        if quantity in ("weight_gradient", "relative")
        else ""
    )
    return " ".join(filter(None, (reads, last, rules)))


def _download(name: str, quantity: str, profiles: "Sequence[Profile]") -> None:
    rows = [
        (p.model, place, float(depth), float(mean), float(std))
        for p in profiles
        for place, depth, mean, std in zip(
            p.places(quantity), p.depth(quantity), p.mean(quantity), p.std(quantity), strict=True
        )
    ]
    columns = ("model", "place", "depth", "mean", "deviation")
    page.table_download(_("Download the numbers"), name, columns, rows)


def _download_shares(choice: Choice, profiles: "Sequence[Profile]") -> None:
    rows = [
        (p.model, block, float(back), float(forth))
        for p in profiles
        for block, back, forth in zip(
            p.seeds[0].backward.blocks,
            np.median(p.share_shortcut("backward"), 0),
            np.median(p.share_shortcut("forward"), 0),
            strict=True,
        )
    ]
    columns = ("model", "block", "gradient through shortcut", "signal through shortcut")
    page.table_download(_("Download the shares"), f"shortcut-shares-{choice.depth}", columns, rows)
