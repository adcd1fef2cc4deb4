"""Colours: what they promise about lightness, and that they are the ones that were published."""

import tomllib
from pathlib import Path

import numpy as np
import plotly.express as px
import plotly.graph_objects as go
import pytest

from resviz.figures import theme
from resviz.figures.theme import ORDERED, SIGNED, WARM, signed, template

OKABE_ITO = {"#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7", "#000000"}
THEMES = tomllib.loads((Path(__file__).parents[2] / ".streamlit" / "config.toml").read_text())[
    "theme"
]
SURFACES = {dark: THEMES["dark" if dark else "light"]["backgroundColor"] for dark in (False, True)}


def rgb(code: str) -> tuple[int, ...]:
    return tuple(int(code[i : i + 2], 16) for i in (1, 3, 5))


def luminance(colours) -> np.ndarray:
    """Relative luminance of sRGB colours (WCAG 2)."""
    c = np.asarray(colours) / 255
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4) @ [
        0.2126,
        0.7152,
        0.0722,
    ]


def lightness(colours) -> np.ndarray:
    """CIE L*, 0 to 100."""
    y = luminance(colours)
    return np.where(y > 216 / 24389, 116 * np.cbrt(y) - 16, 24389 / 27 * y)


def contrast(a: str, b: str) -> float:
    low, high = sorted(luminance([rgb(a), rgb(b)]) + 0.05)
    return high / low


def test_the_family_colours_are_those_of_okabe_and_ito():
    used = [theme.RESIDUAL, theme.PLAIN, theme.GREEN, theme.PURPLE, theme.SKY, theme.YELLOW]
    assert len(set(used)) == 6
    assert set(used) <= OKABE_ITO
    assert (theme.RESIDUAL, theme.PLAIN) == ("#0072B2", "#D55E00")


def test_the_ordered_scale_is_plotlys_cividis():
    theirs = [rgb(code) for code in px.colors.sequential.Cividis]
    at = np.linspace(0, len(ORDERED) - 1, len(theirs)).round().astype(int)
    assert np.abs(ORDERED[at].astype(int) - theirs).max() <= 2


def test_ordered_colours_get_lighter_with_the_value():
    steps = np.diff(lightness(ORDERED))
    assert steps.min() >= 0
    assert lightness(ORDERED)[-1] - lightness(ORDERED)[0] > 70
    assert steps.max() < 1  # no jump that would look like an edge


def test_the_signed_scale_is_as_dark_on_either_side_and_white_in_the_middle():
    found = lightness(SIGNED)
    assert np.abs(found - found[::-1]).max() < 3
    assert SIGNED[len(SIGNED) // 2].tolist() == [255, 255, 255]
    half = len(SIGNED) // 2 + 1
    assert (np.diff(found[:half]) > 0).all()
    assert (np.diff(found[half - 1 :]) < 0).all()


def test_negative_is_blue_and_positive_is_red():
    middle = len(SIGNED) // 2
    red, blue = SIGNED[:, 0].astype(int), SIGNED[:, 2].astype(int)
    assert (blue[: middle - 1] > red[: middle - 1]).all()
    assert (red[middle + 2 :] > blue[middle + 2 :]).all()


def test_the_warm_scale_is_warm_and_gets_lighter():
    assert (WARM[:, 0] > WARM[:, 2]).all()
    assert np.diff(lightness(WARM)).min() >= 0


@pytest.mark.parametrize("dark", [False, True])
def test_signed_colours_leave_the_ground_of_the_page_evenly_to_either_side(dark: bool):
    colours = signed(dark)
    middle = len(colours) // 2
    assert colours[middle].tolist() == list(rgb(SURFACES[dark]))
    away = 1 if dark else -1
    for side in (colours[middle::-1], colours[middle:]):
        assert (away * np.diff(lightness(side)) >= -0.5).all()
    ends = lightness(colours[[0, -1]])
    assert abs(ends[0] - ends[1]) < 5
    assert colours[-1][0] > colours[-1][2], "red is positive"
    assert colours[0][2] > colours[0][0], "blue is negative"


@pytest.mark.parametrize(("scale", "colours"), [(ORDERED, 255), (SIGNED, 255), (WARM, 256)])
def test_scales_fit_into_a_palette(scale, colours):
    assert scale.shape == (colours, 3)
    assert scale.dtype == np.uint8


@pytest.mark.parametrize("dark", [False, True])
def test_text_can_be_read_on_its_theme_and_the_grid_stays_behind(dark):
    layout = template(dark).layout
    assert contrast(layout.font.color, SURFACES[dark]) > 7
    assert contrast(layout.xaxis.gridcolor, SURFACES[dark]) < 2
    assert layout.paper_bgcolor == layout.plot_bgcolor == "rgba(0,0,0,0)"  # the page shines through


@pytest.mark.parametrize("dark", [False, True])
def test_a_figure_takes_the_template(dark):
    figure = go.Figure(go.Scatter(y=[1, 2]), layout={"template": template(dark)})
    assert figure.layout.template.layout.colorway[:2] == (theme.RESIDUAL, theme.PLAIN)
    assert "http" not in figure.to_json()


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("colour", sorted(OKABE_ITO))
def test_letters_in_a_family_s_colour_can_be_read_on_the_page(colour, dark):
    found = theme.text_in(colour, dark)
    assert contrast(found, "#0B0D10" if dark else "#FFFFFF") >= 4.5
    if contrast(colour, "#0B0D10" if dark else "#FFFFFF") >= 4.5:
        assert found == colour, "what can be read already stays as it is"
