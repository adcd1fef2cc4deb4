"""Blocks taken out of the chosen network: its answers then to the photo and to test images."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from resviz.figures import families
from resviz.figures.gradient_flow import lesions
from resviz.figures.gradient_flow.lesions import Change
from resviz.figures.theme import RESIDUAL
from resviz.models.spec import FAMILIES
from resviz.tables import Table
from resviz.ui.base import page
from resviz.ui.base.bounded_cache import cached
from resviz.ui.base.i18n import translate as _
from resviz.ui.base.page import escaped
from resviz.ui.gradient_flow import paths, switchboard
from resviz.ui.gradient_flow.lesion_twins import pair_section
from resviz.ui.gradient_flow.switchboard import Swap
from resviz.ui.services import models, photo_results, training_data
from resviz.ui.services.subject import Subject
from resviz.ui.shell import sidebar
from resviz.ui.widgets import clickable
from resviz.ui.widgets.chart import chart
from resviz.ui.widgets.segmented import segmented

if TYPE_CHECKING:
    from torch import Tensor

    from resviz.probes.core.prediction import Prediction

SAMPLE = 200  # test images on which accuracy is counted
BARS = 60  # single blocks that are drawn; of more only some, evenly


def remove_blocks_section() -> None:
    """A residual and a plain network on the digits, or the chosen network and photo."""
    titles = {"pair": _("Residual beside plain"), "mine": _("My model and photo")}
    if segmented(_("Which network"), titles, "pair", "whose", show_label=False) == "pair":
        pair_section()
    else:
        _own_section()


def _own_section() -> None:
    """The drawn network, its answer before and after, each block alone, paths."""
    sidebar.sidebar()
    subject = sidebar.subject()
    can = switchboard.removable(subject.model)
    if not any(can.values()):
        st.info(_("Blocks can be taken out of resviz's own networks only: choose another model."))
        return
    off, swap = _block_switches(subject.model, can)
    answer, alone, by_length = st.columns([1, 1.35, 1.35], gap="medium")
    with answer:
        _show_answer(subject, off, swap)
        _show_accuracy(subject.model, off, swap)
    with alone:
        _show_one_by_one(subject, tuple(name for name, able in can.items() if able))
    with by_length:
        paths.paths_panel(subject)


def _block_switches(model: str, can: dict[str, bool]) -> tuple[tuple[str, ...], Swap]:
    """The network as a switchboard: a click takes a block out or puts it back; two can swap."""
    off = switchboard.chosen_blocks("off", can)
    drawing = st.container()
    note, swapping, reset = st.columns([2.6, 1.2, 1], gap="medium", vertical_alignment="bottom")
    text = _(
        "Click blocks to take them out: a residual block leaves its shortcut, a plain one nothing. "
        "{count} out."
    )
    note.caption(text.format(count=len(off)))
    with swapping:
        swap = switchboard.swap_picker(model)
    with drawing:
        board = switchboard.switchboard(can, off, _colour(model), swap)
        picked = clickable.show(board, "switchboard")
    if picked is not None and can.get(picked):
        switchboard.toggle("off", picked, off, can)
    with reset:
        switchboard.reset_button("off", off, swap)
    return tuple(off), swap


def _colour(model: str) -> str:
    """Of the model's family, everywhere the same."""
    spec = models.model(model).spec
    return families.style(spec.family, tuple(FAMILIES)).colour if spec else RESIDUAL


def _show_answer(subject: Subject, off: tuple[str, ...], swap: Swap) -> None:
    """The likeliest classes before and after."""
    whole, left = photo_results.prediction(subject), _without(subject, off, swap)
    classes = [guess.index for guess in (*whole.top, *left.top)]
    order = list(dict.fromkeys(classes))[:7]
    labels, colour = models.model(subject.model).labels, _colour(subject.model)
    rows = [
        Change(labels[i], float(whole.probabilities[i]), float(left.probabilities[i]), colour)
        for i in order
    ]
    clickable.show(lesions.changes(rows, _("before"), _("after")), "changes")
    st.markdown(_answer_sentence(whole, left))
    if note := models.untrained(subject.model):
        st.caption(f"**{note}**")
    numbers = tuple((row.label, row.before, row.after) for row in rows)
    table = Table(("label", "before", "after"), numbers)
    page.table_download(_("Download the probabilities"), "lesions", table.columns, table.rows)


def _answer_sentence(whole: "Prediction", left: "Prediction") -> str:
    before, after = whole.top[0], left.top[0]
    if before.index == after.index:
        return _("Its answer stays **{label}**.").format(label=escaped(after.label))
    return _("Its answer changes from **{old}** to **{label}**.").format(
        old=escaped(before.label), label=escaped(after.label)
    )


def _show_accuracy(model: str, off: tuple[str, ...], swap: Swap) -> None:
    """What is left of the accuracy on images that the model was made for, where they are here."""
    data = training_data.own(model)
    if data is None or not training_data.present(data):
        return
    whole, left = _accuracy(model, data, (), None), _accuracy(model, data, off, swap)
    row = Change(_("accuracy"), whole, left, _colour(model))
    clickable.show(lesions.changes([row], _("before"), _("after")), "accuracy")
    count, name = len(_sample(model, data)[1]), training_data.title(data)
    st.caption(_("{count} test images of {data}.").format(count=count, data=escaped(name)))


@cached(1024)
def _accuracy(name: str, data: str, off: tuple[str, ...], swap: Swap) -> float:
    from resviz.probes.gradient_flow.lesions import answers

    with models.borrowed(name) as net:
        return answers(net, *_sample(name, data), off, swap).accuracy


def _sample(name: str, data: str) -> "tuple[Tensor, Tensor]":
    """Test images as the network receives them, and their classes."""
    loaded = models.model(name)
    _labels, split = training_data.drawn(loaded, data, SAMPLE)
    x = models.normalised(loaded, split.images)
    return x, split.targets.to(x.device)


def _show_one_by_one(subject: Subject, blocks: tuple[str, ...]) -> None:
    """How sure the network is of its answer without each block in turn."""
    top = photo_results.prediction(subject).top[0]
    shown = page.spread(blocks, BARS)
    probabilities = [_without(subject, (block,)).probabilities[top.index] for block in shown]
    values = np.array(probabilities, float)
    labels = lesions.BarLabels(
        block=_("block out (stage.number)"), share=_("probability of the answer")
    )
    short = [switchboard.short(name) for name in shown]
    bars = lesions.Bars(top.label, _colour(subject.model), short, values, top.probability)
    summary = _(
        "Without one block at a time, **{label}** keeps {median:.0%} in the median and {worst:.0%} "
        "without {block}."
    )
    chart(
        lesions.one_by_one([bars], labels, page.dark()),
        _("Probability of {label} without each block in turn").format(label=top.label),
        summary.format(
            label=escaped(top.label),
            median=float(np.median(values)),
            worst=float(values.min()),
            block=escaped(shown[int(values.argmin())]),
        ),
        Table(("block out", "probability"), tuple(zip(shown, values.tolist(), strict=True))),
        name="one-by-one",
        how_to_read=_(
            "The dashed line is the whole network. Veit et al. 2016: a network of 54 residual "
            "blocks hardly misses one; of few blocks each counts for more."
        ),
    )


def _without(subject: Subject, off: tuple[str, ...], swap: Swap = None) -> "Prediction":
    """What the network says without some blocks, or with two swapped."""
    return _answer_without(subject, off, swap, photo_results.chosen_activation())


@cached(1024)
def _answer_without(
    subject: Subject, off: tuple[str, ...], swap: Swap, activation: str | None
) -> "Prediction":
    from resviz.probes.core.prediction import predict
    from resviz.probes.gradient_flow.lesions import lesioned

    labels = models.model(subject.model).labels
    with models.borrowed(subject.model) as net, lesioned(net, off, swap):
        x = photo_results.tensor(subject)
        return predict(net, x, labels, activation=activation)
