"""The words of :file:`vocabulary.toml`, folded so that they can be compared."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from calib.imports.text import fold

__all__ = ["Platform", "platforms", "words"]


@dataclass(frozen=True)
class Platform:
    """What a survey platform adds to its exports.

    Attributes
    ----------
    known : headers by which it is told, all of them
    aside : headers that are no answers
    before : what stands before a question's own header in columns that are no answers to it
    """

    code: str
    name: str
    known: frozenset[str]
    aside: frozenset[str]
    before: tuple[str, ...] = ()


@cache
def _document() -> dict[str, Any]:
    text = (files("calib.imports") / "vocabulary.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


@cache
def platforms() -> tuple[Platform, ...]:
    """Return the platforms, those with more telling headers first."""
    found = [
        Platform(
            code.removesuffix("-zh"),
            entry["name"],
            frozenset(map(fold, entry["known"])),
            frozenset(map(fold, entry["aside"])),
            tuple(f"{fold(b)} " if b.endswith(" ") else fold(b) for b in entry.get("before", ())),
        )
        for code, entry in _document()["platforms"].items()
    ]
    return tuple(sorted(found, key=lambda p: -len(p.known)))


@cache
def words(section: str, key: str) -> tuple[str, ...]:
    """Return the folded words of a section, as they stand (patterns are not folded)."""
    entries = _document()[section][key]
    if section == "ranking" or key == "numbered":
        return tuple(entries)
    if section == "ladder":
        raise KeyError(key)
    return tuple(fold(w) if w.strip() else w for w in entries)


@cache
def keys(section: str) -> tuple[str, ...]:
    """Return the keys of a section."""
    return tuple(_document()[section])


@cache
def ladder() -> tuple[tuple[str, ...], ...]:
    """Return the words of ladders by step, from low to high."""
    return tuple(tuple(w.casefold() for w in step) for step in _document()["ladder"]["words"])
