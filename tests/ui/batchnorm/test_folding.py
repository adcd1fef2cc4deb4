"""BatchNorm folded away, and what cannot be folded."""

from tests.app.test_pages import words
from tests.ui.batchnorm.pages import charts, page


def test_folding_draws_both_factors_and_says_how_well_it_was_checked() -> None:
    app = page(aspect="fold", bn="layer1.0.bn1", batch="photo")
    assert charts(app) == 1
    assert "What layer1.0.bn1 makes of layer1.0.conv1" in words(app)
    assert (
        "Checked on these 1 images: with 7 layers folded, no output changes by more than"
        in words(app)
    )


def test_a_norm_that_follows_no_convolution_is_not_folded() -> None:
    app = page(model="new/preactivation-8?width=4", aspect="fold", bn="layer1.0.bn1")
    assert not app.error
    says = "layer1.0.bn1 cannot be folded. Something else uses the output of conv1"
    assert says in app.info[0].value
