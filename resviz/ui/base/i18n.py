"""Visible strings through gettext.

English is the source; a catalogue in `locale/LANG/LC_MESSAGES` translates.
"""

import functools
import gettext
import re
from collections.abc import Callable
from pathlib import Path

import streamlit as st

from resviz.errors import ResvizError, Sentence

DOMAIN, LOCALES = "resviz", Path(__file__).parents[1] / "locale"


def translate(message: str) -> str:
    """Translate a message to the visitor's language; without a catalogue it stays English."""
    language = str(st.query_params.get("lang", "en"))
    return _catalogue(language)(message) if language in languages() else message


def said(text: str | ResvizError) -> str:
    """Translate an error or a sentence from below the pages; other text stays as it is."""
    sentence = text.sentence if isinstance(text, ResvizError) else text
    return sentence.said(translate) if isinstance(sentence, Sentence) else str(sentence)


def whole(text: str | ResvizError) -> str:
    """Translate as `said`, for where it stands alone.

    It gets a capital letter, unless a name begins it, and a full stop.
    """
    sentence = said(text)
    if sentence.partition(" ")[0].isalpha() and not _begins_with_a_name(text):
        sentence = sentence[0].upper() + sentence[1:]
    return sentence if sentence.endswith((".", "?", "!", "…", ".)")) else sentence + "."


def _begins_with_a_name(text: object) -> bool:
    """Tell whether the first word came from outside; a sentence in its place is looked into."""
    sentence = text.sentence if isinstance(text, ResvizError) else text
    if not isinstance(sentence, Sentence):
        return True
    value = re.match(r"\{(\w+)", translate(sentence.template)) if sentence.values else None
    return value is not None and _begins_with_a_name(sentence.values[value[1]])


@functools.cache
def languages() -> frozenset[str]:
    """List the languages that have a catalogue; nothing else in an address names one."""
    return frozenset(path.parts[-3] for path in LOCALES.glob(f"*/LC_MESSAGES/{DOMAIN}.mo"))


@functools.cache
def _catalogue(language: str) -> Callable[[str], str]:
    return gettext.translation(DOMAIN, LOCALES, [language], fallback=True).gettext
