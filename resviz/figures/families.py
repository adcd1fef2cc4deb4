"""How a family of networks is drawn everywhere, so that no two look alike without colour."""

from dataclasses import dataclass

from resviz.figures.theme import GREEN, PLAIN, PURPLE, RESIDUAL, SKY, YELLOW


@dataclass(frozen=True, slots=True)
class Style:
    """A line's colour, its dash in plotly's words, and what Streamlit calls that colour."""

    colour: str
    dash: str
    word: str


_OTHERS = tuple(
    Style(colour, dash, word)
    for dash in ("dash", "dot")
    for colour, word in ((GREEN, "green"), (PURPLE, "violet"), (SKY, "blue"), (YELLOW, "yellow"))
)
_MAIN = {"plain": Style(PLAIN, "solid", "orange"), "residual": Style(RESIDUAL, "solid", "blue")}


def style(family: str, families: tuple[str, ...]) -> Style:
    """Plain orange, residual blue, the others in the order of `families`."""
    if family in _MAIN:
        return _MAIN[family]
    others = [name for name in families if name not in _MAIN]
    return _OTHERS[others.index(family) % len(_OTHERS)] if family in others else _OTHERS[0]
