"""A run's network at a checkpoint of its training, as a model's name.

`run/ID?checkpoint=initial`, `run/ID?checkpoint=epoch-3` and so on; `run/ID` is the network at the
end of its training.
"""

import re

from resviz.ui.base.i18n import translate as _

START, END = "initial", "final"
_MARK = "?checkpoint="


def base(name: str) -> str:
    """Drop the checkpoint from a model's name."""
    return name.partition(_MARK)[0] if name.startswith("run/") else name


def at(name: str, checkpoint: str) -> str:
    """Name a run's model at a checkpoint; the last one needs no mention."""
    return base(name) if checkpoint == END else f"{base(name)}{_MARK}{checkpoint}"


def checkpoint(name: str) -> str:
    """Read the checkpoint from a model's name; empty where it names none."""
    return name.partition(_MARK)[2] if name.startswith("run/") else ""


def saved(name: str) -> tuple[str, ...]:
    """List the checkpoints that a run has saved, in their order; none for what is not a run."""
    from resviz.models import zoo

    run = base(name).removeprefix("run/")
    # no name may lead out of the folder of runs
    inside = name.startswith("run/") and re.fullmatch(r"\w[\w.-]*", run)
    return zoo.saved(run) if inside else ()


def title(checkpoint: str) -> str:
    """Name a checkpoint on the screen."""
    titles = {START: _("untrained"), END: _("final")}
    if checkpoint in titles:
        return titles[checkpoint]
    return _("epoch {number}").format(number=checkpoint.rpartition("-")[2])
