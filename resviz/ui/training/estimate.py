"""How long the chosen trainings will take: a few of their steps are timed, once for the server."""

import threading
from collections.abc import Sequence

import streamlit as st

from resviz.errors import ResvizError
from resviz.training.launch import cost, places
from resviz.training.launch.cost import Estimate, Timing
from resviz.training.request import Request
from resviz.ui.base.bounded_cache import BoundedCache
from resviz.ui.base.i18n import translate as _
from resviz.ui.base.i18n import whole
from resviz.ui.base.page import escaped, progress

_timings: BoundedCache[Timing] = BoundedCache(256)
_one = threading.Lock()  # timing runs beside each other would measure each other


@st.fragment
def cost_estimate(requests: Sequence[Request]) -> None:
    """What is known already; a button where nothing is. The page goes on while steps are timed."""
    at_once = min(len(requests), places.places()[1])
    keys = [f"{at_once} {cost.timing_key(request)}" for request in requests]
    place = st.empty()
    if not _are_known(keys) and _is_asked(place):
        with place.container():
            try:
                _measure(requests, keys, at_once)
            except ResvizError as refusal:
                st.caption(escaped(whole(refusal)))
    if _are_known(keys):
        timings = [_timings.get(key, _never) for key in keys]
        estimate = cost.together(timings, requests[0].config.epochs, at_once)
        place.caption(_sentence(estimate))


def duration(seconds: float) -> str:
    """Say seconds as people do."""
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


def _is_asked(place: "st.delta_generator.DeltaGenerator") -> bool:
    return place.button(
        _("How long, how much memory?"),
        type="tertiary",
        help=_("Tries a few steps of each network for some seconds."),
    )


def _are_known(keys: Sequence[str]) -> bool:
    return all(key in _timings for key in keys)


def _measure(requests: Sequence[Request], keys: Sequence[str], at_once: int) -> None:
    """Time those trainings that nobody has timed yet."""
    with progress(_("Trying a few steps")) as update:
        update(0.05)
        with _one:
            pairs = zip(keys, requests, strict=True)
            left = {key: request for key, request in pairs if key not in _timings}
            if not left:  # somebody else has timed them meanwhile
                return
            timings = cost.timing_runs(list(left.values()), at_once)
            next(timings)  # the process is ready
            for i, (key, timing) in enumerate(zip(left, timings, strict=True)):
                update(min((i + 1) / len(left), 0.99))
                if timing is not None:
                    _timings.get(key, lambda timing=timing: timing)  # type: ignore[misc]


def _never() -> Timing:
    raise AssertionError("it is known")


def _sentence(estimate: Estimate) -> str:
    values = {
        "time": duration(estimate.seconds),
        "memory": _gigabytes(estimate.memory),
        "free": _gigabytes(estimate.free),
        "steps": estimate.measured,
    }
    if not estimate.free:
        sentence = _(
            "About {time} and {memory} of memory on this machine. Measured over {steps} steps."
        )
    else:
        sentence = _(
            "About {time} and {memory} of memory on this machine; {free} are free. "
            "Measured over {steps} steps."
        )
    return sentence.format(**values)


def _gigabytes(count: int) -> str:
    return _("{count:.2g} GiB").format(count=count / 2**30)
