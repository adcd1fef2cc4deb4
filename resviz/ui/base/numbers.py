"""Numbers as people say them."""

import math

from resviz.ui.base.i18n import translate as _


def times(ratio: float) -> str:
    """What stands before "as much": 5.9 million times, 12 times, 1/350 of, 4.2 × 10⁻²² of."""
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
    return _("{number} of").format(
        number=f"1/{_large(1 / ratio)}" if ratio > 1e-6 else _power(ratio)
    )


def _large(number: float) -> str:
    """Two significant digits, three below ten; thousands grouped, millions as a word."""
    if number < 100:
        return f"{number:.2g}" if number >= 10 else f"{number:.3g}"
    if number < 1e6:
        return f"{float(f'{number:.2g}'):,.0f}"
    if number < 1e9:
        return _("{number} million").format(
            number=f"{number / 1e6:.2g}" if number < 1e8 else f"{number / 1e6:.0f}"
        )
    return _power(number)


def power_of_two(exponent: int) -> str:
    """2 to a whole number: in digits as long as they can be read, then as a power."""
    return f"{2**exponent:,}" if exponent < 20 else f"2{_raised(exponent)}"


def _power(number: float) -> str:
    digits, exponent = f"{number:.1e}".split("e")
    return f"{digits} × 10{_raised(int(exponent))}"


def _raised(exponent: int) -> str:
    return str(exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
