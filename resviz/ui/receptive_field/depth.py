"""Theoretical and effective sizes over depth, of several networks."""

import streamlit as st

from resviz.errors import ResvizError
from resviz.figures.receptive_field import growth
from resviz.tables import Table
from resviz.ui.base import checkpoint_names, page, url_state
from resviz.ui.base.i18n import translate as _
from resviz.ui.base.i18n import whole
from resviz.ui.base.page import escaped
from resviz.ui.receptive_field import ladder
from resviz.ui.services import models, receptive_fields
from resviz.ui.services.run_names import model_title
from resviz.ui.services.subject import Subject
from resviz.ui.widgets import linked_map, paper_card
from resviz.ui.widgets.chart import chart

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
UNTRAINED = {
    "bundled/resnet18-imagenette": "new/residual-18?stem=imagenet",
    "bundled/resnet20-cifar10": "new/residual-20",
}
WINDOWS = ("Conv2d", "MaxPool2d", "AvgPool2d")


def draw_depth(subject: Subject) -> None:
    """The chart, its numbers and the papers it belongs to."""
    side = linked_map.side(subject)
    names = dict.fromkeys((subject.model, *_choose_others(subject)))
    curves = [curve for name in names if (curve := _curve_or_refusal(name, side))]
    labels = growth.GrowthLabels(
        depth=_("convolutions so far, without those in shortcuts"),
        size=_("side of the field (px)"),
        image=_("the image"),
        theoretical=_("can see"),
        effective=_("moves it"),
    )
    chart(
        growth.over_depth(curves, side, labels, page.dark()),
        alt=_("Sizes of theoretical and effective fields over depth"),
        caption=_(
            "Lines: the pixels that a unit can see. Dashed: what moves it, on noise. Dotted: the"
            " image."
        ),
        table=table_of(curves),
        name="receptive-fields",
        how_to_read=_(
            "A mark is the side of the area that holds 95% of what moves the middle unit of a"
            " layer. A line above the dotted one has outgrown the image."
        ),
    )
    paper_card.paper_cards("effective-growth", "effective-training")


def table_of(curves: list[growth.Curve]) -> Table:
    """The sizes that the chart draws."""
    rows: list[tuple[object, ...]] = []
    for curve in curves:
        theoretical = zip(curve.depth, curve.size, strict=True)
        rows += [(curve.name, "theoretical", depth, size) for depth, size in theoretical]
    for curve in curves:
        rows += [(curve.name, "effective", depth, size) for depth, size in curve.points]
    return Table(("model", "kind", "convolutions", "px"), tuple(rows))


def _choose_others(subject: Subject) -> list[str]:
    """The networks to compare with; by default the untrained one.

    A run can be compared with its own checkpoints.
    """
    own = [
        checkpoint_names.at(subject.model, checkpoint)
        for checkpoint in checkpoint_names.saved(subject.model)
    ]
    chosen = _others_in_address(subject.model, own)
    options = list(dict.fromkeys((*own, *AGAINST, *chosen)))
    options = [name for name in options if name != subject.model]
    st.session_state["against"] = [name for name in chosen if name in options]
    picked: list[str] = st.multiselect(
        _("Compared with"),
        options,
        key="against",
        format_func=lambda name: _own_checkpoint(name) if name in own else model_title(name),
        on_change=_keep_others,
    )
    return picked


def _others_in_address(model: str, own: list[str]) -> list[str]:
    """The names in the address; where it holds none, the untrained network."""
    address = url_state.chosen("against")
    if address is not None:
        return [name for name in address.split(";") if name]
    untrained = (*own[:1], UNTRAINED.get(model))
    return [name for name in untrained if name and name != model]


def _keep_others() -> None:
    """Remember the networks; a semicolon alone says that none is wanted."""
    url_state.choose("against", ";".join(st.session_state["against"]) or ";")


def _own_checkpoint(name: str) -> str:
    """The title of a checkpoint of the run itself.

    Without the run's title, which may become known while the page is open: the widget would lose
    its choice.
    """
    checkpoint = checkpoint_names.checkpoint(name) or checkpoint_names.END
    return _("this run, {checkpoint}").format(checkpoint=checkpoint_names.title(checkpoint))


def _curve_or_refusal(name: str, side: int) -> growth.Curve | None:
    """The curve of a network, or a sentence on the page why there is none."""
    try:
        return _curve(name, side)
    except ResvizError as refusal:
        st.caption(escaped(whole(refusal)))
        return None


def _curve(name: str, side: int) -> growth.Curve:
    """The sizes of a network's windows and blocks."""
    _load(name)
    fields, depth = receptive_fields.theoretical(name, side), _depths(name)
    rungs = ladder.rungs(name, side)
    drawn = [
        layer.name
        for layer in models.layers(name)
        if layer.name in fields and (layer.kind in WINDOWS or layer.name in rungs)
    ]
    effective = ladder.effective_sizes(name, side, rungs)
    spec = models.model(name).spec
    return growth.Curve(
        name=model_title(name),
        family=spec.family if spec else "",
        depth=[depth[layer] for layer in drawn],
        size=[max(receptive_fields.own_size(fields[layer])) for layer in drawn],
        points=[(depth[layer], size) for layer, size in effective.items() if size],
    )


def _load(name: str) -> None:
    """Load the network with progress, unless it is there."""
    if models.is_loaded(name):
        return
    with page.progress(_("Loading {model}").format(model=escaped(name))) as update:
        models.model(name, update)


def _depths(name: str) -> dict[str, int]:
    """Layer -> convolutions up to it, without those in shortcuts."""
    depths: dict[str, int] = {}
    passed = 0
    for layer in models.layers(name):
        in_shortcut = "downsample" in layer.name.split(".")
        passed += layer.kind == "Conv2d" and not in_shortcut
        depths[layer.name] = passed
    return depths
