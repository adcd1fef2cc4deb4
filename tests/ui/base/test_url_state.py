"""What a visitor has chosen: in the session, and in the address."""

import json

import pytest
from streamlit.testing.v1 import AppTest

from resviz.ui.base import url_state

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


PAGES = """
import streamlit as st
from resviz.ui.base import url_state
url_state.publish(st.session_state.get("page", "first"))
st.text(str(url_state.chosen("model")))
st.text(str(dict(url_state._choices())))
st.button("b", on_click=url_state.choose, args=("model", "b"))
"""


def walk(**address: str) -> AppTest:
    app = AppTest.from_string(PAGES)
    for key, value in address.items():
        app.query_params[key] = value
    return app.run()


def go(app: AppTest, page: str, **address: str) -> AppTest:
    """What the browser does on a link: another page, and the address that the link names."""
    app.session_state["page"] = page
    app.query_params.clear()
    for key, value in address.items():
        app.query_params[key] = value
    return app.run()


def completed(app: AppTest) -> str | None:
    """The query that the browser is asked to complete its address with."""
    (bar,) = app.get("bidi_component")
    query: str | None = json.loads(bar.proto.json)["query"]
    return query


def test_another_page_keeps_the_choices_and_its_bare_address_is_completed_without_a_step() -> None:
    app = go(walk(model="a", sample="dog"), "second")
    assert app.text[0].value == "a"
    assert dict(app.query_params) == {}, "Streamlit would add a step to the history"
    assert completed(app) == "model=a&sample=dog"


def test_a_link_brings_its_choices_along_once() -> None:
    app = go(walk(model="a"), "second", sample="dog")
    assert completed(app) == "model=a&sample=dog"
    app.button[0].click().run()
    assert app.text[0].value == "b", "the address is the link's still, and older than the click"


def test_a_click_is_a_step_of_the_history_and_back_undoes_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = walk(model="a")
    app.button[0].click().run()
    assert app.query_params["model"] == "b"
    assert completed(app) is None
    monkeypatch.setattr(url_state, "_is_back_or_forward", lambda: True)
    assert go(app, "first", model="a").text[0].value == "a"
    assert go(app, "first").text[0].value == "None", "before anything was chosen"


@pytest.mark.parametrize(
    ("key", "value"),
    [("model", "file/\0"), ("model", "a\nb"), ("units", "9" * 5000), ("k" * 99, "a"), ("A-b", "a")],
)
def test_what_no_page_writes_into_an_address_is_not_read_from_it(key: str, value: str) -> None:
    app = walk(**{key: value, "sample": "dog"})
    assert not app.exception
    assert app.text[1].value == "{'sample': 'dog'}"
