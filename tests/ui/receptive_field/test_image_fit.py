"""Whether the image fits, on the page."""

from tests.app.test_pages import run, words


def test_the_fit_names_the_layer_that_outgrows_the_image() -> None:
    app = run("receptive_field", model="new/residual-20?width=4", more="fit", layer="layer1.0")
    assert "**From layer2.2.conv1 on a unit could see more" in words(app)  # 15, + 2, + 4 four times
    assert len(app.dataframe[0].value) == 19
