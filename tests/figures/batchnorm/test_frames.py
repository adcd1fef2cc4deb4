"""What the figures on BatchNorm share."""

import plotly.graph_objects as go
import pytest

from resviz.figures.batchnorm.frames import frame, layer_axis, legend_below
from resviz.figures.theme import template


@pytest.mark.parametrize("dark", [False, True])
def test_a_frame_has_the_theme_of_the_page_and_the_height_asked_for(dark: bool):
    layout = frame(go.Figure(), dark, 123, legend=legend_below(-0.2)).layout
    assert (layout.template, layout.height) == (template(dark), 123)
    assert (layout.legend.orientation, layout.legend.y) == ("h", -0.2)


def test_layers_are_names_even_where_they_look_like_numbers():
    figure = go.Figure(go.Scatter(x=["0", "10", "2"], y=[1, 2, 3]))
    layer_axis(figure)
    assert figure.layout.xaxis.type == "category"
