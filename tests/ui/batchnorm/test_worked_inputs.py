"""The numbers of the example: typed, or in the address."""

import pytest

from tests.app.test_pages import words
from tests.ui.batchnorm.pages import charts, page


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("2", "batch of one"),
        ("2, x", "no number"),
        ("nan, 1", "no number"),
        ("inf, 1", "too large"),
        ("1, 2\n1", "equally many"),
        ("", "1 to 4 lines"),
    ],
)
def test_a_batch_that_cannot_be_is_one_sentence(text: str, says: str) -> None:
    app = page(aspect="hand")
    app.text_area(key="hand_batch").set_value(text).run()
    assert not app.exception
    assert len(app.error) == 1
    assert says in app.error[0].value


def test_the_address_tells_a_whole_example_by_hand() -> None:
    app = page(
        aspect="hand",
        step="6",
        hand_batch="1,3/5,5",
        hand_gamma="2",
        hand_beta="-1",
        hand_momentum="0.25",
        hand_bias="3",
    )
    assert not app.error
    assert not app.warning
    assert app.text_area(key="hand_batch").value == "1, 3\n5, 5"
    assert "Channel 2 is constant" in words(page(aspect="hand", step="4", hand_batch="1,3/5,5"))
    assert r"\tfrac{1}{2} (4 + 6) = 5" in app.latex[0].value  # with the bias
    assert r"2\,\hat x_i + (-1)" in app.latex[4].value
    assert "= 1.25" in app.latex[5].value  # a quarter of the mean 5


def test_what_is_typed_by_hand_goes_into_the_address() -> None:
    app = page(aspect="hand")
    app.text_area(key="hand_batch").set_value("1, 2\n3, 4").run()
    app.number_input(key="hand_beta").set_value(1.5).run()
    chosen = app.session_state["view"]  # what goes into the address
    assert (chosen["hand_batch"], chosen["hand_beta"]) == ("1,2/3,4", "1.5")


@pytest.mark.parametrize(
    ("key", "told"),
    [("hand_gamma", "abc"), ("hand_beta", "nan"), ("hand_momentum", "7"), ("hand_bias", "<b>")],
)
def test_a_malformed_number_in_the_address_is_a_sentence_and_the_default(
    key: str, told: str
) -> None:
    app = page(aspect="hand", **{key: told})
    assert not app.error
    assert len(app.warning) == 1
    assert "is no number from" in app.warning[0].value
    assert charts(app) == 2


@pytest.mark.parametrize("told", ["1", "1,2/3", "x,y", "1e999,2", "/".join(["1,2"] * 5)])
def test_a_malformed_batch_in_the_address_is_a_sentence_and_the_first_example(told: str) -> None:
    app = page(aspect="hand", hand_batch=told)
    assert len(app.error) == 1
    assert "the first example is shown" in app.error[0].value
    assert r"\tfrac{1}{2} (2 + 6) = 4" in app.latex[0].value
