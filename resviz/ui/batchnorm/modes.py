"""The same batch with three kinds of statistics: the answers beside each other, and what changes on the way."""

from typing import TYPE_CHECKING

import streamlit as st

from resviz.figures import html
from resviz.figures.batchnorm import drift
from resviz.ui.base import page as layout
from resviz.ui.base import url_state
from resviz.ui.base.i18n import translate as _
from resviz.ui.base.page import escaped
from resviz.ui.batchnorm import batch as batchnorm
from resviz.ui.batchnorm import results
from resviz.ui.services import models
from resviz.ui.widgets import clickable, paper_card

if TYPE_CHECKING:
    from resviz.probes.batchnorm.modes import Mode

CARDS = ("adabn", "corruptions")


def show(page: batchnorm.Page) -> None:
    """One image's five likeliest classes in each mode, then the change of every layer."""
    subject, batch, calibration = page.subject, page.batch, page.calibration
    with layout.progress(_("Three kinds of statistics")) as update:
        update(0.05)
        modes = results.modes(subject.model, batch, calibration, update)
    count = len(batch.titles)
    image = next((i for i in range(count) if str(i) == url_state.chosen("image")), 0)
    pictures, *columns = st.columns([1.25, 1, 1, 1], gap="medium")
    with pictures:
        batchnorm.show_pictures(page, image)
        several = _(" Click one.") if count > 1 else ""
        st.caption(
            _("{title}, as the network receives it.").format(title=escaped(batch.titles[image]))
            + several
        )
    labels = models.model(subject.model).labels
    for place, mode, (title, words) in zip(columns, modes, _titles(page), strict=True):
        with place:
            st.markdown(f"**{title}**")
            top = mode.top(image, labels)
            clickable.show(
                html.share_list([(guess.label, guess.probability) for guess in top]),
                f"top-{mode.name}",
            )
            st.caption(words)
    if count > 1:
        _say_agreement(modes)
    if page.source == "data" and set(batch.titles) <= set(labels):
        _say_right(modes, [labels.index(title) for title in batch.titles])
    if note := models.untrained(subject.model):
        st.caption(f"**{note}**")
    st.subheader(_("What changes on the way"), anchor=False)
    _show_changes(modes)
    rows = [
        (title, mode.name, guess.label, guess.probability)
        for i, title in enumerate(batch.titles)
        for mode in modes
        for guess in mode.top(i, labels)
    ]
    layout.table_download(
        _("Download the answers"), "answers", ("image", "statistics", "label", "probability"), rows
    )
    paper_card.paper_cards(*CARDS)


def _say_agreement(modes: "tuple[Mode, ...]") -> None:
    answers = [mode.scores.argmax(1) for mode in modes]
    own, again = (int((answer == answers[0]).sum()) for answer in answers[1:])
    st.caption(
        _(
            "Of {count} images, {own} keep their answer with the batch's own statistics and {again} with "
            "recalibrated ones."
        ).format(count=len(answers[0]), own=own, again=again)
    )


def _say_right(modes: "tuple[Mode, ...]", targets: list[int]) -> None:
    stored, own, again = (int((mode.scores.argmax(1) == targets).sum()) for mode in modes)
    st.caption(
        _(
            "Right are {stored} with running statistics, {own} with the batch's own and {again} with recalibrated ones."
        ).format(stored=stored, own=own, again=again)
    )


def _titles(page: batchnorm.Page) -> list[tuple[str, str]]:
    """Heading and caption of each mode."""
    count, same = len(page.batch.titles), page.batch.key == page.calibration.key
    own = (
        _(
            "Its own mean and variance over {count} images, as in training. The others in the batch change the answer."
        )
        if count > 1
        else _("The photo's own mean and variance, over its places alone.")
    )
    again = (
        _(
            "Measured again on {count} other pictures of the dataset, made worse in the same way. No label is needed."
        )
        if page.source == "data"
        else _(
            "Measured again on the sample photos, made worse in the same way (Li et al. 2016). No label is needed."
        )
    ).format(count=len(page.others.titles))
    very = _(" Here they are this very batch: choose another one to see a difference.")
    return [
        (
            _("Running statistics"),
            _("What was averaged in training: evaluation mode. The answer for users."),
        ),
        (_("The batch's own"), own.format(count=count)),
        (_("Recalibrated (AdaBN)"), again + (very if same else "")),
    ]


def _show_changes(modes: "tuple[Mode, ...]") -> None:
    lines = list(
        zip(
            (_("the batch's own"), _("recalibrated")),
            (mode.change for mode in modes[1:]),
            strict=True,
        )
    )
    words = drift.Words("", _("change of the output"))
    st.plotly_chart(
        drift.changes(modes[0].layers, lines, words, layout.dark()),
        config={"displayModeBar": False},
        alt=_("Change of the output of {count} layers over depth").format(
            count=len(modes[0].layers)
        ),
    )
    st.caption(
        _(
            "‖y − y_eval‖ / ‖y_eval‖ for the output y of each BatchNorm layer over the whole batch: how far it moves "
            "from evaluation mode; 100% is as much as the output itself."
        )
    )
