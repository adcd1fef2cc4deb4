"""One layer and one channel of it."""

from tests.app.test_pages import words
from tests.ui.batchnorm.pages import page


def test_a_layer_before_a_shortcut_says_why_there_is_no_relu() -> None:
    assert "No ReLU follows directly" in words(page(batch="photo", bn="layer1.0.bn2"))
    assert "No ReLU follows directly" not in words(page(batch="photo", bn="layer1.0.bn1"))
