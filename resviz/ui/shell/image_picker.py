"""The picture that a page is about: a sample, an upload or a shot of the camera."""

from typing import TYPE_CHECKING

import streamlit as st

from resviz.data import samples
from resviz.data.images import Picture
from resviz.errors import ImageError
from resviz.figures import html, raster
from resviz.ui.base import checkpoint_names, url_state
from resviz.ui.base.i18n import said, whole
from resviz.ui.base.i18n import translate as _
from resviz.ui.base.page import escaped
from resviz.ui.services import models, photo_results
from resviz.ui.shell.model_picker import DEFAULT_MODEL
from resviz.ui.widgets import clickable
from resviz.ui.widgets.segmented import segmented

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

REFUSED, _NOTES = "photo_refused", "photo_notes"  # places: over the results, under the picker


def photo_picker() -> None:
    """Draw the choice of a picture, and under it the place for notes on it."""
    titles = {"sample": _("Sample"), "upload": _("Upload"), "camera": _("Camera")}
    source = segmented(_("Picture"), titles, "sample", "source", stretch=True)
    promise = ""
    if source == "sample":
        _sample_picker()
    elif source == "upload":
        st.file_uploader(
            _("A photo, at most 10 MB"),
            key="upload",
            on_change=_keep,
            args=("upload",),
            label_visibility="collapsed",
        )
        promise = _(
            "PNG, JPEG, WebP, GIF, BMP, TIFF or AVIF. "
            "It stays in the server's memory and is never stored."
        )
    else:
        st.camera_input(
            _("Take a photo"),
            key="camera",
            on_change=_keep,
            args=("camera",),
            label_visibility="collapsed",
        )
        promise = _("The photo stays in the server's memory and is never stored.")
    st.session_state[_NOTES] = st.container()
    if promise:
        st.caption(promise)


def photo_or_the_one_before() -> tuple[str, Picture]:
    """Decode the chosen picture; where it is refused, return the one before and say so.

    Notes on a picture stand under its picker; a refusal stands over the results of the other
    picture too.
    """
    title, data = _chosen_picture()
    try:
        photo = photo_results.picture(data)
    except ImageError as refusal:
        return _stand_in(title, refusal)
    if (title, data) != _first_sample():  # it may only stand in for an upload to come
        st.session_state["shown_before"] = title, data
    for note in photo.notes:
        _under_picker().caption(escaped(said(note)))
    return title, photo


def _stand_in(refused: str, refusal: ImageError) -> tuple[str, Picture]:
    title, data = st.session_state.get("shown_before", _first_sample())
    names = {"title": escaped(said(title)), "refused": escaped(said(refused))}
    instead = _("{title} is shown instead.").format(**names)
    _under_picker().error(f"{names['refused']}: {escaped(whole(refusal))}\n\n{instead}")
    notice = _("The photo here is {title}: {refused} was refused.").format(**names)
    st.session_state[REFUSED].caption(f"**{notice}**")
    return title, photo_results.picture(data)


def _under_picker() -> "DeltaGenerator":
    place: DeltaGenerator = st.session_state[_NOTES]
    return place


def _keep(source: str) -> None:
    """Keep an upload for the session: Streamlit forgets it when the page changes.

    Removing it forgets it here too.
    """
    file = st.session_state[source]
    st.session_state[f"kept-{source}"] = (file.name, file.getvalue()) if file is not None else None


def _sample_picker() -> None:
    titles = {sample.key: said(sample.title) for sample in _offered()}
    first = next(iter(titles))
    tiles = [html.Tile(key, _thumbnail(key), title) for key, title in titles.items()]
    clickable.show(html.thumbnails(tiles, url_state.chosen("sample") or first), "samples", "sample")
    url_state.pick(
        st.selectbox,
        _("Sample photo"),
        list(titles),
        first,
        "sample",
        format_func=titles.__getitem__,
        label_visibility="collapsed",
    )


@st.cache_data(show_spinner=False)
def _thumbnail(key: str) -> str:
    return raster.data_uri(raster.photo_jpeg(photo_results.picture(samples.read(key)).image, 120))


def _chosen_picture() -> tuple[str, bytes]:
    """Return title and bytes of the chosen picture; without an upload yet, of a sample."""
    source = st.session_state["source"]
    if source != "sample":
        upload: tuple[str, bytes] | None = st.session_state.get(f"kept-{source}")
        if upload is not None:
            return upload
        _under_picker().info(_("Nothing chosen yet: a sample is shown."))
        return _first_sample()
    key = st.session_state["sample"]
    return samples.find(key).title, samples.read(key)


def _offered() -> tuple[samples.Sample, ...]:
    """The samples that suit the chosen model; its side is known before its weights are loaded."""
    sides = {info.name: info.input_size for info in models.catalogue()}
    model = checkpoint_names.base(st.session_state.get("model") or DEFAULT_MODEL)
    return samples.offered(sides.get(model, 224))


def _first_sample() -> tuple[str, bytes]:
    first = _offered()[0]
    return first.title, samples.read(first.key)
