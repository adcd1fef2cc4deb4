"""The same batch with three kinds of statistics: the answers side by side, and what changes."""

from typing import TYPE_CHECKING

import streamlit as st

from resviz.figures import html
from resviz.figures.batchnorm import modes as figures
from resviz.ui.base import page, url_state
from resviz.ui.base.i18n import translate as _
from resviz.ui.base.page import escaped
from resviz.ui.batchnorm import batch, results
from resviz.ui.services import models
from resviz.ui.widgets import clickable, paper_card
from resviz.ui.widgets.chart import chart

if TYPE_CHECKING:
    from resviz.probes.batchnorm.modes import Mode

CARDS = ("adabn", "corruptions")


def other_statistics_section(choice: batch.Page) -> None:
    """One image's five likeliest classes in each mode, then the change of every layer."""
    modes = _modes(choice)
    labels = models.model(choice.subject.model).labels
    _answers(choice, modes, labels)
    if len(choice.batch.titles) > 1:
        st.caption(_agreement(modes))
    if choice.source == "data" and set(choice.batch.titles) <= set(labels):
        targets = [labels.index(title) for title in choice.batch.titles]
        st.caption(_accuracies(modes, targets))
    if note := models.untrained(choice.subject.model):
        st.caption(f"**{note}**")
    _download(choice, modes, labels)
    _changes(modes)
    paper_card.paper_cards(*CARDS)


def _modes(choice: batch.Page) -> "tuple[Mode, ...]":
    with page.progress(_("Three kinds of statistics")) as update:
        update(0.05)
        return results.modes(choice.subject.model, choice.batch, choice.calibration, update)


def _answers(choice: batch.Page, modes: "tuple[Mode, ...]", labels: tuple[str, ...]) -> None:
    image = _chosen_image(len(choice.batch.titles))
    pictures, *columns = st.columns([1.25, 1, 1, 1], gap="medium")
    with pictures:
        batch.show_pictures(choice, image)
        st.caption(_picture_caption(choice, image))
    for place, mode in zip(columns, modes, strict=True):
        with place:
            st.markdown(f"**{_heading(mode.name)}**")
            shares = [(guess.label, guess.probability) for guess in mode.top(image, labels)]
            clickable.show(html.share_list(shares), f"top-{mode.name}")
            st.caption(_explanation(mode.name, choice))


def _chosen_image(count: int) -> int:
    chosen = url_state.chosen("image")
    return next((image for image in range(count) if str(image) == chosen), 0)


def _picture_caption(choice: batch.Page, image: int) -> str:
    title = escaped(choice.batch.titles[image])
    if len(choice.batch.titles) == 1:
        return _("{title}, as the network receives it.").format(title=title)
    return _("{title}, as the network receives it. Click another one.").format(title=title)


def _heading(mode: str) -> str:
    return {
        "eval": _("Running statistics"),
        "batch": _("The batch's own"),
        "recalibrated": _("Recalibrated (AdaBN)"),
    }[mode]


def _explanation(mode: str, choice: batch.Page) -> str:
    if mode == "eval":
        return _("What was averaged in training: evaluation mode. Users get this answer.")
    if mode == "batch":
        return _own_statistics(len(choice.batch.titles))
    if choice.batch == choice.calibration:
        return _("Measured again on this very batch: choose another one to see a difference.")
    return _recalibrated(choice)


def _own_statistics(count: int) -> str:
    if count == 1:
        return _("The photo's own mean and variance, over its places alone.")
    text = _(
        "Mean and variance over these {count} images, as in training. The others in the batch "
        "change the answer."
    )
    return text.format(count=count)


def _recalibrated(choice: batch.Page) -> str:
    if choice.others_of == "samples":
        return _(
            "Measured again on the sample photos, corrupted in the same way (Li et al. 2016). No "
            "label is needed."
        )
    text = _(
        "Measured again on {count} other pictures of the dataset, corrupted in the same way. No "
        "label is needed."
    )
    return text.format(count=len(choice.others.titles))


def _agreement(modes: "tuple[Mode, ...]") -> str:
    stored, own, again = (mode.scores.argmax(1) for mode in modes)
    text = _(
        "Of {count} images, {own} keep their answer with the batch's own statistics and {again} "
        "with recalibrated ones."
    )
    return text.format(
        count=len(stored), own=int((own == stored).sum()), again=int((again == stored).sum())
    )


def _accuracies(modes: "tuple[Mode, ...]", targets: list[int]) -> str:
    stored, own, again = (float((mode.scores.argmax(1) == targets).mean()) for mode in modes)
    text = _(
        "Accuracy on these {count} pictures: {stored:.0%} with running statistics, {own:.0%} with "
        "the batch's own, {again:.0%} with recalibrated ones."
    )
    return text.format(count=len(targets), stored=stored, own=own, again=again)


def _download(choice: batch.Page, modes: "tuple[Mode, ...]", labels: tuple[str, ...]) -> None:
    from resviz.probes.batchnorm.modes import table

    answers = table(modes, choice.batch.titles, labels)
    page.table_download(_("Download the answers"), "answers", answers.columns, answers.rows)


def _changes(modes: "tuple[Mode, ...]") -> None:
    st.header(_("How much each layer's output changes"), anchor=False)
    stored, own, recalibrated = modes
    labels = figures.Labels(
        change=_("change of the output"),
        own=_("the batch's own"),
        recalibrated=_("recalibrated"),
    )
    alt = _("Change of the output of {count} layers over depth")
    chart(
        figures.changes(stored.layers, own.change, recalibrated.change, labels, page.dark()),
        alt=alt.format(count=len(stored.layers)),
        caption=_("Compared with evaluation mode; 100% is as much as the output itself."),
        how_to_read=_(
            "‖y − y_eval‖ / ‖y_eval‖ for the output y of each BatchNorm layer over the whole "
            "batch: how far it moves from evaluation mode."
        ),
    )
