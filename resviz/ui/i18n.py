"""Visible strings through gettext. English is the source; a catalogue in `locale/LANG/LC_MESSAGES` translates."""

import functools
import gettext
from collections.abc import Callable
from pathlib import Path

import streamlit as st

from resviz.errors import ResvizError, Sentence

DOMAIN, LOCALES = "resviz", Path(__file__).with_name("locale")


def translate(message: str) -> str:
    """The message in the visitor's language, in English where there is no catalogue."""
    language = str(st.query_params.get("lang", "en"))
    return _catalogue(language)(message) if language in languages() else message


def said(text: str | ResvizError) -> str:
    """An error, or a sentence from below the pages, in the visitor's language; other text as it is."""
    sentence = text.sentence if isinstance(text, ResvizError) else text
    return sentence.said(translate) if isinstance(sentence, Sentence) else str(sentence)


@functools.cache
def languages() -> frozenset[str]:
    """The languages that there is a catalogue for; nothing else in an address names one."""
    return frozenset(path.parts[-3] for path in LOCALES.glob(f"*/LC_MESSAGES/{DOMAIN}.mo"))


@functools.cache
def _catalogue(language: str) -> Callable[[str], str]:
    return gettext.translation(DOMAIN, LOCALES, [language], fallback=True).gettext
