"""What a visitor has chosen: in the session, and in the address."""

from streamlit.testing.v1 import AppTest

SCRIPT = """
import streamlit as st
from resviz.ui.base import url_state
url_state.depends_on_model("layer")
url_state.publish("page")
for key in ("model", "layer", "sample"):
    st.text(str(url_state.chosen(key)))
st.button("other", on_click=url_state.choose, args=("model", "b"))
st.button("checkpoint", on_click=url_state.choose, args=("model", "run/r?checkpoint=epoch-1"))
"""


def visit(**address: str) -> AppTest:
    app = AppTest.from_string(SCRIPT)
    for key, value in address.items():
        app.query_params[key] = value
    return app.run()


def choices(app: AppTest) -> list[str]:
    return [text.value for text in app.text]


def test_another_model_forgets_its_layer_and_keeps_the_photo() -> None:
    app = visit(model="a", layer="conv1", sample="dog")
    assert choices(app) == ["a", "conv1", "dog"]
    app.button[0].click().run()
    assert choices(app) == ["b", "None", "dog"]
    assert "layer" not in app.query_params


def test_another_checkpoint_of_a_run_keeps_the_layer() -> None:
    app = visit(model="run/r", layer="conv1")
    app.button[1].click().run()
    assert choices(app) == ["run/r?checkpoint=epoch-1", "conv1", "None"]
