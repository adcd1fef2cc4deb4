"""The picture of the sidebar: samples, uploads, and what is shown when one is refused."""

import io

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from resviz.data.images import decode
from resviz.ui.shell import image_picker
from tests.app.test_pages import SMALL, png, run, words


def upload(name: str, data: bytes) -> AppTest:
    app = run(model=SMALL, source="upload")
    app.get("file_uploader")[0].set_value([(name, data, "application/octet-stream")])
    return app.run()


def test_without_an_upload_the_page_says_so_and_shows_a_sample() -> None:
    app = run(model=SMALL, source="upload")
    assert [info.value for info in app.info] == ["Nothing chosen yet: a sample is shown."]
    assert "never stored" in words(app)


def test_a_constant_photo_is_shown_like_any_other() -> None:
    app = upload("white.png", png())
    assert not app.exception
    assert not app.error


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("photo.png", b"%PDF-1.7 and more", "PDF"),
        ("photo.jpg", png()[:60], "PNG"),
        ("tiny.png", png((3, 3)), "16"),
    ],
)
def test_a_refused_upload_is_one_sentence_and_loses_nothing(
    name: str, data: bytes, says: str
) -> None:
    app = upload(name, data)
    assert not app.exception
    assert len(app.error) == 1
    assert says in app.error[0].value
    assert app.selectbox(key="model").value == SMALL
    assert "Grad-CAM at" in words(app), "what was shown before is still shown"


def test_a_refused_upload_names_what_is_shown_instead_and_no_note_of_another_picture_stays() -> (
    None
):
    app = upload("white.png", png())
    assert "one single colour" in words(app)
    app.get("file_uploader")[0].set_value([("dot.png", png((1, 1)), "image/png")]).run()
    (error,) = app.sidebar.error
    assert error.value.startswith("dot.png: The picture has 1 x 1 pixels")
    assert error.value.endswith("white.png is shown instead.")
    assert "**The photo here is white.png: dot.png was refused.**" in [
        caption.value for caption in app.main.caption
    ]
    assert "one single colour" not in words(app)


def test_a_photo_in_use_stays_in_sight_on_every_page_and_can_be_removed() -> None:
    app = upload("white.png", png())
    for page in ("attribution", "overview"):
        app.switch_page(f"pages/{page}.py").run()
        assert "white.png" in in_use(app)
    (remove,) = [button for button in app.button if button.label == "Remove"]
    remove.click().run()
    assert in_use(app) == ""
    assert [info.value for info in app.info] == ["Nothing chosen yet: a sample is shown."]


def in_use(app: AppTest) -> str:
    boards = [board.proto for board in app.get("bidi_component")]
    return "".join(board.json for board in boards if board.id.endswith("board-upload"))


def noise(side: int) -> bytes:
    """A picture that no encoder makes smaller."""
    file = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def test_a_large_photo_is_scaled_down_at_once_and_the_picker_says_so() -> None:
    data = noise(2500)
    assert len(data) > image_picker.LARGE
    kept = image_picker.scaled_down("large.png", data)
    assert decode(kept.data).image.size == (image_picker.SIDE, image_picker.SIDE)
    assert len(kept.data) < len(data) / 2
    assert "The file of 17.9 MB was scaled down to 2,048 x 2,048 pixels." in words(
        upload("large.png", data)
    )


def test_a_small_photo_and_what_is_no_photo_are_kept_as_they_are() -> None:
    for data in (png(), b"%PDF" + bytes(image_picker.LARGE)):
        assert image_picker.scaled_down("a", data) == image_picker.Upload("a", data)
