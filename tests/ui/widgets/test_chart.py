"""How a figure comes onto a page: its alt text, caption, reading help and numbers."""

import json

from streamlit.testing.v1 import AppTest

SCRIPT = """
import plotly.graph_objects as go
from resviz.tables import Table
from resviz.ui.widgets.chart import chart
chart(
    go.Figure(go.Scatter(x=[1, 2], y=[3, 4])),
    "A line that rises",
    "It *rises*.",
    Table(("x", "y"), ((1, 3), (2, 4))),
    name="line",
    how_to_read="Up is more.",
)
"""


def test_a_chart_has_alt_caption_folded_help_and_a_download() -> None:
    app = AppTest.from_string(SCRIPT).run()
    assert not app.exception
    (figure,) = app.get("plotly_chart")
    assert figure.proto.alt == "A line that rises"
    assert json.loads(figure.proto.config)["displayModeBar"] is False
    assert [caption.value for caption in app.caption] == ["It *rises*."]
    (help_,) = app.expander
    assert help_.label == "How to read this"
    assert not help_.proto.expanded
    assert help_.markdown[0].value == "Up is more."
    (download,) = app.get("download_button")
    assert download.proto.label == "Download the numbers"


def test_a_chart_without_words_draws_the_figure_alone() -> None:
    script = SCRIPT.split("chart(\n")[0] + 'chart(go.Figure(), "Nothing")'
    app = AppTest.from_string(script).run()
    assert not app.exception
    assert len(app.get("plotly_chart")) == 1
    assert not app.caption
    assert not app.expander
    assert not app.get("download_button")
