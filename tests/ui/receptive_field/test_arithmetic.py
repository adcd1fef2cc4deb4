"""The arithmetic on the page."""

from tests.ui.receptive_field.pages import page


def test_the_arithmetic_ends_with_the_layers_field() -> None:
    app = page(layer="layer2.0", more="arithmetic")
    table = app.dataframe[0].value
    assert list(table["r"]) == [3, 5, 7, 9, 13]
    assert list(table["j"]) == [1, 1, 1, 2, 2]
    assert app.get("latex")
