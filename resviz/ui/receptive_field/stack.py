"""A small stack of windows to play with, and the rows of sizes that any stack gives."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import streamlit as st

from resviz.errors import ResvizError
from resviz.figures.receptive_field import growth, scene
from resviz.ui.base import page, url_state
from resviz.ui.base.i18n import translate as _
from resviz.ui.widgets import clickable

if TYPE_CHECKING:
    from resviz.probes.receptive_field.arithmetic import Step, Window

USUAL = "3,1,1;3,1,1;3,2,1;3,1,1"
DRAWN = 2000  # pixels of a field that are drawn one by one; eight strides could make it a thousand million
MOST = {"kernel": 15, "stride": 4, "dilation": 8}  # of the sliders; an address may say more


def show() -> None:
    """The windows as growing boxes, one of them under the sliders, and how often each pixel counts."""
    from resviz.probes.receptive_field.arithmetic import stack

    windows = parsed(url_state.chosen("stack") or "") or parsed(USUAL)
    at = _under_the_sliders(len(windows))
    steps = stack(windows)
    rungs = [
        scene.Rung(step.name, _short(step.window), step.size, None, _hint(step)) for step in steps
    ]
    clickable.show(scene.ladder(rungs, None, str(at + 1)), "stack", "window")
    left, right = st.columns([1, 1.7], gap="large")
    with left:
        _sliders(windows, at)
    with right:
        _show_shares(windows, steps[-1].size)
    st.caption(
        _(
            "One unit behind these windows sees {size} px; neighbours lie {jump} px apart. The bars count the paths"
            " from it to each pixel: with equal weights that is how much each one moves it. They bunch up in the"
            " middle; gaps are pixels that dilation or stride skip. Click a box to change its window."
        ).format(size=steps[-1].size, jump=steps[-1].jump)
    )
    table(steps)


def _show_shares(windows: "Sequence[Window]", size: int) -> None:
    from resviz.probes.receptive_field.arithmetic import path_shares

    if size > DRAWN:
        st.info(
            _(
                "A field of {size:,} px is too wide for a bar a pixel: take smaller strides, or fewer windows."
            ).format(size=size)
        )
        return
    st.plotly_chart(
        growth.shares(
            path_shares(windows), _("pixel from the middle"), _("share of the paths"), page.dark()
        ),
        config={"displayModeBar": False},
        alt=_("Share of the paths from one unit that ends at each pixel"),
    )


def table(steps: "Sequence[Step]") -> None:
    """Size, jump and start behind each window."""
    st.dataframe(rows(steps), hide_index=True, width="stretch", height="content")


def rows(steps: "Sequence[Step]") -> list[dict[str, Any]]:
    return [
        {
            _("layer"): step.name,
            "k": step.window.kernel,
            "s": step.window.stride,
            "p": step.window.padding,
            "d": step.window.dilation,
            "r": step.size,
            "j": step.jump,
            _("start"): step.start,
        }
        for step in steps
    ]


def parsed(text: str) -> "list[Window]":
    """Windows from `kernel,stride,dilation;...`, at most so many; none where the text is no such thing."""
    from resviz.probes.receptive_field.arithmetic import MAX_WINDOWS, Window

    try:
        told = [
            [int(number) for number in window.split(",")]
            for window in text.split(";")[:MAX_WINDOWS]
        ]
        return [Window(kernel, stride, dilation) for kernel, stride, dilation in told]
    except (ValueError, ResvizError):
        return []


def _under_the_sliders(count: int) -> int:
    """The index of the window that was clicked; the last one unless there is such a window."""
    told = url_state.chosen("window") or ""
    return int(told) - 1 if told in map(str, range(1, count + 1)) else count - 1


def _keep(windows: "Sequence[Window]", at: int) -> None:
    """Remember these windows, the one at this index under the sliders."""
    url_state.choose("stack", ";".join(f"{w.kernel},{w.stride},{w.dilation}" for w in windows))
    url_state.choose("window", at + 1)


def _sliders(windows: "list[Window]", at: int) -> None:
    from resviz.probes.receptive_field.arithmetic import MAX_WINDOWS

    st.markdown(_("**Window {number} of {count}**").format(number=at + 1, count=len(windows)))
    titles = {"kernel": _("Kernel"), "stride": _("Stride"), "dilation": _("Dilation")}
    for name, title in titles.items():
        _slider(windows, at, name, title)
    with st.container(horizontal=True, gap="small"):
        st.button(
            _("Add one behind"),
            on_click=_keep,
            args=([*windows[: at + 1], windows[at], *windows[at + 1 :]], at + 1),
            disabled=len(windows) == MAX_WINDOWS,
        )
        st.button(
            _("Remove"),
            on_click=_keep,
            args=([*windows[:at], *windows[at + 1 :]], max(0, at - 1)),
            disabled=len(windows) == 1,
        )


def _slider(windows: "list[Window]", at: int, name: str, title: str) -> None:
    key, value = f"stack-{name}", getattr(windows[at], name)

    def changed() -> None:
        window = replace(windows[at], **{name: st.session_state[key]})
        _keep([*windows[:at], window, *windows[at + 1 :]], at)

    st.session_state[key] = value
    st.slider(title, 1, max(MOST[name], value), key=key, on_change=changed)


def _short(window: "Window") -> str:
    """3 × 3, what a stride or a dilation adds behind it; lines break between these only."""
    words = [f"{window.kernel} × {window.kernel}"]
    words += [_("stride {stride}").format(stride=window.stride)] if window.stride > 1 else []
    words += (
        [_("dilation {dilation}").format(dilation=window.dilation)] if window.dilation > 1 else []
    )
    return ", ".join(word.replace(" ", "\N{NO-BREAK SPACE}") for word in words)


def _hint(step: "Step") -> str:
    return _("Window {number}, {window}: sees {size} px").format(
        number=step.name, window=_short(step.window), size=step.size
    )
