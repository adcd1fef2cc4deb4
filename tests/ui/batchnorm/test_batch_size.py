"""The funnel and the errors over the size of the batch."""

from tests.app.test_pages import words
from tests.ui.batchnorm.pages import charts, page


def test_batch_size_draws_the_funnel_and_the_errors() -> None:
    app = page(aspect="size", batch="noise")
    assert not app.error
    assert charts(app) == 2
    assert "drawn from these 8 images" in words(app)
    assert "The 1,024 cells of an image count like " in words(app)


def test_batch_size_of_one_photo_is_one_sentence() -> None:
    app = page(aspect="size", batch="photo")
    assert len(app.error) == 1
    assert "add a second one" in app.error[0].value
