"""What a profile says in words: first against last, its name, and which layers get nothing."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from resviz.ui.base.i18n import translate as _
from resviz.ui.base.numbers import times

if TYPE_CHECKING:
    from resviz.probes.gradient_flow.over_seeds import Profile

BY_LAYER = ("weight_gradient", "relative")


def findings(profile: "Profile", quantity: str, network: str) -> str:
    """What is measured, as whole sentences; `network` is its name, in Markdown or plain."""
    from resviz.probes.gradient_flow.over_seeds import verdict

    ratio = profile.ratio(quantity)
    if quantity == "deviation" and ratio:
        ratio = 1 / ratio  # a signal grows or fades towards the output
    silence = _silence(profile, quantity)
    name = verdict(ratio)
    if name == "undefined":
        reason = silence or _("nothing reaches two places that could be compared.")
        return _("{network}: {sentence}").format(network=network, sentence=reason)
    comparison = _comparison(profile, quantity, network, ratio)
    return " ".join(filter(None, (comparison, _verdict(name), silence)))


def _comparison(profile: "Profile", quantity: str, network: str, ratio: float) -> str:
    """How many times the first is the last; of a signal, the last the first."""
    multiple = times(ratio)
    if profile.approximate:
        multiple = _("about {times}").format(times=multiple)
    ends = profile.ends(quantity)
    if quantity in BY_LAYER and ends != (0, profile.seeds[0].last_convolution) and ends:
        first, last = (profile.layers[end] for end in ends)
        return _(
            "{network}: of the layers that get a gradient, the first, {first}, gets {times} that "
            "of the last, {last}."
        ).format(network=network, first=first, last=last, times=multiple)
    return {
        "weight_gradient": _(
            "{network}: the first layer's gradient is {times} the last convolution's."
        ),
        "relative": _(
            "{network}: the first layer's gradient, relative to its weights, is {times} the last "
            "convolution's."
        ),
        "block_gradient": _("{network}: the gradient at the first block is {times} the last's."),
        "deviation": _(
            "{network}: the standard deviation of the last block's output is {times} the first's."
        ),
    }[quantity].format(network=network, times=multiple)


def _verdict(name: str) -> str:
    """What the comparison is called."""
    return {
        "explodes": _("It **explodes**."),
        "grows": _("It **grows**."),
        "level": _("It **stays level**."),
        "shrinks": _("It **shrinks**."),
        "vanishes": _("It **vanishes**."),
    }[name]


def _silence(profile: "Profile", quantity: str) -> str:
    """How many layers get no gradient, and why; "" where all get some."""
    reason = profile.why_without
    if not reason or quantity == "deviation":
        return ""
    return {
        "branches": _(
            "{silent} of {count} layers get no gradient in the first step: the branches start at "
            "zero."
        ),
        "classifier": _(
            "{silent} of {count} layers get no gradient in the first step: the classifier starts "
            "at zero."
        ),
        "underflow": _(
            "{silent} of {count} layers get a gradient smaller than any number that float64 holds."
        ),
        "blocked": _("{silent} of {count} layers get no gradient: no signal passes through them."),
    }[reason].format(silent=len(profile.without_gradient), count=len(profile.layers))


def precision_note(profiles: "Sequence[Profile]") -> str:
    """What the numbers were computed in, where that is not usual."""
    if any(profile.approximate for profile in profiles):
        return _(
            "Computed in float64; even there rounding errors grow until they reach the norms, so "
            "another machine gives other digits."
        )
    if any("float64" in profile.precisions for profile in profiles):
        return _("Computed in float64, because float32 would lose digits.")
    return ""
