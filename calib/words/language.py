"""Which language is spoken where none is asked for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["LANGUAGES", "current_language", "resolve_language", "set_language", "speaking"]

LANGUAGES = ("zh", "en")
"""Languages with a catalogue; a new one is a file in ``calib/locale`` and an entry here."""

_chosen: list[str] = []
"""The language of :func:`set_language`; a context variable would not outlive a notebook's cell."""


def set_language(lang: str | None) -> None:
    """Speak ``lang`` (``"zh"`` or ``"en"``) from here on, wherever no other is asked for.

    None goes back to the environment's language.

    Raises
    ------
    ValueError
        For a language without a catalogue.
    """
    _chosen[:] = [] if lang is None else [_known(lang)]


@contextmanager
def speaking(lang: str | None = None) -> Iterator[None]:
    """Speak ``lang`` within a ``with`` block, and what was spoken before after it."""
    before = list(_chosen)
    try:
        if lang is not None:
            set_language(lang)
        yield
    finally:
        _chosen[:] = before


def current_language() -> str:
    """Return the language that is spoken where none is asked for.

    It is the one of :func:`set_language`; else that of the environment variable ``CALIB_LANG``;
    else English.
    """
    if _chosen:
        return _chosen[0]
    wanted = os.environ.get("CALIB_LANG", "")
    return wanted if wanted in LANGUAGES else "en"


def resolve_language(lang: str | None) -> str:
    """Return ``lang``, or the current language for None.

    Raises
    ------
    ValueError
        For a language without a catalogue.
    """
    return current_language() if lang is None else _known(lang)


def _known(lang: str) -> str:
    if lang not in LANGUAGES:
        raise ValueError(f"no language {lang!r}; expected one of {', '.join(LANGUAGES)}")
    return lang
