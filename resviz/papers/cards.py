"""The paper cards there are, by their keys; each paper has a file of its own beside this one."""

from resviz.errors import DataError
from resviz.papers import adabn, corruptions, effective_field, lesions
from resviz.papers.card import Card

CARDS: tuple[Card, ...] = (
    adabn.CARD,
    corruptions.CARD,
    effective_field.GROWTH,
    effective_field.TRAINING,
    lesions.CARD,
)


def card(key: str) -> Card:
    """The card of that key; raises `DataError` naming those there are."""
    by_key = {card.key: card for card in CARDS}
    if key not in by_key:
        raise DataError(
            "There is no paper card {key!r}; choose from {keys}.", key=key, keys=", ".join(by_key)
        )
    return by_key[key]
