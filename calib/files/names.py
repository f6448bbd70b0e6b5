"""Names of files: derived from names in any script, and apart on every file system."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable

__all__ = ["composed", "file_stem", "is_unseen", "names_apart"]

_MOST_BYTES = 180
"""Of a stem in UTF-8; file systems take 255 with the ending, and a number may follow."""
_REFUSED = re.compile(r'[\\:*?"<>|]')
"""What Windows takes in no name."""
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?:\..*)?", re.IGNORECASE)
"""Names of devices on Windows, whatever ending follows."""


def composed(name: str) -> str:
    """Return a name as keyboards write it: accents and vowels in one sign with their letter.

    macOS hands names out decomposed; two spellings that look alike are one name to a reader.
    """
    return unicodedata.normalize("NFC", name)


def file_stem(name: str) -> str:
    r"""Return a name of any script as a file's name without ending.

    Letters of every script stay. A slash becomes ``@``; what some file system refuses (``:`` and
    its like, control characters, dots and spaces at an end, names of devices on Windows) is
    replaced; what is too long ends in a digest of the whole.

    Examples
    --------
    >>> file_stem("方案一/第2轮"), file_stem("a: b?"), file_stem("con"), file_stem(" ..")
    ('方案一@第2轮', 'a- b-', 'con_', '_')
    >>> len(file_stem("权" * 200).encode()) <= 180
    True
    """
    text = _REFUSED.sub("-", composed(name).replace("/", "@"))
    text = "".join("-" if is_unseen(c) else c for c in text)
    text = text.strip(" ").rstrip(". ")
    text = f"_{text.lstrip('.')}" if text.startswith(".") or not text else text
    if _RESERVED.fullmatch(text):
        stem, dot, rest = text.partition(".")
        text = f"{stem}_{dot}{rest}"
    if len(text.encode()) <= _MOST_BYTES:
        return text
    tail = f"~{hashlib.sha256(composed(name).encode()).hexdigest()[:8]}"
    cut = text.encode()[: _MOST_BYTES - len(tail)].decode(errors="ignore")
    return cut.rstrip(". ") + tail


def is_unseen(sign: str) -> bool:
    """Return whether a sign controls, or is none; joiners shape letters of some scripts."""
    return unicodedata.category(sign).startswith("C") and sign not in "\u200c\u200d"


def names_apart(names: Iterable[str], taken: Iterable[str] = ()) -> list[str]:
    """Return names of which no two are the same, nor one of ``taken``; a later one is numbered.

    Upper and lower case do not tell names apart, as they do not on Windows and macOS, nor do
    two spellings of an accent.

    Examples
    --------
    >>> names_apart(["s-2018", "S-2018", "index"], taken=["index"])
    ['s-2018', 'S-2018-2', 'index-2']
    """
    every = list(names)
    used = {_folded(name) for name in taken}
    # A number must not take the place of a name that comes later and needs none.
    first = {_folded(name) for name in every}
    out = []
    for name in every:
        own, number = name, 2
        while _folded(own) in used or (own != name and _folded(own) in first):
            own, number = f"{name}-{number}", number + 1
        used.add(_folded(own))
        out.append(own)
    return out


def _folded(name: str) -> str:
    """Return what names have in common that a file system may take for the same."""
    return composed(composed(name).casefold())
