"""Names of files that stay apart on every file system."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["names_apart"]


def names_apart(names: Iterable[str], taken: Iterable[str] = ()) -> list[str]:
    """Return names of which no two are the same, nor one of ``taken``; a later one is numbered.

    Upper and lower case do not tell names apart, as they do not on Windows and macOS.

    Examples
    --------
    >>> names_apart(["s-2018", "S-2018", "index"], taken=["index"])
    ['s-2018', 'S-2018-2', 'index-2']
    """
    every = list(names)
    used = {name.casefold() for name in taken}
    # A number must not take the place of a name that comes later and needs none.
    first = {name.casefold() for name in every}
    out = []
    for name in every:
        own, number = name, 2
        while own.casefold() in used or (own != name and own.casefold() in first):
            own, number = f"{name}-{number}", number + 1
        used.add(own.casefold())
        out.append(own)
    return out
