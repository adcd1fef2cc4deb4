"""Numbers as people say them."""

import math

from resviz.ui.base.i18n import translate as _


def times(ratio: float) -> str:
    """Say what stands before "as much": 5.9 million times, 1/350 of, 4.2 × 10⁻²² of."""
    if math.isnan(ratio):
        return _("an undefined multiple of")
    if math.isinf(ratio):
        return _("infinitely many times")
    if ratio <= 0:
        return _("zero times")
    if ratio >= 1:
        return _("{number} times").format(number=_large(ratio))
    if ratio >= 0.1:
        return _("{number} of").format(number=f"{ratio:.2g}")
    share = f"1/{_large(1 / ratio)}" if ratio > 1e-6 else _power(ratio)
    return _("{number} of").format(number=share)


def significant(number: float, digits: int = 3) -> str:
    """Say a number to so many significant digits: 0.0123, 12,300, 1.2 × 10⁻⁷, −4."""
    if not math.isfinite(number):
        return _("no finite number")
    rounded = float(f"{number:.{digits}g}")
    if rounded < 0:
        return f"−{significant(-rounded, digits)}"
    if rounded == 0 or 1e-4 <= rounded < 1e6:
        decimals = max(0, digits - 1 - math.floor(math.log10(rounded))) if rounded else 0
        text = f"{rounded:,.{decimals}f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    return _power(rounded, digits - 1)


def _large(number: float) -> str:
    """Round to two significant digits, three below ten; thousands grouped, millions as a word."""
    if number < 9.995:
        return f"{number:.3g}"
    rounded = float(f"{number:.2g}")  # first of all, for it decides how many digits there are
    if rounded < 1e6:
        return f"{rounded:,.0f}"
    if number < 9.95e7:
        return _("{number} million").format(number=f"{rounded / 1e6:g}")
    if number < 9.995e8:
        return _("{number} million").format(number=f"{number / 1e6:.0f}")
    return _power(number)


def power_of_two(exponent: int) -> str:
    """Say 2 to a whole number: in digits as long as they can be read, then as a power."""
    return f"{2**exponent:,}" if exponent < 20 else f"2{_raised(exponent)}"


def _power(number: float, decimals: int = 1) -> str:
    digits, exponent = f"{number:.{decimals}e}".split("e")
    return f"{digits} × 10{_raised(int(exponent))}"


def _raised(exponent: int) -> str:
    return str(exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
