"""A residual network and its plain twin, both trained on the digits, with the same blocks out."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from PIL import Image

from resviz.figures import families, raster
from resviz.figures.gradient_flow import lesions
from resviz.figures.gradient_flow.lesions import Change
from resviz.tables import Table
from resviz.ui.base import page
from resviz.ui.base.bounded_cache import cached
from resviz.ui.base.i18n import translate as _
from resviz.ui.gradient_flow import switchboard
from resviz.ui.gradient_flow.switchboard import Swap
from resviz.ui.services import models
from resviz.ui.widgets import clickable, paper_card
from resviz.ui.widgets.chart import chart

if TYPE_CHECKING:
    from torch import Tensor

    from resviz.data.datasets import Split
    from resviz.probes.gradient_flow.lesions import Answers, Lesions

    ByFamily = dict[str, Answers]

NAMES = {"residual": "bundled/resnet20-digits", "plain": "bundled/plain20-digits"}
CHANCE = 0.1


def pair_section() -> None:
    """Both networks drawn, what they still know, digits with both answers, each block alone."""
    off, swap = _block_switches()
    whole = {family: _answers(name, (), None) for family, name in NAMES.items()}
    left = {family: _answers(name, off, swap) for family, name in NAMES.items()}
    knowing, alone = page.wide("pair-below").columns([1, 1.35], gap="large")
    with knowing:
        _show_accuracy(whole, left)
        _show_digits(left)
    with alone:
        _show_each_block()
    paper_card.paper_cards("lesions")


def titles() -> dict[str, str]:
    """What the two networks are called."""
    return {"residual": _("Residual-20"), "plain": _("Plain-20")}


def _colour(family: str) -> str:
    return families.style(family, ()).colour


def _block_switches() -> tuple[tuple[str, ...], Swap]:
    """The networks as switchboards, which work on both, and two blocks to swap."""
    can = {family: switchboard.removable(name) for family, name in NAMES.items()}
    off = switchboard.chosen_blocks("out", can["residual"])
    drawing = st.container()
    note, swapping, reset = st.columns([2.6, 1.2, 1], gap="medium", vertical_alignment="bottom")
    with swapping:
        swap = switchboard.swap_picker(NAMES["plain"])
    with drawing:
        _draw_networks(can, off, swap)
    counts = {family: sum(can[family][name] for name in off) for family in NAMES}
    text = _(
        "Click a block to take it out of both networks. Out: {residual} of the residual network, "
        "{plain} of the plain one."
    )
    help_text = _(
        "The residual network keeps the block's shortcut, the plain one loses the layers. Pale "
        "blocks of the plain network change the shape: it cannot do without them."
    )
    note.caption(text.format(**counts), help=help_text)
    with reset:
        switchboard.reset_button("out", off, swap)
    return tuple(off), swap


def _draw_networks(can: dict[str, dict[str, bool]], off: list[str], swap: Swap) -> None:
    """Both networks; a block that is clicked goes or comes back in both."""
    for family, place in zip(NAMES, page.wide("pair").columns(2, gap="large"), strict=True):
        title = titles()[family]
        board = switchboard.switchboard(can[family], off, _colour(family), swap, title)
        with place:
            st.markdown(f":{families.style(family, ()).word}[**{title}**]")
            picked = clickable.show(board, f"pair-{family}")
        if picked in can["residual"]:
            switchboard.toggle("out", picked, off, can["residual"])


def _show_accuracy(whole: "ByFamily", left: "ByFamily") -> None:
    rows = [
        Change(title, whole[family].accuracy, left[family].accuracy, _colour(family))
        for family, title in titles().items()
    ]
    after = _("what is left, on 360 test images")
    clickable.show(lesions.changes(rows, _("whole"), after), "pair-accuracy")
    st.caption(
        _(
            "Both networks have the same number of parameters and make no mistake on their "
            "training images. Guessing would get one in ten right."
        )
    )
    columns = ("network", "accuracy before", "accuracy after", "loss before", "loss after")
    numbers = [
        (family, before.accuracy, left[family].accuracy, before.loss, left[family].loss)
        for family, before in whole.items()
    ]
    page.table_download(_("Download what they still know"), "lesions-pair", columns, numbers)


def _show_digits(left: "ByFamily") -> None:
    """One test image of each class with both answers."""
    targets = _digits().targets.numpy()
    tiles = []
    for digit in range(10):
        first = int(np.argmax(targets == digit))
        answers = {title: str(left[family].classes[first]) for family, title in titles().items()}
        tiles.append(lesions.Answered(_picture(first), str(digit), answers))
    colours = [_colour(family) for family in NAMES]
    alt = _("Test image of the digit {digit}")
    clickable.show(lesions.answered(tiles, colours, alt), "pair-digits")
    st.caption(
        _(
            "A test image of each digit, and what both networks call it: filled is right, hollow "
            "is wrong."
        )
    )


def _picture(index: int) -> str:
    """A test image as a data address."""
    pixels = _digits().images[index].numpy().transpose(1, 2, 0)
    return raster.data_uri(raster.photo_png(Image.fromarray(pixels)))


def _show_each_block() -> None:
    """The accuracy without each block in turn."""
    alone = {family: _each_block(name) for family, name in NAMES.items()}
    bars = [_bars(family, measured) for family, measured in alone.items()]
    labels = lesions.BarLabels(block=_("block out (stage.number)"), share=_("accuracy"))
    caption = _(
        "Without one block at a time, the residual network keeps {residual:.0%} in the median, the "
        "plain one {plain:.0%}."
    )
    medians = {family: float(np.median(each.accuracy)) for family, each in alone.items()}
    chart(
        lesions.one_by_one(bars, labels, page.dark(), chance=CHANCE),
        _("Accuracy without each block in turn, for both networks"),
        caption.format(**medians),
        _each_block_table(alone),
        name="each-block",
        how_to_read=_(
            "The dotted line is what guessing gets, the dashed ones are the whole networks. A "
            "plain network can fall below guessing, where it calls most images by one wrong class. "
            "It cannot do without 2.0 and 3.0, so they have no bar."
        ),
    )


def _bars(family: str, measured: "Lesions") -> lesions.Bars:
    return lesions.Bars(
        title=titles()[family],
        colour=_colour(family),
        blocks=[switchboard.short(name) for name in measured.blocks],
        shares=measured.accuracy,
        whole=measured.whole_accuracy,
    )


def _each_block_table(alone: "dict[str, Lesions]") -> Table:
    """The tables of both networks in one."""
    tables = {family: measured.table() for family, measured in alone.items()}
    rows = tuple((family, *row) for family, table in tables.items() for row in table.rows)
    return Table(("network", *tables["residual"].columns), rows)


@cached(4096)
def _answers(name: str, off: tuple[str, ...], swap: Swap) -> "Answers":
    """On the test images of the digits; a block that cannot go stays."""
    from resviz.probes.gradient_flow.lesions import answers

    can = switchboard.removable(name)
    with models.borrowed(name) as net:
        return answers(net, *_batch(name), [block for block in off if can[block]], swap)


@cached(2)
def _each_block(name: str) -> "Lesions":
    from resviz.probes.gradient_flow.lesions import each_block

    with models.borrowed(name) as net:
        return each_block(net, *_batch(name))


def _batch(name: str) -> "tuple[Tensor, Tensor]":
    """The test images as the network receives them, and their classes."""
    x = models.normalised(models.model(name), _digits().images)
    return x, _digits().targets.to(x.device)


@cached(1)
def _digits() -> "Split":
    from resviz.data import datasets

    return datasets.load("digits", 8, test_only=True).test
