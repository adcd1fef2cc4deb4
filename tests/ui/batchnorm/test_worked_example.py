"""BatchNorm by hand, step by step."""

from tests.app.test_pages import SMALL, words
from tests.ui.batchnorm.pages import charts, drawn, page


def test_by_hand_works_for_a_network_without_batch_norm_as_well() -> None:
    app = page(model=f"{SMALL}&norm=none", aspect="hand")
    assert not app.info
    assert charts(app) == 2


def test_by_hand_reveals_one_step_after_the_other() -> None:
    first, last = page(aspect="hand"), page(aspect="hand", step="6")
    assert not last.error
    assert (len(first.latex), len(last.latex)) == (1 + 2, 6 + 2)
    assert r"\tfrac{1}{2} (2 + 6) = 4" in first.latex[0].value
    assert "= 0.4" in last.latex[5].value
    assert "= 1.7" in last.latex[5].value


def test_by_hand_follows_the_batch_that_was_typed_and_the_bias_moves_only_the_running_mean() -> (
    None
):
    app = page(aspect="hand", step="5")
    app.text_area(key="hand_batch").set_value("1, 3, 5, 7")
    app.number_input(key="hand_gamma").set_value(2.0)
    app.slider(key="hand_bias").set_value(4.0).run()
    assert not app.exception
    assert "= 8" in app.latex[0].value  # the mean 4 and the bias
    assert "= 5" in app.latex[2].value  # the variance of 1, 3, 5, 7
    assert (
        "what goes in moves by 4, what comes out by 0. Only the running mean notices, by 0.4"
        in words(app)
    )


def test_with_a_bias_what_goes_in_is_called_x_plus_b() -> None:
    with_bias, without = (
        page(aspect="hand", step="4", hand_bias="2.5"),
        page(aspect="hand", step="4"),
    )
    assert r"\sum (x_i + b) = \tfrac{1}{2} (4.5 + 8.5) = 6.5" in with_bias.latex[0].value
    assert [with_bias.latex[i].value.count("x_i + b") for i in (1, 3)] == [1, 2]
    assert "the bias b = 2.5" in words(with_bias)
    lines, bars = zip(*(drawn(app) for app in (with_bias, without)), strict=True)
    assert [bar["data"][0]["x"] for bar in bars] == [["x₁ + b", "x₂ + b"], ["x₁", "x₂"]]
    assert [line["layout"]["yaxis"]["ticktext"] for line in lines] == [
        ["x + b", "x + b − μ", "x̂"],
        ["x", "x − μ", "x̂"],
    ]
    assert not any("+ b" in formula.value for formula in without.latex[:4])


def test_a_constant_channel_says_what_comes_out() -> None:
    app = page(aspect="hand", step="4")
    app.text_area(key="hand_batch").set_value("1, 2\n3, 3").run()
    assert "Channel 2 is constant" in words(app)
