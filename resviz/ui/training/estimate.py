"""How long the chosen trainings will take: a few of their steps are tried when somebody asks, once for the server."""

import threading
from collections.abc import Sequence

import streamlit as st

from resviz.errors import ResvizError
from resviz.training.launch import cost, queue
from resviz.training.launch.cost import Estimate, Timing
from resviz.training.request import Request
from resviz.ui.base.bounded_cache import BoundedCache
from resviz.ui.base.i18n import translate as _
from resviz.ui.base.i18n import whole
from resviz.ui.base.page import escaped, progress

_timings: BoundedCache[Timing] = BoundedCache(256)
_one = threading.Lock()  # timings beside each other would measure each other


@st.fragment
def show(requests: Sequence[Request]) -> None:
    """What is known already; a button where nothing is. The rest of the page goes on while steps are tried."""
    at_once = min(len(requests), queue.places()[1])
    keys = [f"{at_once} {cost.timing_key(request)}" for request in requests]
    place = st.empty()
    if not _known(keys) and place.button(
        _("How long, how much memory?"),
        type="tertiary",
        help=_("Tries a few steps of each network for some seconds."),
    ):
        with place.container():
            try:
                _try(requests, keys, at_once)
            except ResvizError as refusal:
                st.caption(escaped(whole(refusal)))
    if _known(keys):
        found = [_timings.get(key, _never) for key in keys]
        place.caption(_words(cost.together(found, requests[0].config.epochs, at_once)))


def duration(seconds: float) -> str:
    """Seconds as people say them."""
    if seconds < 59.5:
        return _("{count:.0f} s").format(count=seconds)
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 10:
        return _("{minutes} min {seconds} s").format(minutes=minutes, seconds=rest)
    if minutes < 100:
        return _("{count:.0f} min").format(count=seconds / 60)
    if seconds < 48 * 3600:
        return _("{count:.1f} h").format(count=seconds / 3600)
    return _("{count:.1f} days").format(count=seconds / 86400)


def _known(keys: Sequence[str]) -> bool:
    return all(key in _timings for key in keys)


def _try(requests: Sequence[Request], keys: Sequence[str], at_once: int) -> None:
    """Try those that nobody has tried yet."""
    with progress(_("Trying a few steps")) as update:
        update(0.05)
        with _one:
            left = {
                key: request
                for key, request in zip(keys, requests, strict=True)
                if key not in _timings
            }
            if not left:  # somebody else has tried them meanwhile
                return
            timings = cost.timing_runs(list(left.values()), at_once)
            next(timings)  # the process is ready
            for i, (key, timing) in enumerate(zip(left, timings, strict=True)):
                update(min((i + 1) / len(left), 0.99))
                if timing is not None:
                    _timings.get(key, lambda timing=timing: timing)  # type: ignore[misc]


def _never() -> Timing:
    raise AssertionError("it is on the shelf")


def _words(found: Estimate) -> str:
    told = {
        "time": duration(found.seconds),
        "memory": _gigabytes(found.memory),
        "free": _gigabytes(found.free),
    }
    words = _("About {time} and {memory} of memory on this machine").format(**told)
    if found.free:
        words += _("; {free} are free").format(**told)
    return words + _(". Measured over {steps} steps.").format(steps=found.measured)


def _gigabytes(count: int) -> str:
    return _("{count:.2g} GiB").format(count=count / 2**30)
