"""Below the picture on receptive fields: sizes over depth, the arithmetic, the fit of the image, a small stack."""

from typing import TYPE_CHECKING, Any

import streamlit as st

from resviz.errors import ResvizError
from resviz.figures.receptive_field import growth
from resviz.ui.base import checkpoint_names, page, url_state
from resviz.ui.base.i18n import translate as _
from resviz.ui.base.i18n import whole
from resviz.ui.base.page import escaped
from resviz.ui.receptive_field import ladder, scene, stack
from resviz.ui.services import models, receptive_fields
from resviz.ui.services.run_names import model_title
from resviz.ui.services.subject import Subject
from resviz.ui.widgets import paper_card

if TYPE_CHECKING:
    from resviz.probes.receptive_field.input_size import ImageFit

PARTS = ("depth", "arithmetic", "fit", "stack")
AGAINST = (
    "new/residual-20",
    "new/plain-20",
    "new/residual-56",
    "new/plain-56",
    "new/residual-18?stem=imagenet",
    "new/plain-18?stem=imagenet",
    "torchvision/resnet50?weights=none",
    "torchvision/vgg11?weights=none",
    "bundled/resnet18-imagenette",
    "bundled/resnet20-cifar10",
)
TWINS = {
    "bundled/resnet18-imagenette": "new/residual-18?stem=imagenet",
    "bundled/resnet20-cifar10": "new/residual-20",
}
WINDOWS = ("Conv2d", "MaxPool2d", "AvgPool2d")


def choose() -> str:
    titles = {
        "depth": _("Over depth"),
        "arithmetic": _("The arithmetic"),
        "fit": _("Does the image fit?"),
        "stack": _("What if: a small stack"),
    }
    return url_state.pick(
        st.segmented_control,
        _("More"),
        PARTS,
        "depth",
        "more",
        required=True,
        format_func=titles.__getitem__,
        label_visibility="collapsed",
    )


def show(part: str, subject: Subject, layer: str) -> None:
    """One of the parts; the others cost nothing."""
    if part == "depth":
        show_depth(subject)
    elif part == "arithmetic":
        show_arithmetic(subject, layer)
    elif part == "fit":
        show_fit(receptive_fields.fit(subject.model, scene.side(subject)))
    else:
        stack.show()


def show_depth(subject: Subject) -> None:
    """Theoretical and effective sizes over depth, of several networks."""
    side, against = scene.side(subject), _against(subject)
    curves = []
    for name in dict.fromkeys((subject.model, *against)):
        try:
            curves.append(_curve(name, side))
        except ResvizError as refusal:
            st.caption(escaped(whole(refusal)))
    titles = growth.Titles(
        _("convolutions so far, without those in shortcuts"),
        _("side of the field (px)"),
        _("the image"),
        _("can see"),
        _("moves it"),
    )
    st.plotly_chart(
        growth.over_depth(curves, side, titles, page.dark()),
        config={"displayModeBar": False},
        alt=_("Sizes of theoretical and effective fields over depth"),
    )
    st.caption(
        _(
            "Lines: the pixels that a unit can see. Dashed with marks: the side of the area that holds 95% of what"
            " moves it, on noise. Dotted: the image."
        )
    )
    rows = [
        (c.name, "theoretical", x, y) for c in curves for x, y in zip(c.depth, c.size, strict=True)
    ]
    rows += [(c.name, "effective", x, y) for c in curves for x, y in c.points]
    page.table_download(
        _("Download the sizes"), "receptive-fields", ("model", "kind", "convolutions", "px"), rows
    )
    paper_card.paper_cards("effective-growth", "effective-training")


def _against(subject: Subject) -> list[str]:
    """The networks to compare with, a run also at other moments of its training; by default the untrained one."""
    named = url_state.chosen("against")
    kept = [
        checkpoint_names.at(subject.model, moment)
        for moment in checkpoint_names.saved(subject.model)
    ]
    twin = [
        name for name in (*kept[:1], TWINS.get(subject.model)) if name and name != subject.model
    ]
    chosen = twin if named is None else [name for name in named.split(";") if name]
    options = [name for name in dict.fromkeys((*kept, *AGAINST, *chosen)) if name != subject.model]
    st.session_state["against"] = [name for name in chosen if name in options]
    picked: list[str] = st.multiselect(
        _("Compared with"),
        options,
        key="against",
        format_func=lambda name: _own_moment(name) if name in kept else model_title(name),
        on_change=lambda: url_state.choose("against", ";".join(st.session_state["against"]) or ";"),
    )
    return picked


def _own_moment(name: str) -> str:
    """Not by the run's title, which may become known while the page is open: the widget would lose its choice."""
    return _("this run, {moment}").format(
        moment=checkpoint_names.title(checkpoint_names.told(name) or checkpoint_names.END)
    )


def _curve(name: str, side: int) -> growth.Curve:
    if not models.is_loaded(name):
        with page.progress(_("Loading {model}").format(model=escaped(name))) as update:
            models.model(name, update)
    found = receptive_fields.theoretical(name, side)
    depth, passed = dict[str, int](), 0
    for layer in models.layers(name):
        passed += (
            layer.kind == "Conv2d"
            and ".downsample." not in layer.name
            and not layer.name.endswith(".downsample")
        )
        depth[layer.name] = passed
    rungs = ladder.rungs(name, side)
    lines = [
        la.name
        for la in models.layers(name)
        if la.name in found and (la.kind in WINDOWS or la.name in rungs)
    ]
    measured = ladder.profile(name, side, rungs)
    points = [(depth[layer], size) for layer, size in measured.items() if size]
    spec = models.model(name).spec
    family = spec.family if spec else ""
    return growth.Curve(
        model_title(name),
        family,
        [depth[n] for n in lines],
        [max(found[n].size) for n in lines],
        points,
    )


def show_arithmetic(subject: Subject, layer: str) -> None:
    """Size, jump and start from the image to the layer, row by row."""
    try:
        steps = receptive_fields.arithmetic(subject.model, scene.side(subject), layer)
    except ResvizError as refusal:
        st.caption(escaped(whole(refusal)))
        return
    start = r"\mathrm{start}_l = \mathrm{start}_{l-1} - p\,j_{l-1}"
    st.latex(rf"r_l = r_{{l-1}} + (k-1)\,d\,j_{{l-1}} \qquad {start} \qquad j_l = s\,j_{{l-1}}")
    stack.table(steps)
    st.caption(
        _(
            "From one pixel (r = 1, j = 1, start = 0) to {layer}, along the longest path and the height of the image:"
            " kernel k, stride s, padding p, dilation d of each window, and behind it the size r of the field, the jump"
            " j from unit to unit and the first pixel of the first unit's field. Windows of 1 × 1 without a stride"
            " change nothing and are left out (Araujo et al. 2019)."
        ).format(layer=escaped(layer))
    )
    rows = stack.rows(steps)
    page.table_download(
        _("Download the rows"), f"{layer}-arithmetic", list(rows[0]) if rows else [], _values(rows)
    )


def _values(rows: list[dict[str, Any]]) -> list[list[Any]]:
    return [list(row.values()) for row in rows]


def show_fit(fit: "ImageFit") -> None:
    """Where the image is too small for the network, and what a gentler stem would change."""
    height, width = fit.input_size
    count = len(fit.layers)
    if fit.outgrown is None:
        st.markdown(
            _("**The image fits:** no convolution sees more than its {h} × {w} px.").format(
                h=height, w=width
            )
        )
    else:
        st.markdown(
            _(
                "**From {layer} on a unit could see more than the image** of {h} × {w} px. {all} of {count}"
                " convolutions work on inputs that already see everything, {alone} of them even along the shortest"
                " path; in {padded} more than half of the field is padding."
            ).format(
                layer=escaped(fit.outgrown),
                h=height,
                w=width,
                all=len(fit.seeing_all),
                count=count,
                alone=len(fit.unproductive),
                padded=len(fit.mostly_padding),
            )
        )
    if fit.relaxed is not None:
        st.markdown(
            _(
                "With stride 1 in the stem ({stem}) it would be {all} of {count}, and {padded} with mostly padding, at"
                " many times the work."
            ).format(
                stem=escaped(", ".join(fit.stem)),
                all=len(fit.relaxed.seeing_all),
                count=count,
                padded=len(fit.relaxed.mostly_padding),
            )
        )
    rows = [_fit_row(layer) for layer in fit.layers]
    st.dataframe(
        rows, hide_index=True, width="stretch", height="content" if len(rows) <= 60 else 2000
    )
    st.caption(
        _(
            "A convolution whose input sees the whole image has no wider context to add; where even the shortest path"
            " does, Richter et al. 2021 found that it does not help. Skips keep the shortest path short."
        )
    )


def _fit_row(layer: Any) -> dict[str, Any]:
    return {
        _("convolution"): layer.name,
        _("field (px)"): layer.size[0],
        _("padding"): f"{layer.padding:.0%}",
        _("its input sees all"): _("yes") if layer.sees_all else "",
        _("even by the shortest path"): _("yes") if layer.unproductive else "",
    }
