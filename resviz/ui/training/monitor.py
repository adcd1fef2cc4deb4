"""Runs while they train, and after: curves that grow, and a line for each run."""

from collections import Counter
from collections.abc import Mapping, Sequence

import streamlit as st

from resviz.errors import TrainingError
from resviz.figures import families
from resviz.figures.theme import ink_on
from resviz.figures.training.learning_curves import beyond
from resviz.figures.training.live_curves import sketch
from resviz.models.spec import FAMILIES
from resviz.training.runs import reader
from resviz.training.runs.reader import RunInfo
from resviz.ui.base import page
from resviz.ui.base.i18n import translate as _
from resviz.ui.base.i18n import whole
from resviz.ui.base.page import escaped
from resviz.ui.services import run_names, training_data
from resviz.ui.services.network_names import family_title
from resviz.ui.training import snapshot, start
from resviz.ui.training.run_rows import buttons_for_all, run_row
from resviz.ui.training.snapshot import TICK, Snapshot
from resviz.ui.widgets import clickable
from resviz.ui.widgets.chart import chart
from resviz.ui.widgets.segmented import segmented

_FRESH = "look-now"
# Streamlit marks a chosen value with `data-tag`, its text is the label for screen readers: the
# family alone in the choice of families, the family with a depth in the choice of runs.
_RULE = (
    '.stMultiSelect [data-tag][aria-label="{title}"],'
    '.stMultiSelect [data-tag][aria-label^="{title}-"]'
    "{{background:{colour};color:{ink}}}"
)


def watch() -> None:
    """The runs that are shown: live as long as one of them is not over."""
    known = {info.id: info for info in reader.runs()}
    ids = _ids_to_show(known)
    if not ids:
        _invite()
        _say_left_out(reader.damaged())
        return
    infos = [known[run_id] for run_id in ids]
    is_live = any(info.status in reader.GOING_ON for info in infos)
    with st.container(horizontal=True, horizontal_alignment="distribute"):
        titles = {"accuracy": _("Accuracy"), "loss": _("Loss")}
        quantity = segmented(_("Show"), titles, "accuracy", "curve", show_label=False)
        buttons_for_all(infos)
    # what follows a click is looked at now, what follows a tick is shared with all who watch
    st.session_state[_FRESH] = True
    st.fragment(_look, run_every=TICK if is_live else None)(ids, quantity, is_live)
    _choose_runs(known, ids)
    _say_left_out(reader.damaged())


def colour_chips() -> None:
    """Give the chips of the page's lists the colours of their families."""
    rules = [_rule(family) for family in FAMILIES]
    st.html(f"<style>{''.join(rules)}</style>")


def _rule(family: str) -> str:
    colour = families.style(family, tuple(FAMILIES)).colour
    title = family_title(family).replace("\\", "\\\\").replace('"', '\\"')
    return _RULE.format(title=title, colour=colour, ink=ink_on(colour))


def _ids_to_show(known: dict[str, RunInfo]) -> list[str]:
    """Those of the address; else the newest run, or its whole race."""
    ids = [run_id for run_id in start.shown_runs() if run_id in known]
    if ids or not known:
        return ids
    newest = next(iter(known.values()))
    if not newest.group:
        return [newest.id]
    race = [info.id for info in known.values() if info.group == newest.group]
    return race[::-1]  # in the order of their start


def _invite() -> None:
    """What there will be to see, and how to begin."""
    st.info(
        _(
            "Nothing has been trained yet. Start on the left: unless you change the choices, a "
            "plain and a residual network learn to read digits, and their curves grow here. It "
            "takes about a minute and needs no internet."
        )
    )


def _look(ids: list[str], quantity: str, is_live: bool) -> None:
    """One look at the runs; when the last one is over, the whole page runs once more."""
    is_fresh = st.session_state.pop(_FRESH, False)
    look = snapshot.fresh if is_fresh else snapshot.latest
    seen = look(ids, quantity)
    if _forget_deleted(ids, seen):
        st.rerun()
    _draw(seen, quantity, is_live)
    for watched in seen.runs:
        run_row(watched)
    _say_left_out(dict(seen.left_out))
    if is_live and not seen.is_live:
        st.rerun()


def _draw(seen: Snapshot, quantity: str, is_live: bool) -> None:
    alt = _("Learning curves of {names}").format(names=seen.names)
    caption = _("Lines: training images. Rings: test images after each epoch.")
    help_text = _how_to_read(seen)
    if is_live:
        clickable.show(sketch(seen.curves, seen.frame, page.dark(), alt), "curves")
        st.caption(caption)
        with st.expander(_("How to read this")):
            st.markdown(help_text)
        return
    figure = snapshot.figure(seen, quantity, page.dark())
    chart(figure, alt, caption, how_to_read=help_text, theme=None)


def _forget_deleted(ids: Sequence[str], seen: Snapshot) -> bool:
    """Take runs that were deleted meanwhile out of the address; return whether there were any."""
    # Only a set of runs that has become smaller may run the page again. A run that cannot be read
    # is still there: it would run the page again for ever.
    gone = [run_id for run_id, _reason in seen.left_out if not start.exists(run_id)]
    for run_id in gone:
        start.forget_run(run_id)
    return bool(gone)


def _say_left_out(reasons: Mapping[str, TrainingError]) -> None:
    """Say why runs are not among those that are shown."""
    sentence = _("The run {run} is left out: {reason}")
    for run_id, refusal in reasons.items():
        st.warning(sentence.format(run=escaped(run_id), reason=escaped(whole(refusal))))


def _how_to_read(seen: Snapshot) -> str:
    shown = {watched.family for watched in seen.runs}
    lines = [
        _("A line is the mean over neighbouring steps, each measured on its training images."),
        _("A ring is the test split after an epoch; dots join the rings of a run."),
    ]
    if "plain" in shown:
        lines.append(_("Plain networks are orange."))
    if "residual" in shown:
        lines.append(_("Residual networks are blue."))
    if len({curve.rank for curve in seen.curves}) > 1:
        lines.append(_("Dashes tell networks or settings apart."))
    if any(beyond(curve.test, seen.frame.top).any() for curve in seen.curves):
        lines.append(
            _("A triangle at the upper edge lies beyond the scale; point at it for its value.")
        )
    return " ".join(lines)


def _choose_runs(known: dict[str, RunInfo], ids: list[str]) -> None:
    """Which runs lie side by side."""
    titles = _unique_titles(known)
    st.session_state["shown"] = ids

    def changed() -> None:
        # the browser knows runs by their titles: one that has changed meanwhile comes back as it is
        if known.keys() >= set(st.session_state["shown"]):
            start.show_runs(st.session_state["shown"])

    st.multiselect(
        _("Runs to compare"),
        list(known),
        key="shown",
        on_change=changed,
        format_func=titles.__getitem__,
        max_selections=start.MOST,
    )


def _unique_titles(known: dict[str, RunInfo]) -> dict[str, str]:
    titles = {run_id: _title(info) for run_id, info in known.items()}
    counts = Counter(titles.values())
    return {
        run_id: f"{title} · {run_id}" if counts[title] > 1 else title
        for run_id, title in titles.items()
    }


def _title(info: RunInfo) -> str:
    data = training_data.title(info.dataset)
    return f"{run_names.run_title(info)} · {data} · {run_names.when(info)}"
