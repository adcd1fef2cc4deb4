"""Visible strings through gettext. English is the source; a catalogue in `locale/LANG/LC_MESSAGES` translates."""

import functools
import gettext
import re
from collections.abc import Callable
from pathlib import Path

import streamlit as st

from resviz.errors import ResvizError, Sentence

DOMAIN, LOCALES = "resviz", Path(__file__).parents[1] / "locale"


def translate(message: str) -> str:
    """The message in the visitor's language, in English where there is no catalogue."""
    language = str(st.query_params.get("lang", "en"))
    return _catalogue(language)(message) if language in languages() else message


def said(text: str | ResvizError) -> str:
    """An error, or a sentence from below the pages, in the visitor's language; other text as it is."""
    sentence = text.sentence if isinstance(text, ResvizError) else text
    return sentence.said(translate) if isinstance(sentence, Sentence) else str(sentence)


def whole(text: str | ResvizError) -> str:
    """As `said`, for where it stands alone: with a capital letter, unless a name begins it, and a full stop."""
    words = said(text)
    if words.partition(" ")[0].isalpha() and not _begins_with_a_name(text):
        words = words[0].upper() + words[1:]
    return words if words.endswith((".", "?", "!", "…", ".)")) else words + "."


def _begins_with_a_name(text: object) -> bool:
    """Whether the first word came from outside; a sentence in its place is looked into."""
    sentence = text.sentence if isinstance(text, ResvizError) else text
    if not isinstance(sentence, Sentence):
        return True
    value = re.match(r"\{(\w+)", translate(sentence.template)) if sentence.values else None
    return value is not None and _begins_with_a_name(sentence.values[value[1]])


@functools.cache
def languages() -> frozenset[str]:
    """The languages that there is a catalogue for; nothing else in an address names one."""
    return frozenset(path.parts[-3] for path in LOCALES.glob(f"*/LC_MESSAGES/{DOMAIN}.mo"))


@functools.cache
def _catalogue(language: str) -> Callable[[str], str]:
    return gettext.translation(DOMAIN, LOCALES, [language], fallback=True).gettext
