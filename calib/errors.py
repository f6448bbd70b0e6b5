"""Errors that a user can act on.

Every error that a user's input can cause is a :class:`CalibError`; the command line prints it
without a traceback and exits with code 2. Faults of a file are collected and raised together.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from calib.words import Message, Text, is_text, message, resolve_language

__all__ = [
    "CalibError",
    "Cell",
    "ConvergenceError",
    "DiskFullError",
    "Fault",
    "Faults",
    "InfeasibleError",
    "InputError",
    "MissingExtraError",
    "NotFoundError",
    "did_you_mean",
    "unknown",
]


MOST_ALIKE = 3
"""Faults of one cause that are listed one by one."""
MOST_LINES = 60
"""Lines of an error; what is left is counted."""
EXAMPLES = 3
"""Cells that are named for many faults of one cause."""
_LONGEST = 400
"""Characters of a value that an error shows."""
_LONGEST_WORD = 200


def _say(text: object, lang: str) -> str:
    return text.get(lang) if is_text(text) else str(text)


class CalibError(Exception):
    """Root of all errors that calib raises on purpose; its message speaks the user's language."""

    def get(self, lang: str) -> str:
        """Return the message in a language."""
        return " ".join(a if isinstance(a, str) else _say(a, lang) for a in self.args)

    def __str__(self) -> str:
        return self.get(resolve_language(None))


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

    def __init__(self, feature: Text, extra: str) -> None:
        install = f"pip install 'calib[{extra}]'"
        super().__init__(message("faults.missing_extra", feature=feature, install=install))


class DiskFullError(CalibError):
    """A disk without room for what was to be written; nothing of it is left.

    Attributes
    ----------
    path : what was being written
    needed : bytes that it takes, 0 where there was no room to begin
    free : bytes that were free
    exact : whether ``needed`` is all of it, or what was known of it when the room ran out
    """

    def __init__(self, path: Path, needed: int, free: int, *, exact: bool) -> None:
        self.path, self.needed, self.free, self.exact = path, needed, free, exact
        key = "faults.disk_full" if exact else "faults.disk_full_at_least"
        if not needed:
            key = "faults.disk_full_at_once"
        needs = {"needed": f"{needed:,}", "free": f"{free:,}"}
        super().__init__(message(key, path=str(path), **needs))


class Cell(str):
    """The name of a cell as a message shows it, with its place in the file.

    Attributes
    ----------
    sheet : "" for a text file
    row, column : counted from 0; the column is -1 for a whole row
    """

    sheet: str
    row: int
    column: int
    shown: str | Text

    def __new__(cls, shown: str | Text, sheet: str = "", row: int = 0, column: int = -1) -> Self:
        """Return a cell that is shown as ``shown``."""
        cell = super().__new__(cls, str(shown))
        cell.sheet, cell.row, cell.column, cell.shown = sheet, row, column, shown
        return cell

    def get(self, lang: str) -> str:
        """Return the cell's name in a language."""
        return _say(self.shown, lang)


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong in an input: where it is, what it says, what would be valid.

    ``where``, ``problem`` and ``expected`` are messages, or plain text that needs no translation
    (a cell's address, a list of codes). ``remedy`` is what to do where many cells share the cause.
    """

    file: str
    where: str | Text
    problem: str | Text
    value: object = None
    expected: str | Text = ""
    remedy: str | Text = ""

    @property
    def cause(self) -> tuple[str, str]:
        """What faults have in common that are one mistake: the file and the kind of problem."""
        problem = self.problem
        return self.file, problem.key if isinstance(problem, Message) else str(problem)

    def get(self, lang: str) -> str:
        """Return the fault as a sentence in a language."""
        where, problem, expected = (
            _say(t, lang) for t in (self.where, self.problem, self.expected)
        )
        parts = [p for p in (self.file, where) if p]
        place = message("words.comma").get(lang).join(parts)
        text = f"{place}{message('words.colon').get(lang)}{problem}" if parts else problem
        if self.value is not None:
            text += message("faults.found", value=_shown(self.value)).get(lang)
        if expected:
            text += message("faults.expected", expected=expected).get(lang)
        return text

    def __str__(self) -> str:
        return self.get(resolve_language(None))


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

    def __init__(self, faults: Iterable[Fault] | str | Text) -> None:
        if isinstance(faults, str | Message) or not isinstance(faults, Iterable):
            faults = (Fault("", "", faults),)
        self.faults = tuple(faults)
        super().__init__(self.faults)

    def get(self, lang: str) -> str:
        """Return the faults in a language: one a line, or one line for many of the same cause."""
        count = len(self.faults)
        groups: dict[tuple[str, str], list[Fault]] = {}
        for fault in self.faults:
            groups.setdefault(fault.cause, []).append(fault)
        lines: list[str] = []
        for group in _over_files(groups):
            if len(group) > MOST_ALIKE:
                lines.append(_together(group, lang))
                continue
            lines += [f.get(lang) for f in group]
            remedy = next((f.remedy for f in group if f.remedy), "")
            if remedy:
                lines[-1] += message("faults.remedy", remedy=remedy).get(lang)
        left = len(lines) - MOST_LINES
        if left > 0:
            lines = [*lines[:MOST_LINES], message("faults.more_lines", n=left).get(lang)]
        head = "" if count == 1 else message("faults.head", n=count).get(lang) + "\n"
        return head + "\n".join(lines)


def _over_files(groups: Mapping[tuple[str, str], list[Fault]]) -> list[list[Fault]]:
    """Return groups of faults; what is wrong with many files alike, once in each, is one group."""
    files: dict[str, set[str]] = {}
    for (file, problem), group in groups.items():
        if len(group) == 1:
            files.setdefault(problem, set()).add(file)
    out: dict[tuple[str, str], list[Fault]] = {}
    for (file, problem), group in groups.items():
        many = len(files.get(problem, ())) > MOST_ALIKE and file in files[problem]
        out.setdefault(("", problem) if many else (file, problem), []).extend(group)
    return list(out.values())


def _together(faults: Sequence[Fault], lang: str) -> str:
    """Say in one line what many faults have in common: how many, where for instance, what to do."""
    first = faults[0]
    files = {f.file for f in faults}
    several = len(files) > 1
    shown = [f.file if several else _example(f, lang) for f in _apart(faults)]
    columns = {c for f in faults if (c := getattr(f.where, "column", -1)) >= 0}
    places = message("faults.in_columns", n=len(columns)) if len(columns) > 1 else ""
    remedy = next((f.remedy for f in faults if f.remedy), "")
    expected = {_say(f.expected, lang) for f in faults}
    if not remedy and len(expected) == 1 and expected != {""}:
        remedy = message("faults.expected_in_all", expected=first.expected)
    said = message(
        "faults.together",
        file=message("faults.n_files", n=len(files)) if several else first.file,
        problem=_say(first.problem, lang),
        n=len(faults),
        places=places,
        examples=message("words.semicolon").get(lang).join(shown),
        remedy=message("faults.remedy", remedy=remedy) if remedy else "",
    )
    return said.get(lang)


def _apart(faults: Sequence[Fault]) -> list[Fault]:
    """Return a few faults that show as much as possible: of other columns, from the first on."""
    out: list[Fault] = []
    seen: set[object] = set()
    for fault in faults:
        column = getattr(fault.where, "column", None)
        if column is None or column not in seen:
            out.append(fault)
            seen.add(column)
        if len(out) == EXAMPLES:
            return out
    return [*out, *(f for f in faults if f not in out)][:EXAMPLES]


def _example(fault: Fault, lang: str) -> str:
    where = _say(fault.where, lang)
    return where if fault.value is None else f"{where} {_shown(fault.value)}".strip()


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

    def add(
        self,
        where: str | Text,
        problem: str | Text,
        *,
        value: object = None,
        expected: str | Text = "",
        remedy: str | Text = "",
    ) -> None:
        """Note one fault."""
        self.items.append(Fault(self.file, where, problem, value, expected, remedy))

    def extend(self, faults: Iterable[Fault]) -> None:
        """Take over faults found elsewhere."""
        self.items.extend(faults)

    def raise_if_any(self) -> None:
        """Raise :class:`InputError` with every fault noted so far."""
        if self.items:
            raise InputError(self.items)


def did_you_mean(word: str, known: Iterable[str]) -> Text | str:
    """Return a message " (did you mean …?)" for the known word closest to ``word``, or nothing.

    Examples
    --------
    >>> str(did_you_mean("pubished", ["published", "equal"]))
    " (did you mean 'published'?)"
    """
    match = _closest(word, known)
    return message("faults.did_you_mean", word=repr(match)) if match else ""


def unknown(key: str, word: str, known: Iterable[str]) -> Message:
    """Return the message of a key that says that ``word`` is none of the known ones.

    Its placeholders are ``name``, ``hint`` (the closest known word) and ``known`` (all of them).
    """
    every = list(known)
    return message(key, name=repr(word), hint=did_you_mean(word, every), known=every)


def _closest(word: str, known: Iterable[str]) -> str | None:
    if len(word) > _LONGEST_WORD:
        return None
    folded = {k.casefold(): k for k in known}
    # One letter of a two-letter code is half of it.
    cutoff = 0.5 if len(word) <= 3 else 0.6
    match = difflib.get_close_matches(word.casefold(), list(folded), n=1, cutoff=cutoff)
    return folded[match[0]] if match else None
