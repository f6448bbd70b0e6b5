"""The catalogue of messages: one TOML file a language, sections down to keyed templates."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files

from calib.words.language import LANGUAGES

__all__ = ["languages", "template", "templates"]

Template = str | tuple[str, str]
"""One template, or two: for exactly one and for any other number ``n``."""


def languages() -> tuple[str, ...]:
    """Return the codes of the languages that calib speaks."""
    return LANGUAGES


@cache
def templates(lang: str) -> Mapping[str, Template]:
    """Return every template of a language by its dotted key."""
    text = (files("calib") / "locale" / f"{lang}.toml").read_text(encoding="utf-8")
    return dict(_flat(tomllib.loads(text), ""))


def _flat(table: Mapping[str, object], prefix: str) -> Iterator[tuple[str, Template]]:
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        elif isinstance(value, list):
            one, other = value
            yield f"{prefix}{key}", (str(one), str(other))
        else:
            yield f"{prefix}{key}", str(value)


def template(key: str, lang: str) -> Template | None:
    """Return the template of a key in a language, None where there is none."""
    return templates(lang).get(key)
