"""A residual network and its plain twin, both trained on the digits, with the same blocks out of both."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from PIL import Image

from resviz.figures import families, raster
from resviz.figures import html as boards
from resviz.figures.gradient_flow import lesions
from resviz.ui.base import page, url_state
from resviz.ui.base.i18n import translate as _
from resviz.ui.services import models
from resviz.ui.widgets import clickable, paper_card

if TYPE_CHECKING:
    from torch import Tensor

    from resviz.data.datasets import Split
    from resviz.probes.gradient_flow.lesions import Answers, Lesions

NAMES = {"residual": "bundled/resnet20-digits", "plain": "bundled/plain20-digits"}
MOST = 60  # blocks, of which any two of a stage are a line of the list
Swap = tuple[str, str] | None


def show() -> None:
    """Both networks drawn, what they still know, digits with both answers, and each block alone."""
    off, swap = _choose()
    whole = {family: _answers(name, (), None) for family, name in NAMES.items()}
    left = {family: _answers(name, off, swap) for family, name in NAMES.items()}
    knowing, alone = page.wide("pair-below").columns([1, 1.35], gap="large")
    with knowing:
        _show_hits(whole, left)
        _show_digits(left)
    with alone:
        _show_each()
    rows = [
        (
            family,
            whole[family].accuracy,
            left[family].accuracy,
            whole[family].loss,
            left[family].loss,
        )
        for family in NAMES
    ]
    columns = ("network", "accuracy before", "accuracy after", "loss before", "loss after")
    page.table_download(_("Download what they still know"), "lesions-pair", columns, rows)
    paper_card.paper_cards("lesions")


def titles() -> dict[str, str]:
    """What the two networks are called."""
    return {"residual": _("Residual-20"), "plain": _("Plain-20")}


def _choose() -> tuple[tuple[str, ...], Swap]:
    """The networks as switchboards, which work on both, and two blocks to swap."""
    can = {family: _removable(name) for family, name in NAMES.items()}
    chosen = (url_state.chosen("out") or "").split(",")
    off = [name for name in can["residual"] if name in chosen]
    drawn = st.container()
    words, swapping, reset = st.columns([2.6, 1.2, 1], gap="medium", vertical_alignment="bottom")
    with swapping:
        swap = choose_swap(NAMES["plain"])
    with drawn:
        _draw(can, off, swap)
    counts = {family: sum(can[family][name] for name in off) for family in NAMES}
    words.caption(
        _(
            "Click a block to take it out of both networks: the residual one keeps its shortcut, the plain one loses "
            "the layers. Pale blocks of the plain network change the shape, it cannot do without them. Out: {residual} "
            "of the residual network, {plain} of the plain one."
        ).format(**counts)
    )
    reset.button(
        _("Put all back"), on_click=_reset, disabled=not off and swap is None, width="stretch"
    )
    return tuple(off), swap


def _draw(can: dict[str, dict[str, bool]], off: list[str], swap: Swap) -> None:
    """Both networks; a block that is clicked goes or comes back in both."""
    for family, drawing in zip(NAMES, page.wide("pair").columns(2, gap="large"), strict=True):
        with drawing:
            look = families.style(family, ())
            st.markdown(f":{look.word}[**{titles()[family]}**]")
            html = switchboard(can[family], off, look.colour, swap, titles()[family])
            picked = clickable.show(html, f"pair-{family}")
            if picked in can["residual"]:
                now = [name for name in can["residual"] if (name in off) != (name == picked)]
                url_state.choose("out", ",".join(now))
                st.rerun()


def _reset() -> None:
    url_state.forget("out", "swap")


def choose_swap(model: str) -> Swap:
    """Two blocks of a model that stand in each other's place, or none; of very many blocks none are offered."""
    if len(_removable(model)) > MOST:
        return None
    pairs = {f"{a},{b}": (a, b) for a, b in _swappable(model)}
    picked = url_state.pick(
        st.selectbox,
        _("Swap two blocks"),
        ["", *pairs],
        "",
        "swap",
        format_func=lambda pair: (
            " ⇄ ".join(_short(name) for name in pair.split(",")) if pair else _("none")
        ),
    )
    return pairs.get(picked)


def switchboard(
    can: dict[str, bool], off: list[str], colour: str = "", swap: Swap = None, network: str = ""
) -> str:
    """A network's blocks, and whether each can be taken out, to be switched by a click; two swapped stand so."""
    stages: dict[str, list[boards.Cell]] = {}
    moved = {} if swap is None else dict(zip(swap, reversed(swap), strict=True))
    for name, able in can.items():
        stage = name.rpartition(".")[0]
        number = moved.get(name, name).rpartition(".")[2] + (" ⇄" if name in moved else "")
        hint = (
            _("{block}: click to take it out or put it back")
            if able
            else _("{block} cannot be taken out")
        )
        hint = f"{network} {hint}".strip().format(block=name)
        stages.setdefault(stage, []).append(boards.Cell(name, number, hint))
    fixed = [name for name, able in can.items() if not able]
    return lesions.switchboard(list(stages.items()), off, fixed, colour)


def _short(name: str) -> str:
    return name.removeprefix("layer")


def _show_hits(whole: "dict[str, Answers]", left: "dict[str, Answers]") -> None:
    rows = [
        (
            titles()[family],
            whole[family].accuracy,
            left[family].accuracy,
            families.style(family, ()).colour,
        )
        for family in NAMES
    ]
    clickable.show(
        lesions.changes(rows, _("whole"), _("what is left, on 360 test images")), "pair-hits"
    )
    st.caption(
        _(
            "Both networks are bundled, have as many weights and make no mistake on their training images. By chance "
            "a tenth would be right."
        )
    )


def _show_digits(left: "dict[str, Answers]") -> None:
    """One test image of each class with both answers."""
    images, targets = _digits().images.numpy(), _digits().targets.numpy()
    tiles = [
        lesions.Answered(
            raster.data_uri(raster.photo_png(Image.fromarray(images[i].transpose(1, 2, 0)))),
            str(targets[i]),
            {titles()[family]: str(left[family].classes[i]) for family in NAMES},
        )
        for i in (int(np.argmax(targets == digit)) for digit in range(10))
    ]
    colours = [families.style(family, ()).colour for family in NAMES]
    alt = _("Test image of the digit {digit}")
    clickable.show(lesions.answered(tiles, colours, alt), "pair-digits")
    st.caption(
        _(
            "A test image of each digit, and what both networks call it now: filled is right, hollow is wrong."
        )
    )


def _show_each() -> None:
    found = {family: _each(name) for family, name in NAMES.items()}
    bars = [
        lesions.Bars(
            titles()[family],
            families.style(family, ()).colour,
            [_short(name) for name in found[family].blocks],
            found[family].accuracy,
            found[family].whole_accuracy,
        )
        for family in NAMES
    ]
    axes = (_("the one block that is out (stage.number)"), _("share of right answers"))
    figure = lesions.one_by_one(bars, axes, page.dark(), chance=0.1)
    alt = _("Share of right answers without each block in turn, for both networks")
    st.plotly_chart(figure, config={"displayModeBar": False}, alt=alt)
    residual, plain = found["residual"], found["plain"]
    st.caption(
        _(
            "Each block out alone. The residual network keeps {residual:.0%} in the median, the plain one {plain:.0%}; "
            "the dotted line is chance, the dashed ones are the whole networks. The plain one cannot do without 2.0 "
            "and 3.0, so they have no bar."
        ).format(
            residual=float(np.median(residual.accuracy)), plain=float(np.median(plain.accuracy))
        )
    )
    records = {family: each.table() for family, each in found.items()}
    rows = [(family, *row) for family, table in records.items() for row in table.rows]
    columns = ("network", *records["plain"].columns)
    page.table_download(_("Download each block alone"), "each-block", columns, rows)


@st.cache_data(show_spinner=False)
def _removable(name: str) -> dict[str, bool]:
    from resviz.probes.gradient_flow.lesions import removable

    return removable(models.model(name).model)


@st.cache_data(show_spinner=False)
def _swappable(name: str) -> tuple[tuple[str, str], ...]:
    from resviz.probes.gradient_flow.lesions import swappable

    return swappable(models.model(name).model)


@st.cache_data(max_entries=4096, show_spinner=False)
def _answers(name: str, off: tuple[str, ...], swap: Swap) -> "Answers":
    """On the test images of the digits; a block that cannot go stays."""
    from resviz.probes.gradient_flow.lesions import answers

    can = _removable(name)
    with models.borrowed(name) as net:
        return answers(net, *_batch(name), [block for block in off if can[block]], swap)


@st.cache_data(show_spinner=False)
def _each(name: str) -> "Lesions":
    from resviz.probes.gradient_flow.lesions import each_block

    with models.borrowed(name) as net:
        return each_block(net, *_batch(name))


def _batch(name: str) -> "tuple[Tensor, Tensor]":
    """The test images as the network receives them, and their classes."""
    x = models.normalised(models.model(name), _digits().images)
    return x, _digits().targets.to(x.device)


@st.cache_resource(show_spinner=False)
def _digits() -> "Split":
    from resviz.data import datasets

    return datasets.load("digits", 8, test_only=True).test
