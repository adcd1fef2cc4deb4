"""A run's network at a moment of its training: `run/ID?checkpoint=initial`, `epoch-3` and so on; `run/ID` ends it."""

import re

from resviz.ui.base.i18n import translate as _

START, END = "initial", "final"
_MARK = "?checkpoint="


def base(name: str) -> str:
    """A model's name without the moment of its training."""
    return name.partition(_MARK)[0] if name.startswith("run/") else name


def at(name: str, moment: str) -> str:
    """The name of a run's model at a moment; the last one needs no mention."""
    return base(name) if moment == END else f"{base(name)}{_MARK}{moment}"


def told(name: str) -> str:
    """The moment that a model's name tells; empty where it tells none."""
    return name.partition(_MARK)[2] if name.startswith("run/") else ""


def saved(name: str) -> tuple[str, ...]:
    """The moments whose weights are kept, in their order; none for what is not a run."""
    from resviz.models import zoo

    run = base(name).removeprefix("run/")
    ours = name.startswith("run/") and re.fullmatch(
        r"\w[\w.-]*", run
    )  # no way out of the folder of runs
    return zoo.saved(run) if ours else ()


def title(moment: str) -> str:
    """A moment's name for people."""
    words = {START: _("untrained"), END: _("final")}
    return words.get(moment) or _("epoch {number}").format(number=moment.rpartition("-")[2])
