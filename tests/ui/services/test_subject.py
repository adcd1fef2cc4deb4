"""What results are cached by: the model's name and the photo's bytes."""

from PIL import Image

from resviz.data.images import Picture
from resviz.ui.services.subject import Subject


def photo(sha256: str) -> Picture:
    return Picture(Image.new("RGB", (16, 16)), "PNG", (16, 16), (), sha256)


def test_the_same_bytes_under_another_title_are_the_same_subject() -> None:
    first, second = Subject("a", photo("1"), "dog.png"), Subject("a", photo("1"), "copy.png")
    assert first == second
    assert hash(first) == hash(second)


def test_another_photo_or_another_model_is_another_subject() -> None:
    assert len({Subject("a", photo("1")), Subject("a", photo("2")), Subject("b", photo("1"))}) == 3
