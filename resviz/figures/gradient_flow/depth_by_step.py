"""Gradient norms through training as pictures with one cursor: depth by step, two runs on one logarithmic scale."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from jaxtyping import Float, Int

from resviz.figures import raster
from resviz.figures.html import colour_bar


@dataclass(frozen=True, slots=True)
class Film:
    """What one run recorded: values (steps, layers), the layers from the input on."""

    title: str
    steps: Int[np.ndarray, " steps"]
    values: Float[np.ndarray, "steps layers"]
    layers: Sequence[str]


@dataclass(frozen=True, slots=True)
class Words:
    """Titles of the axes and of the quantity; `told` has {layer}, {step} and {value}, `none` stands for no number."""

    step: str
    layer: str
    quantity: str
    told: str
    none: str


def peaks(values: Float[np.ndarray, "steps layers"]) -> Int[np.ndarray, " steps"]:
    """The layer with the largest finite number at each step, -1 where there is none."""
    usable = np.where(np.isfinite(values), values, -np.inf)
    return np.where(np.isfinite(usable.max(1)), usable.argmax(1), -1)


def films(shown: Sequence[Film], span: tuple[float, float], at: int, words: Words) -> str:
    """Each run as a picture: a column for each step, a row for each layer, the input at the bottom; bright is large.

    The dotted line follows the layer where the norm peaks, the upright line stands at step `at`;
    what is zero or not finite is left empty. `span` are powers of ten (`log_axis.common_range`). A cursor
    over one picture stands in all, at the same step and the same share of the depth.
    """
    pictures = "".join(_film(film, span, words) for film in shown)
    scale = raster.data_uri(raster.scale_png(signed=False))
    told = escape(json.dumps({"at": at, "told": words.told, "none": words.none}))
    legend = colour_bar(scale, f"{10 ** span[0]:.2g}", f"{10 ** span[1]:.2g}")
    return f'<div class="films" data-films="{told}"><div class="row">{pictures}</div>{legend}</div>'


def _film(film: Film, span: tuple[float, float], words: Words) -> str:
    count, depth = film.values.shape
    numbers = base64.b64encode(np.ascontiguousarray(film.values, "<f4").tobytes()).decode()
    told = escape(
        json.dumps({"steps": film.steps.tolist(), "layers": list(film.layers), "values": numbers})
    )
    picture = raster.data_uri(film_png(film.values, span))
    name = escape(f"{words.quantity}, {film.title}")
    return (
        f'<figure data-film="{told}"><figcaption><b>{escape(film.title)}</b></figcaption>'
        f'<div class="frame"><span class="muted depth">{escape(words.layer)}</span>'
        f'<div class="field" tabindex="0" role="application" aria-label="{name}">'
        f'<img class="pixel" src="{picture}" alt="{name}">'
        f'<svg viewBox="0 0 {count} {depth}" preserveAspectRatio="none" aria-hidden="true">'
        f"{_peak_line(film.values)}</svg>"
        '<i class="now"></i><i class="across"></i><i class="up"></i></div></div>'
        f'<div class="muted ticks number"><span>{film.steps[0]}</span><span>{escape(words.step)}</span>'
        f'<span>{film.steps[-1]}</span></div><p class="told number" aria-live="polite"></p></figure>'
    )


def _peak_line(values: Float[np.ndarray, "steps layers"]) -> str:
    depth, places = values.shape[1], peaks(np.asarray(values, np.float64))
    points = " ".join(
        f"{i + 0.5},{depth - place - 0.5}" for i, place in enumerate(places) if place >= 0
    )
    return f'<polyline class="peak" points="{points}"/>'


def film_png(values: Float[np.ndarray, "steps layers"], span: tuple[float, float]) -> bytes:
    """Powers of ten as colours, the last layer in the first row; transparent where there is none."""
    with np.errstate(divide="ignore", invalid="ignore"):
        powers = np.log10(np.where(values > 0, values, np.nan)).T[::-1]  # (layers, steps)
    scale = raster.Range(span[0], span[1], False)
    return raster.sparse_png(np.where(np.isfinite(powers), powers, np.nan), scale)
