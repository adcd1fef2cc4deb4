"""The picture that a page is about: a sample, an upload or a shot of the camera."""

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from resviz.data import samples
from resviz.data.images import Picture, decode
from resviz.errors import ImageError, Sentence
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

LARGE = 10 * 2**20  # bytes; a larger file is scaled down as it comes
SIDE = 2048  # pixels of its longer side then, far more than any network sees
REFUSED, _NOTES = "photo_refused", "photo_notes"  # places: over the results, under the picker


@dataclass(frozen=True, slots=True)
class Upload:
    """A photo of the visitor as it is kept, and what was done to it."""

    name: str
    data: bytes
    note: Sentence | None = None


def photo_picker() -> None:
    """Draw the choice of a picture, and under it the place for notes on it."""
    titles = {"sample": _("Sample"), "upload": _("Upload"), "camera": _("Camera")}
    source = segmented(_("Picture"), titles, "sample", "source", stretch=True)
    promise = ""
    if source == "sample":
        _sample_picker()
    else:
        _show_upload(source)
        promise = _uploader(source)
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


def _uploader(source: str) -> str:
    """Draw the uploader or the camera; return what is promised below it."""
    key = f"{source}-{st.session_state.get(_round(source), 0)}"
    if source == "camera":
        st.camera_input(
            _("Take a photo"),
            key=key,
            on_change=_keep,
            args=(source, key),
            label_visibility="collapsed",
        )
        return _("The photo stays in the server's memory and is never stored.")
    st.file_uploader(
        _("A photo, at most 25 MB"),
        key=key,
        on_change=_keep,
        args=(source, key),
        label_visibility="collapsed",
    )
    return _(
        "PNG, JPEG, WebP, GIF, BMP, TIFF or AVIF. "
        "It stays in the server's memory and is never stored."
    )


def _keep(source: str, key: str) -> None:
    """Keep an upload for the session, for Streamlit forgets it when the page changes.

    The uploader is made new, so that the server holds the file once, and no more of a large one
    than any network sees.
    """
    file = st.session_state[key]
    if file is not None:
        st.session_state[_kept(source)] = scaled_down(file.name, file.getvalue())
        st.session_state[_round(source)] = st.session_state.get(_round(source), 0) + 1


def scaled_down(name: str, data: bytes) -> Upload:
    """Scale a large photo down at once; a smaller one, or what is no photo, stays as it is."""
    if len(data) <= LARGE:
        return Upload(name, data)
    try:
        photo = decode(data)
    except ImageError:  # said where the photo would be shown
        return Upload(name, data)
    image = photo.image.copy()
    image.thumbnail((SIDE, SIDE))
    file = io.BytesIO()
    image.save(file, "JPEG", quality=95, subsampling=0)
    note = Sentence(
        "The file of {size:.1f} MB was scaled down to {width:,} x {height:,} pixels.",
        size=len(data) / 2**20,
        width=image.width,
        height=image.height,
    )
    return Upload(name, file.getvalue(), note)


def _show_upload(source: str) -> None:
    """The photo in use and the way to take it back: the uploader of another page looks empty."""
    upload: Upload | None = st.session_state.get(_kept(source))
    if upload is None:
        return
    with st.container(horizontal=True, vertical_alignment="center", key="upload-in-use"):
        try:
            photo = photo_results.picture(upload.data)
        except ImageError:
            st.caption(escaped(upload.name))
        else:
            small = raster.data_uri(photo_results.jpeg(photo, 80))
            clickable.show(html.named_photo(small, upload.name), "upload")
        st.button(_("Remove"), on_click=_forget_upload, args=(source,))
    if upload.note:
        st.caption(said(upload.note))


def _forget_upload(source: str) -> None:
    st.session_state.pop(_kept(source), None)


def _kept(source: str) -> str:
    return f"kept-{source}"


def _round(source: str) -> str:
    return f"round-{source}"


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
        upload: Upload | None = st.session_state.get(_kept(source))
        if upload is not None:
            return upload.name, upload.data
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
