"""The sidebar of every page: which model, which picture, where it runs. And the pickers that pages share."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from resviz.data import samples
from resviz.data.images import Picture
from resviz.errors import ImageError
from resviz.figures import boards, raster
from resviz.ui import board, cache, view
from resviz.ui.i18n import translate as _
from resviz.ui.layout import escaped, progress, refusals, wide

if TYPE_CHECKING:
    import numpy as np

    from resviz.models.zoo import ModelInfo
    from resviz.probes.architecture import Layer

DEFAULT_MODEL = "bundled/resnet18-imagenette"
SOURCES = ("sample", "upload", "camera")


@dataclass(frozen=True, slots=True)
class Subject:
    """What a page is about: a model by name and a picture with its hash."""

    model: str
    shown: Picture
    title: str

    @property
    def sha(self) -> str:
        return self.shown.sha256


def sidebar() -> None:
    """Draw the sidebar's places; `subject` fills in what takes time."""
    with st.sidebar:
        _model_picker()
        _picture_picker()
        st.session_state["card"] = st.empty()
        st.session_state["device_line"] = st.empty()


def subject() -> Subject:
    """Model and picture as chosen; stops the page with one sentence where the model cannot be had."""
    with refusals():
        name = st.session_state["model"] or DEFAULT_MODEL
        cache.refresh(name)
        if not cache.is_loaded(name):
            update = progress(_("Loading {model}").format(model=escaped(name)))
            update(0.0)
            try:
                cache.model(name, update)
            finally:
                update(1.0)
    title, shown = _picture_or_the_one_before()
    _say_notes(shown)
    _say_card(name)
    _say_device()
    return Subject(name, shown, title)


def _picture_or_the_one_before() -> tuple[str, Picture]:
    """The chosen picture; where it is refused, the sentence that says why, and what was shown before."""
    title, data = _chosen_picture()
    try:
        shown = cache.picture(data)
    except ImageError as refusal:
        st.error(escaped(str(refusal)))
        title, data = st.session_state.get("shown_before", _first_sample())
        return title, cache.picture(data)
    if (title, data) != _first_sample():  # it may only stand in for an upload to come
        st.session_state["shown_before"] = title, data
    return title, shown


def _model_picker() -> None:
    infos = {info.name: info for info in cache.catalogue()}
    named = view.chosen("model")
    names = [*infos, *cache.files()]
    names += [named] if named and named not in names else []
    view.pick(
        st.selectbox,
        _("Model"),
        names,
        DEFAULT_MODEL if DEFAULT_MODEL in infos else names[0],
        "model",
        format_func=lambda name: _model_title(infos, name),
        accept_new_options=True,
        help=_("Choose one, or type a name: new/plain-56, torchvision/resnet50?weights=none, file/PATH."),
    )


def _model_title(infos: "dict[str, ModelInfo]", name: str) -> str:
    group = name.partition("/")[0]
    if name not in infos:
        return name if group != "file" else name.rpartition("/")[2] + _(" · file")
    away = "" if infos[name].offline else _(" (to download)")
    return f"{infos[name].title} · {group}{away}"


def _picture_picker() -> None:
    source = view.pick(
        st.segmented_control,
        _("Picture"),
        SOURCES,
        "sample",
        "source",
        required=True,
        format_func=_source_title,
        width="stretch",
    )
    if source == "sample":
        _sample_picker()
    elif source == "upload":
        st.file_uploader(
            _("A photo, at most 10 MB"), key="upload", on_change=_keep, args=("upload",), label_visibility="collapsed"
        )
        st.caption(_("PNG, JPEG, WebP, GIF, BMP, TIFF or AVIF. It stays in the server's memory and is never stored."))
    else:
        st.camera_input(
            _("Take a photo"), key="camera", on_change=_keep, args=("camera",), label_visibility="collapsed"
        )
        st.caption(_("The photo stays in the server's memory and is never stored."))


def _source_title(source: str) -> str:
    return {"sample": _("Sample"), "upload": _("Upload"), "camera": _("Camera")}[source]


def _keep(source: str) -> None:
    """Keep an upload for the session: Streamlit forgets it when the page changes. Removing it forgets it here too."""
    file = st.session_state[source]
    st.session_state[f"kept-{source}"] = (file.name, file.getvalue()) if file is not None else None


def _sample_picker() -> None:
    titles = {sample.key: sample.title for sample in samples.SAMPLES}
    first = next(iter(titles))
    board.show(boards.thumbnails(_sample_tiles(), view.chosen("sample") or first), "samples", "sample")
    view.pick(
        st.selectbox,
        _("Sample photo"),
        list(titles),
        first,
        "sample",
        format_func=titles.__getitem__,
        label_visibility="collapsed",
    )


@st.cache_data(show_spinner=False)
def _sample_tiles() -> list[boards.Tile]:
    return [
        boards.Tile(s.key, raster.data_uri(raster.photo_jpeg(cache.picture(samples.read(s.key)).image, 120)), s.title)
        for s in samples.SAMPLES
    ]


def _chosen_picture() -> tuple[str, bytes]:
    """Title and bytes of the chosen picture; without an upload yet, what was shown before."""
    source = st.session_state["source"]
    if source != "sample":
        kept: tuple[str, bytes] | None = st.session_state.get(f"kept-{source}")
        if kept is not None:
            return kept
        st.info(_("Nothing chosen yet: a sample is shown."))
        return _first_sample()
    key = st.session_state["sample"]
    return samples.find(key).title, samples.read(key)


def _first_sample() -> tuple[str, bytes]:
    first = samples.SAMPLES[0]
    return first.title, samples.read(first.key)


def _say_notes(shown: Picture) -> None:
    with st.sidebar:
        for note in shown.notes:
            st.caption(escaped(note))


def _say_card(name: str) -> None:
    """What the model was trained on and how often it is right, by class; its other notes."""
    loaded = cache.model(name)
    card: Mapping[str, Any] = loaded.card
    ours = name.startswith(("bundled/", "run/")) and "accuracy" in card  # a foreign file may say anything
    with st.session_state["card"].expander(_("About this model")):
        for note in loaded.notes:
            st.caption(escaped(note))
        if not ours:
            st.caption(_("{count} classes. No record of its training.").format(count=len(loaded.labels)))
            return
        by_class = {label: share for label, share in card["by_class"].items() if share is not None}
        st.caption(
            _("Trained on {data}, {train:,} images. Right on {accuracy:.1%} of {test:,} others ({date}).").format(
                data=escaped(card["dataset"]["name"]),
                train=card["images"]["train"],
                accuracy=card["accuracy"],
                test=card["images"]["test"],
                date=card["date"],
            )
        )
        board.show(boards.share_list(sorted(by_class.items(), key=lambda row: -row[1])), "by_class")


def _say_device() -> None:
    cache.warm_up()
    from resviz.device import best

    st.session_state["device_line"].caption(_("Runs on {device}.").format(device=best().where()))


def layer_picker(subject: Subject, default: str) -> "Layer":
    """The network block by block, the chosen block from inside, and a list of all layers with a spatial output."""
    spatial = {layer.name: layer for layer in cache.layers(subject.model) if layer.spatial}
    names = list(spatial)
    chosen = view.chosen("layer")
    chosen = chosen if chosen in spatial else default
    block = _block_of(chosen, subject.model)
    drawing, naming = wide("layer").columns([2.6, 1], gap="medium", vertical_alignment="bottom")
    with drawing:
        board.show(boards.network(network_cells(subject.model, spatial), block), "net", "layer")
        inside = _inside(block, spatial)
        if inside:
            board.show(boards.network([(_("inside {block}").format(block=block), inside)], chosen), "inside", "layer")
    with naming:
        picked = view.pick(
            st.selectbox, _("Layer"), names, default, "layer", format_func=lambda name: layer_title(spatial[name])
        )
    return spatial[picked]


def _inside(block: str, spatial: "dict[str, Layer]") -> list[boards.Cell]:
    """The block's own layers; what a projection is made of is in the list of layers."""
    own = [name for name in spatial if name.startswith(f"{block}.") and "." not in name.removeprefix(f"{block}.")]
    return [_cell(name, name.removeprefix(f"{block}."), spatial[name]) for name in own]


def layer_title(layer: "Layer") -> str:
    """Name, shape and kind of a layer on one line."""
    return f"{layer.name} · {'×'.join(map(str, layer.output_shape))} · {layer.kind}"


def network_cells(model: str, spatial: "dict[str, Layer]") -> list[tuple[str, list[boards.Cell]]]:
    """Stages with their blocks, for the drawing; the stem's layers come first."""
    blocks = cache.block_names(model)
    first = next((i for i, name in enumerate(spatial) if any(name.startswith(b) for b in blocks)), len(spatial))
    stem = [name for name in list(spatial)[:first] if spatial[name].kind not in ("Identity", "Tap")]
    stages: dict[str, list[boards.Cell]] = {_("stem"): [_cell(name, name, spatial[name]) for name in stem]}
    for name in blocks:
        if name in spatial:
            stage, _dot, number = name.rpartition(".")
            stages.setdefault(stage or name, []).append(_cell(name, number, spatial[name]))
    return [(f"{stage}  {_size(cells)}", cells) for stage, cells in stages.items() if cells]


def _cell(name: str, text: str, layer: "Layer") -> boards.Cell:
    return boards.Cell(name, text, layer_title(layer))


def _size(cells: list[boards.Cell]) -> str:
    return cells[-1].hint.split(" · ")[1]


def _block_of(layer: str, model: str) -> str:
    """The block that a layer lies in, or the layer itself."""
    return next((b for b in cache.block_names(model) if layer == b or layer.startswith(f"{b}.")), layer)


def class_picker(label: str, subject: Subject, default: int, key: str) -> int:
    """A class by its name."""
    labels = cache.model(subject.model).labels
    return view.pick(st.selectbox, label, range(len(labels)), default, key, format_func=lambda i: labels[i])


def map_with_scale(values: "np.ndarray", scale: raster.Range, alt: str) -> str:
    """A map cell by cell over its colour scale."""
    return boards.pixels(raster.data_uri(raster.map_png(values, scale)), alt) + scale_bar(scale)


def scale_bar(scale: raster.Range) -> str:
    """A colour scale with the values at its ends."""
    legend = raster.data_uri(raster.scale_png(scale.signed))
    return boards.colour_bar(legend, f"{scale.low:.3g}", f"{scale.high:.3g}")
