"""The parts of the page on BatchNorm, one at a time: only the chosen one computes."""

from collections.abc import Callable

from resviz.ui.base.i18n import translate as _
from resviz.ui.batchnorm import batch
from resviz.ui.batchnorm.batch_size import batch_size_section
from resviz.ui.batchnorm.drift import drift_section
from resviz.ui.batchnorm.folding import folding_section
from resviz.ui.batchnorm.modes import other_statistics_section
from resviz.ui.batchnorm.no_norm import instead, no_norm_section
from resviz.ui.batchnorm.through_training import through_training_section
from resviz.ui.batchnorm.train_eval_gap import train_eval_gap_section
from resviz.ui.batchnorm.worked_example import worked_example_section
from resviz.ui.shell import sidebar
from resviz.ui.widgets.segmented import segmented

OF_A_MODEL: dict[str, Callable[[batch.Page], None]] = {
    "drift": drift_section,
    "answers": other_statistics_section,
    "size": batch_size_section,
    "fold": folding_section,
}
# Unlike the other parts, the answers begin with a picture for which the statistics differ.
DEFAULTS = {"answers": batch.Defaults(photo=True, corruption="blur")}
ALONE: dict[str, Callable[[], None]] = {
    "hand": worked_example_section,
    "training": through_training_section,
    "mismatch": train_eval_gap_section,
}


def pick_section() -> str:
    """The control that opens a part of the page."""
    titles = {
        "drift": _("Drift"),
        "answers": _("Other statistics"),
        "size": _("Batch size"),
        "fold": _("Folded"),
        "hand": _("By hand"),
        "training": _("Through training"),
        "mismatch": _("Training vs evaluation"),
    }
    return segmented(_("Show"), titles, "drift", "aspect", show_label=False)


def draw_section(section: str) -> None:
    """Draw that part; one about a model says what there is where it has no BatchNorm."""
    if section in ALONE:
        ALONE[section]()
        return
    subject = sidebar.subject()
    if sentence := instead(subject.model):
        no_norm_section(subject, sentence)
    else:
        page = batch.choose(subject, DEFAULTS.get(section, batch.DEFAULTS))
        OF_A_MODEL[section](page)
