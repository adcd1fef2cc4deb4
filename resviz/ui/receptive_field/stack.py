"""A small stack of windows to play with, and the rows of sizes that any stack gives."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from resviz.errors import ResvizError
from resviz.figures.receptive_field import growth
from resviz.figures.receptive_field.ladder import Rung, ladder
from resviz.tables import Table
from resviz.ui.base import page, url_state
from resviz.ui.base.i18n import translate as _
from resviz.ui.base.url_values import groups
from resviz.ui.widgets import clickable
from resviz.ui.widgets.chart import chart

if TYPE_CHECKING:
    from resviz.probes.receptive_field.arithmetic import Step, Window

USUAL = "3,1,1;3,1,1;3,2,1;3,1,1"
DRAWN = 2000  # pixels of a field with a bar each; eight strides could make it a thousand million
MOST = {"kernel": 15, "stride": 4, "dilation": 8}  # of the sliders; an address may say more
LARGEST = 9999  # of kernel, stride and dilation in an address


def draw_stack() -> None:
    """The windows as growing boxes, one of them under the sliders, and how often each pixel
    counts.
    """
    from resviz.probes.receptive_field.arithmetic import stack

    windows = parse_windows(url_state.chosen("stack") or "") or parse_windows(USUAL)
    at = _under_the_sliders(len(windows))
    steps = stack(windows)
    rungs = [
        Rung(step.name, _description(step.window), step.size, None, _hint(step)) for step in steps
    ]
    clickable.show(ladder(rungs, None, str(at + 1)), "stack", "window")
    left, right = st.columns([1, 1.7], gap="large")
    with left:
        _draw_controls(windows, at)
    with right:
        _draw_shares(windows, steps[-1].size)
    st.caption(
        _("One unit behind these windows sees {size} px; neighbours lie {jump} px apart.").format(
            size=steps[-1].size, jump=steps[-1].jump
        )
    )
    draw_table(steps)


def _draw_shares(windows: "Sequence[Window]", size: int) -> None:
    """The share of the paths that ends at each pixel."""
    from resviz.probes.receptive_field.arithmetic import path_shares

    if size > DRAWN:
        st.info(
            _(
                "A field of {size:,} px is too wide for a bar a pixel: take smaller strides, or"
                " fewer windows."
            ).format(size=size)
        )
        return
    labels = growth.ShareLabels(_("pixel from the middle"), _("share of the paths"))
    chart(
        growth.shares(path_shares(windows), labels, page.dark()),
        alt=_("Share of the paths from one unit that ends at each pixel"),
        how_to_read=_(
            "The bars count the paths from the unit to each pixel: with equal weights that is how"
            " much each one moves it. They bunch up in the middle; gaps are pixels that dilation or"
            " stride skip. Click a box above to change its window."
        ),
    )


def draw_table(steps: "Sequence[Step]") -> None:
    """Size, jump and start behind each window."""
    st.dataframe(table_of(steps).records(), hide_index=True, width="stretch", height="content")


def table_of(steps: "Sequence[Step]") -> Table:
    """The rows of a stack, with the letters of Araujo et al."""
    columns = (_("layer"), "k", "s", "p", "d", "r", "j", _("start"))
    return Table(columns, tuple(_row(step) for step in steps))


def _row(step: "Step") -> tuple[object, ...]:
    window = step.window
    settings = (window.kernel, window.stride, window.padding, window.dilation)
    return (step.name, *settings, step.size, step.jump, step.start)


# ---- the windows in the address


def parse_windows(text: str) -> "list[Window]":
    """Windows from `kernel,stride,dilation;...`; none where the text is anything else."""
    from resviz.probes.receptive_field.arithmetic import MAX_WINDOWS, Window

    parts = ";".join(text.split(";")[:MAX_WINDOWS])
    numbers = groups(parts, size=3, high=LARGEST, most=MAX_WINDOWS)
    if len(numbers) <= parts.count(";"):
        return []
    try:
        return [Window(kernel, stride, dilation) for kernel, stride, dilation in numbers]
    except ResvizError:
        return []


def _under_the_sliders(count: int) -> int:
    """The index of the window that was clicked; the last one unless there is such a window."""
    clicked = url_state.chosen("window")
    numbers = [str(number) for number in range(1, count + 1)]
    return numbers.index(clicked) if clicked in numbers else count - 1


def _keep_windows(windows: "Sequence[Window]", at: int) -> None:
    """Remember these windows, the one at this index under the sliders."""
    parts = [f"{window.kernel},{window.stride},{window.dilation}" for window in windows]
    url_state.choose("stack", ";".join(parts))
    url_state.choose("window", at + 1)


# ---- the controls


def _draw_controls(windows: "list[Window]", at: int) -> None:
    """The sliders of one window, and buttons that add and remove one."""
    st.markdown(_("**Window {number} of {count}**").format(number=at + 1, count=len(windows)))
    titles = {"kernel": _("Kernel"), "stride": _("Stride"), "dilation": _("Dilation")}
    for name, title in titles.items():
        _draw_slider(windows, at, name, title)
    with st.container(horizontal=True, gap="small"):
        _draw_buttons(windows, at)


def _draw_buttons(windows: "list[Window]", at: int) -> None:
    from resviz.probes.receptive_field.arithmetic import MAX_WINDOWS

    before, behind = windows[:at], windows[at + 1 :]
    st.button(
        _("Add one behind"),
        on_click=_keep_windows,
        args=([*before, windows[at], windows[at], *behind], at + 1),
        disabled=len(windows) == MAX_WINDOWS,
    )
    st.button(
        _("Remove"),
        on_click=_keep_windows,
        args=([*before, *behind], max(0, at - 1)),
        disabled=len(windows) == 1,
    )


def _draw_slider(windows: "list[Window]", at: int, name: str, title: str) -> None:
    key, value = f"stack-{name}", getattr(windows[at], name)
    st.session_state[key] = value
    on_change = _changed(windows, at, name, key)
    st.slider(title, 1, max(MOST[name], value), key=key, on_change=on_change)


def _changed(windows: "list[Window]", at: int, name: str, key: str) -> Callable[[], None]:
    """What a slider does."""

    def keep() -> None:
        window = replace(windows[at], **{name: st.session_state[key]})
        _keep_windows([*windows[:at], window, *windows[at + 1 :]], at)

    return keep


def _description(window: "Window") -> str:
    """The window in a few words; lines break between its parts only."""
    parts = [f"{window.kernel} × {window.kernel}"]
    if window.stride > 1:
        parts.append(_("stride {stride}").format(stride=window.stride))
    if window.dilation > 1:
        parts.append(_("dilation {dilation}").format(dilation=window.dilation))
    return ", ".join(part.replace(" ", "\N{NO-BREAK SPACE}") for part in parts)


def _hint(step: "Step") -> str:
    return _("Window {number}, {window}: sees {size} px").format(
        number=step.name, window=_description(step.window), size=step.size
    )
