"""Blocks switched off in the chosen network: what it says of the photo then, and which paths carry its gradient."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from resviz.errors import ProbeError
from resviz.figures import families
from resviz.figures.gradient_flow import lesions
from resviz.figures.theme import RESIDUAL
from resviz.models.spec import FAMILIES
from resviz.ui.base import page, url_state
from resviz.ui.base.bounded_cache import cached
from resviz.ui.base.i18n import translate as _
from resviz.ui.base.i18n import whole
from resviz.ui.base.numbers import power_of_two
from resviz.ui.base.page import escaped
from resviz.ui.gradient_flow import lesion_twins
from resviz.ui.gradient_flow.lesion_twins import Swap
from resviz.ui.services import models, photo_results, training_data
from resviz.ui.services.subject import Subject
from resviz.ui.shell import sidebar
from resviz.ui.widgets import clickable

if TYPE_CHECKING:
    from torch import Tensor

    from resviz.probes.core.prediction import Prediction
    from resviz.probes.gradient_flow.paths import Paths

ENOUGH = 64  # random paths of all lengths together
SAMPLE = 200  # test images on which accuracy is counted
MOST_PATHS = 60  # blocks of a network whose paths are sampled while a visitor waits
url_state.depends_on_model("off", "swap")


def show() -> None:
    """The part of the page: a residual and a plain network on the digits, or the chosen network and photo."""
    titles = {"pair": _("Residual beside plain"), "mine": _("My model and photo")}
    chosen = url_state.pick(
        st.segmented_control,
        _("Which network"),
        list(titles),
        "pair",
        "whose",
        required=True,
        format_func=titles.__getitem__,
        label_visibility="collapsed",
    )
    lesion_twins.show() if chosen == "pair" else _show_own()


def _show_own() -> None:
    """The drawn network, the answer before and after, single lesions, paths."""
    sidebar.sidebar()
    subject = sidebar.subject()
    can = _removable(subject.model)
    if not any(can.values()):
        st.info(_("Blocks can be taken out of resviz's own networks only: choose another model."))
        return
    off, swap = _choose_blocks(subject.model, can)
    before, after, alone = st.columns([1, 1.35, 1.35], gap="medium")
    with before:
        _show_answers(subject, off, swap)
        _show_hits(subject.model, off, swap)
    with after:
        _show_one_by_one(subject, tuple(name for name, able in can.items() if able))
    with alone:
        _show_paths(subject)


def _choose_blocks(model: str, can: dict[str, bool]) -> tuple[tuple[str, ...], Swap]:
    """The network as a switchboard, a click takes a block out or puts it back; and two blocks to swap."""
    chosen = (url_state.chosen("off") or "").split(",")
    off = [name for name, able in can.items() if able and name in chosen]
    drawn = st.container()
    words, swapping, reset = st.columns([2.6, 1.2, 1], gap="medium", vertical_alignment="bottom")
    words.caption(
        _(
            "Click blocks to take them out: a residual block leaves its shortcut, a plain one nothing. {count} out."
        ).format(count=len(off))
    )
    with swapping:
        swap = lesion_twins.choose_swap(model)
    with drawn:
        picked = clickable.show(
            lesion_twins.switchboard(can, off, _colour(model), swap), "switchboard"
        )
    if picked is not None and can.get(picked):
        off = [name for name in can if (name in off) != (name == picked)]
        url_state.choose("off", ",".join(off))
        st.rerun()
    reset.button(
        _("Put all back"), on_click=_reset, disabled=not off and swap is None, width="stretch"
    )
    return tuple(off), swap


def _reset() -> None:
    url_state.forget("off", "swap")


def _colour(model: str) -> str:
    """Of the model's family, everywhere the same."""
    spec = models.model(model).spec
    return families.style(spec.family, tuple(FAMILIES)).colour if spec else RESIDUAL


def _show_answers(subject: Subject, off: tuple[str, ...], swap: Swap) -> None:
    whole = photo_results.prediction(subject)
    left = _without(subject, off, swap)
    order = list(dict.fromkeys([*(g.index for g in whole.top), *(g.index for g in left.top)]))[:7]
    labels = models.model(subject.model).labels
    rows = [(labels[i], float(whole.probabilities[i]), float(left.probabilities[i])) for i in order]
    clickable.show(
        lesions.changes([(*row, _colour(subject.model)) for row in rows], _("before"), _("after")),
        "changes",
    )
    kept = whole.top[0].index == left.top[0].index
    sentence = (
        _("Its answer stays **{label}**.")
        if kept
        else _("Its answer changes from **{old}** to **{label}**.")
    ).format(old=escaped(whole.top[0].label), label=escaped(left.top[0].label))
    st.markdown(sentence)
    if note := models.untrained(subject.model):
        st.caption(f"**{note}**")
    page.table_download(
        _("Download the probabilities"), "lesions", ("label", "before", "after"), rows
    )


def _show_hits(model: str, off: tuple[str, ...], swap: Swap) -> None:
    """What is left of the accuracy on images that the model was made for, where they are here."""
    data = training_data.own(model)
    if data is None or not training_data.present(data):
        return
    whole, left = _hits(model, data, (), None), _hits(model, data, off, swap)
    count, name = len(_sample(model, data)[1]), training_data.title(data)
    clickable.show(
        lesions.changes(
            [(_("right answers"), whole, left, _colour(model))], _("before"), _("after")
        ),
        "hits",
    )
    st.caption(_("{count} test images of {data}.").format(count=count, data=escaped(name)))


@cached(1024)
def _hits(name: str, data: str, off: tuple[str, ...], swap: Swap) -> float:
    """Share of right answers."""
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
    whole = photo_results.prediction(subject)
    top = whole.top[0]
    shown = page.spread(blocks, 60)
    values = np.array([_without(subject, (b,)).probabilities[top.index] for b in shown])
    axes = (_("the one block that is out (stage.number)"), _("probability of the answer"))
    short = [name.removeprefix("layer") for name in shown]
    bars = lesions.Bars(top.label, _colour(subject.model), short, values, top.probability)
    figure = lesions.one_by_one([bars], axes, page.dark())
    alt = _("Probability of {label} without each block in turn").format(label=top.label)
    st.plotly_chart(figure, config={"displayModeBar": False}, alt=alt)
    st.caption(
        _(
            "How sure the network is of **{label}** without one block at a time; dashed: with all of them. Here it "
            "keeps {median:.0%} in the median and {worst:.0%} without {block}. Veit et al. 2016: a network of 54 "
            "residual blocks hardly misses one; of few blocks each counts for more."
        ).format(
            label=escaped(top.label),
            median=float(np.median(values)),
            worst=float(values.min()),
            block=escaped(shown[int(values.argmin())]),
        )
    )


def _show_paths(subject: Subject) -> None:
    try:
        with st.spinner(_("Sampling paths")):
            found = _paths(subject)
    except ProbeError as reason:
        st.caption(escaped(whole(reason)))
        return
    titles = (_("paths of this length"), _("gradient through them"))
    axes = (_("branches on the path"), _("share"))
    figure = lesions.path_lengths(found.share, found.contribution, titles, axes, page.dark())
    st.plotly_chart(
        figure, config={"displayModeBar": False}, alt=_("Paths and gradient by path length")
    )
    low, high = found.most
    st.caption(
        _(
            "{blocks} blocks make {count} paths. Most are about {half} branches long, but paths of {low} to {high} "
            "make up 95% of the gradient norms at the photo: the norm through one path, mean of {samples} random "
            "ones, times their number."
        ).format(
            blocks=len(found.blocks),
            count=power_of_two(len(found.blocks)),
            half=len(found.blocks) // 2,
            low=low,
            high=high,
            samples=found.samples,
        )
    )
    rows = list(
        zip(range(len(found.share)), found.share, found.gradient, found.contribution, strict=True)
    )
    columns = ("length", "share of paths", "gradient of one", "share of gradient")
    page.table_download(_("Download the path lengths"), "paths", columns, rows)


@cached(32)
def _removable(name: str) -> dict[str, bool]:
    from resviz.probes.gradient_flow.lesions import removable

    return removable(models.model(name).model)


@cached(1024)
def _without(subject: Subject, off: tuple[str, ...], swap: Swap = None) -> "Prediction":
    """What the network says without some blocks, or with two swapped."""
    from resviz.probes.core.prediction import predict
    from resviz.probes.gradient_flow.lesions import lesioned

    labels = models.model(subject.model).labels
    with models.borrowed(subject.model) as net, lesioned(net, off, swap):
        return predict(net, photo_results.tensor(subject), labels)


@cached(64)
def _paths(subject: Subject) -> "Paths":
    from resviz.probes.gradient_flow.paths import paths

    target = photo_results.prediction(subject).top[0].index
    with models.borrowed(subject.model) as net:
        blocks = len(_removable(subject.model))
        if blocks > MOST_PATHS:
            raise ProbeError(
                _("Paths are sampled in networks of at most {most} blocks.").format(most=MOST_PATHS)
            )
        return paths(
            net, photo_results.tensor(subject), target, samples=max(2, ENOUGH // (blocks + 1))
        )
