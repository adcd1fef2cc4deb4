"""Gradient norms through training as pictures with one cursor: depth by step, on one log scale."""

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
class Labels:
    """Titles of the axes and of the quantity.

    `reading` is what the cursor says, with {layer}, {step} and {value}; `no_number` stands for a
    value that is none.
    """

    step: str
    layer: str
    quantity: str
    reading: str
    no_number: str


def peaks(values: Float[np.ndarray, "steps layers"]) -> Int[np.ndarray, " steps"]:
    """The layer with the largest finite number at each step, -1 where there is none."""
    usable = np.where(np.isfinite(values), values, -np.inf)
    return np.where(np.isfinite(usable.max(1)), usable.argmax(1), -1)


def films(runs: Sequence[Film], span: tuple[float, float], at: int, labels: Labels) -> str:
    """Each run as a picture: a column for each step, a row for each layer.

    How to read: the input is at the bottom, bright is large. The dotted line follows the layer
    where the norm peaks, the upright line stands at step `at`; what is zero or not finite is empty.
    `span` are powers of ten (`log_axis.common_range`). A cursor over one picture stands in all, at
    the same step and the same share of the depth.
    """
    pictures = "".join(_film(run, span, labels) for run in runs)
    facts = {"at": at, "reading": labels.reading, "noNumber": labels.no_number}
    scale = raster.data_uri(raster.scale_png(signed=False))
    legend = colour_bar(scale, f"{10 ** span[0]:.2g}", f"{10 ** span[1]:.2g}")
    return (
        f'<div class="films" data-films="{escape(json.dumps(facts))}">'
        f'<div class="row">{pictures}</div>{legend}</div>'
    )


def _film(film: Film, span: tuple[float, float], labels: Labels) -> str:
    numbers = base64.b64encode(np.ascontiguousarray(film.values, "<f4").tobytes()).decode()
    facts = {"steps": film.steps.tolist(), "layers": list(film.layers), "values": numbers}
    return (
        f'<figure data-film="{escape(json.dumps(facts))}">'
        f"<figcaption><b>{escape(film.title)}</b></figcaption>"
        f'<div class="frame"><span class="muted depth">{escape(labels.layer)}</span>'
        f"{_field(film, span, labels)}</div>"
        f'<div class="muted ticks number"><span>{film.steps[0]}</span>'
        f"<span>{escape(labels.step)}</span><span>{film.steps[-1]}</span></div>"
        '<p class="reading number" aria-live="polite"></p></figure>'
    )


def _field(film: Film, span: tuple[float, float], labels: Labels) -> str:
    """The picture with its cursor and the line of peaks."""
    count, depth = film.values.shape
    name = escape(f"{labels.quantity}, {film.title}")
    picture = raster.data_uri(film_png(film.values, span))
    return (
        f'<div class="field" tabindex="0" role="application" aria-label="{name}">'
        f'<img class="pixel" src="{picture}" alt="{name}">'
        f'<svg viewBox="0 0 {count} {depth}" preserveAspectRatio="none" aria-hidden="true">'
        f"{_peak_line(film.values)}</svg>"
        '<i class="now"></i><i class="across"></i><i class="up"></i></div>'
    )


def _peak_line(values: Float[np.ndarray, "steps layers"]) -> str:
    depth, places = values.shape[1], peaks(np.asarray(values, np.float64))
    points = " ".join(
        f"{i + 0.5},{depth - place - 0.5}" for i, place in enumerate(places) if place >= 0
    )
    return f'<polyline class="peak" points="{points}"/>'


def film_png(values: Float[np.ndarray, "steps layers"], span: tuple[float, float]) -> bytes:
    """Powers of ten as colours, the last layer in the first row; no number is transparent."""
    with np.errstate(divide="ignore", invalid="ignore"):
        powers = np.log10(np.where(values > 0, values, np.nan)).T[::-1]  # (layers, steps)
    scale = raster.Range(span[0], span[1], False)
    return raster.sparse_png(np.where(np.isfinite(powers), powers, np.nan), scale)
