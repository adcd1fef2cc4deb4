"""One of several, picked by a click or by the address."""

from streamlit.testing.v1 import AppTest

SCRIPT = """
import streamlit as st
from resviz.ui.base import url_state
from resviz.ui.widgets.segmented import segmented
picked = segmented("Order", {"index": "Number", "mean": "Mean"}, "index", "order")
st.text(f"{picked} {url_state.chosen('order')}")
"""


def test_the_default_counts_until_something_is_picked_and_is_no_choice() -> None:
    app = AppTest.from_string(SCRIPT).run()
    assert app.text[0].value == "index None"
    app.get("button_group")[0].set_value("mean").run()
    assert app.text[0].value == "mean mean"


def test_the_address_picks_one_and_nonsense_in_it_none() -> None:
    for value, picked in (("mean", "mean"), ("magic", "index")):
        app = AppTest.from_string(SCRIPT)
        app.query_params["order"] = value
        assert app.run().text[0].value.split()[0] == picked
