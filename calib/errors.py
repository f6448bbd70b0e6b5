"""Errors that a user can act on.

Every error that a user's input can cause is a :class:`CalibError`; the command line prints it
without a traceback and exits with code 2. Faults of a file are collected and raised together.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

__all__ = [
    "CalibError",
    "ConvergenceError",
    "DiskFullError",
    "Fault",
    "Faults",
    "InfeasibleError",
    "InputError",
    "MissingExtraError",
    "NotFoundError",
    "suggest",
]


_LONGEST = 400
"""Characters of a value that an error shows."""
_LONGEST_WORD = 200


class CalibError(Exception):
    """Root of all errors that calib raises on purpose."""


class ConvergenceError(CalibError):
    """An iteration that did not reach its tolerance; the last iterate is never returned."""


class InfeasibleError(CalibError):
    """A target that no weights can meet; the message says which demands conflict."""


class NotFoundError(CalibError):
    """A search that ended without an answer, where nothing proves that there is none.

    The message gives the best that was found and by how much it misses.
    """


class MissingExtraError(CalibError):
    """A feature that needs an optional dependency which is not installed."""

    def __init__(self, feature: str, extra: str) -> None:
        super().__init__(f"{feature} needs an optional extra: pip install 'calib[{extra}]'")


class DiskFullError(CalibError):
    """A disk without room for what was to be written; nothing of it is left.

    Attributes
    ----------
    path : what was being written
    needed : bytes that it takes
    free : bytes that were free
    exact : whether ``needed`` is all of it, or what was known of it when the room ran out
    """

    def __init__(self, path: Path, needed: int, free: int, *, exact: bool) -> None:
        self.path, self.needed, self.free, self.exact = path, needed, free, exact
        least = "" if exact else "at least "
        super().__init__(
            f"{path}: no space left on the disk: {least}{needed:,} bytes are needed, {free:,} are "
            "free; nothing was written there"
        )


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong in an input: where it is, what it says, what would be valid."""

    file: str
    where: str
    problem: str
    value: object = None
    expected: str = ""

    def __str__(self) -> str:
        parts = [p for p in (self.file, self.where) if p]
        text = f"{', '.join(parts)}: {self.problem}" if parts else self.problem
        if self.value is not None:
            text += f" (found {_shown(self.value)})"
        if self.expected:
            text += f"; expected {self.expected}"
        return text


def _shown(value: object) -> str:
    try:
        text = repr(_plain(value))
    except ValueError:  # an integer of more digits than Python writes
        return "a number of thousands of digits"
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} …"


def _plain(value: object) -> object:
    """Return a NumPy scalar as the Python number that it holds."""
    item = getattr(value, "item", None)
    return item() if callable(item) and getattr(value, "ndim", None) == 0 else value


class InputError(CalibError):
    """An input with one or more faults, all of them listed."""

    def __init__(self, faults: Iterable[Fault] | str) -> None:
        if isinstance(faults, str):
            faults = (Fault("", "", faults),)
        self.faults = tuple(faults)
        count = len(self.faults)
        head = "" if count == 1 else f"{count} faults:\n"
        super().__init__(head + "\n".join(str(f) for f in self.faults))


class Faults:
    """Collects the faults of one file, and raises them together.

    Examples
    --------
    >>> faults = Faults("weights.toml")
    >>> faults.add("IC", "weight is negative", value=-0.2, expected="a number from 0 to 1")
    >>> len(faults)
    1
    """

    def __init__(self, file: str | Path = "") -> None:
        self.file = str(file)
        self.items: list[Fault] = []

    def __len__(self) -> int:
        return len(self.items)

    def add(self, where: str, problem: str, *, value: object = None, expected: str = "") -> None:
        """Note one fault."""
        self.items.append(Fault(self.file, where, problem, value, expected))

    def extend(self, faults: Iterable[Fault]) -> None:
        """Take over faults found elsewhere."""
        self.items.extend(faults)

    def raise_if_any(self) -> None:
        """Raise :class:`InputError` with every fault noted so far."""
        if self.items:
            raise InputError(self.items)


def suggest(word: str, known: Iterable[str]) -> str:
    """Return ``(did you mean …?)`` for the known word closest to ``word``, or an empty string.

    Examples
    --------
    >>> suggest("pubished", ["published", "equal"])
    "(did you mean 'published'?)"
    """
    if len(word) > _LONGEST_WORD:
        return ""
    folded = {k.casefold(): k for k in known}
    # One letter of a two-letter code is half of it.
    cutoff = 0.5 if len(word) <= 3 else 0.6
    match = difflib.get_close_matches(word.casefold(), list(folded), n=1, cutoff=cutoff)
    return f"(did you mean {folded[match[0]]!r}?)" if match else ""
