"""What families and initialisations of networks are called on the screen."""

from resviz.ui.base.i18n import translate as _


def family_title(family: str) -> str:
    """A family's name for people; one without a title of its own goes by its short name."""
    return {
        "plain": _("Plain"),
        "residual": _("Residual"),
        "preactivation": _("Pre-activation"),
        "weighted": _("Weighted"),
        "scaled": _("Scaled by ½"),
        "gated": _("Gated shortcut"),
        "rezero": _("ReZero"),
        "fixup": _("Fixup"),
    }.get(family, family)


def init_title(init: str) -> str:
    """An initialisation's name for people."""
    return {
        "he": _("He, fan-out"),
        "he-in": _("He, fan-in"),
        "torch": _("PyTorch's default"),
        "zero-gamma": _("He, last γ of a branch zero"),
    }[init]
