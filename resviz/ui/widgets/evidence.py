"""Evidence for a class as pages show it: heat over the photo, or why there is none."""

from typing import TYPE_CHECKING

from resviz.figures import html, raster
from resviz.ui.base.i18n import translate as _
from resviz.ui.base.page import escaped
from resviz.ui.services import photo_results
from resviz.ui.services.subject import Subject

if TYPE_CHECKING:
    import numpy as np

    from resviz.probes.attribution.grad_cam import Attribution

HEAT = (448, 448)  # pixels of the heat, however few cells the map has


def overlay(subject: Subject, values: "np.ndarray", alt: str) -> str:
    """The positive part of a map over the photo that the network sees, with a slider."""
    return html.overlay(
        raster.data_uri(raster.photo_png(photo_results.view(subject))),
        raster.data_uri(raster.heat_png(values, HEAT)),
        alt,
        _("Opacity"),
    )


def nothing_positive(result: "Attribution", label: str) -> str | None:
    """The sentence for a map that leaves its overlay empty, else None."""
    if result.is_flat:
        sentence = _("The map is zero everywhere: no place changes the score of {label}.")
    elif result.map.max() <= 0:
        sentence = _(
            "No place is evidence for {label}: every place that matters is evidence against it."
        )
    else:
        return None
    return sentence.format(label=escaped(label))
