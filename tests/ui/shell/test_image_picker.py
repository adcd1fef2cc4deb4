"""The picture of the sidebar: samples, uploads, and what is shown when one is refused."""

import pytest
from streamlit.testing.v1 import AppTest

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
