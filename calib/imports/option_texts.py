"""From option texts to option numbers: by letters, numbers, intervals, or the words of a ladder."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from calib.imports.mapping import OPEN, LadderEntry
from calib.imports.text import bare, fold, option_parts
from calib.imports.vocabulary import ladder as ladder_words
from calib.imports.vocabulary import words

__all__ = ["Answers", "blank_kind", "gather", "ladders", "numeric"]

_POINTS = re.compile(r"^([-+]?\d+(?:\.\d+)?)\s*(?:分|points?|pts\.?)$")
_DECIMAL_COMMA = re.compile(r"^([-+]?\d+),(\d{1,2})$")
_BOUND = re.compile(r"\d+(?:\.\d+)?")
_BELOW = re.compile(r"以下|以内|低于|小于|不足|不到|below|under|less|up to|^\s*[<≤]")
_ABOVE = re.compile(r"以上|高于|大于|超过|不低于|above|over|more|at least|\+$|^\s*[>≥]")


def blank_kind(text: str) -> str:
    """Return how a cell says that there is no answer: ``skipped``, ``empty`` or ``""``."""
    folded = fold(text)
    if not folded:
        return "empty"
    for kind in ("skipped", "empty"):
        if folded in words("blank", kind):
            return kind
    return ""


@dataclass(slots=True)
class Answers:
    """What stands in the column of an indicator with ``options`` options.

    Attributes
    ----------
    at : position of the column, as a key
    places : texts by the letter or number before them
    free : texts without any
    numbers : cells that are numbers
    letters : whether a cell is a letter alone
    """

    at: tuple[int, int]
    options: int
    places: dict[int, set[str]] = field(default_factory=dict)
    free: set[str] = field(default_factory=set)
    numbers: set[float] = field(default_factory=set)
    letters: set[int] = field(default_factory=set)


def numeric(text: str) -> float | None:
    """Return a cell as a number, None if it is none; "60%" is none, "60分" and "33,3" are."""
    folded = fold(text)
    points, comma = _POINTS.match(folded), _DECIMAL_COMMA.match(folded)
    folded = points[1] if points else f"{comma[1]}.{comma[2]}" if comma else folded
    try:
        value = float(folded)
    except ValueError:
        return None
    return value if abs(value) < 1e12 else None


def gather(at: tuple[int, int], options: int, cells: Iterable[str]) -> Answers:
    """Return what the cells of a column hold."""
    found = Answers(at, options)
    for text in set(cells):
        if blank_kind(text):
            continue
        number = numeric(text)
        if number is not None:
            found.numbers.add(number)
            continue
        place, rest = option_parts(text)
        if place is None:
            found.free.add(rest)
        elif rest:
            found.places.setdefault(place, set()).add(rest)
        else:
            found.letters.add(place)
    return found


@dataclass(slots=True)
class _Group:
    """Columns that share texts, whatever number of options the framework gives them."""

    lettered: dict[int, str]
    pooled: set[str]
    members: list[Answers]

    def takes(self, own: Mapping[int, str], texts: set[str], options: int) -> bool:
        if not texts:
            return not self.pooled and options == self.members[0].options
        agree = all(bare(self.lettered.get(p, t)) == bare(t) for p, t in own.items())
        return agree and bool(self.pooled & texts)

    def options(self) -> int:
        """Return how many options the questionnaire seems to have."""
        places = [*self.lettered, *(p for m in self.members for p in m.letters)]
        free = {bare(t) for m in self.members for t in m.free}
        seen = max([*places, len(free)], default=0)
        stated = {m.options for m in self.members}
        return seen if seen in stated or seen > min(stated) else max(stated)


def ladders(
    columns: Sequence[Answers],
) -> tuple[list[LadderEntry], dict[tuple[int, int], int], list[tuple[int, int]]]:
    """Return the ladders of options in a file, which one each column uses, and what clashes.

    Columns share a ladder when they have texts in common.

    Returns
    -------
    The ladders; the number of each column's, from 1; the columns whose number of options in the
    framework is not that of the questionnaire.
    """
    groups: list[_Group] = []
    for column in sorted(columns, key=lambda c: -len(c.places)):
        if not column.places and not column.free and not column.letters:
            continue
        own = {p: min(texts) for p, texts in column.places.items() if len(texts) == 1}
        texts = {bare(t) for t in (*own.values(), *column.free)}
        for group in groups:
            if group.takes(own, texts, column.options):
                group.lettered.update(own)
                group.pooled |= texts
                group.members.append(column)
                break
        else:
            groups.append(_Group(dict(own), set(texts), [column]))
    entries: list[LadderEntry] = []
    used: dict[tuple[int, int], int] = {}
    clashing: list[tuple[int, int]] = []
    for group in groups:
        options = group.options()
        free = {t for m in group.members for t in m.free}
        entries.append(_ladder(options, group.lettered, free, group.members))
        used |= {m.at: len(entries) for m in group.members}
        clashing += [m.at for m in group.members if m.options != options]
    return entries, used, sorted(clashing)


def _ladder(
    options: int, lettered: Mapping[int, str], free: set[str], members: Sequence[Answers]
) -> LadderEntry:
    clash = any(len(texts) > 1 for m in members for texts in m.places.values())
    highest = max([*lettered, *(p for m in members for p in m.letters)], default=0)
    if (lettered or highest) and not free and not clash and highest <= options:
        texts = tuple(lettered.get(p, "") for p in range(1, options + 1))
        order = _order([t for t in texts if t])
        if order is not None and order != sorted(order) and order == sorted(order, reverse=True):
            return LadderEntry(texts=texts[::-1], confidence=0.8, reason="falling")
        if order is not None and order != sorted(order):
            shown = tuple(t for t in texts if t)
            return LadderEntry(texts=(OPEN, *shown), confidence=0.0, reason="disordered")
        return LadderEntry(texts=texts, confidence=0.98, reason="letters")
    every = sorted({*free, *lettered.values()})
    placed = _intervals(every, options)
    if placed is not None:
        return LadderEntry(texts=placed, confidence=0.97, reason="intervals")
    steps = _steps(every)
    if steps is not None and len(every) == options and len(set(steps)) == options:
        ordered = tuple(t for _, t in sorted(zip(steps, every, strict=True)))
        return LadderEntry(texts=ordered, confidence=0.85, reason="words")
    return LadderEntry(texts=(OPEN, *every), confidence=0.0, reason="unordered")


def _order(texts: Sequence[str]) -> list[float] | None:
    """Return numbers that rise as options get better, None where the texts do not say."""
    bounds = [_interval(t) for t in texts]
    if texts and all(b is not None for b in bounds):
        return [b[0] + b[1] for b in bounds if b is not None]
    steps = _steps(texts)
    return None if steps is None or len(set(steps)) != len(steps) else [float(s) for s in steps]


def _interval(text: str) -> tuple[float, float] | None:
    """Return the ends of an interval, None where the text is none."""
    numbers = [float(n) for n in _BOUND.findall(text)]
    half = len(numbers) // 2
    if half and numbers[:half] == numbers[half:]:
        numbers = numbers[:half]  # said in two languages
    if len(numbers) == 2 and numbers[0] < numbers[1]:
        return numbers[0], numbers[1]
    if len(numbers) == 1 and _BELOW.search(text):
        return 0.0, numbers[0]
    if len(numbers) == 1 and _ABOVE.search(text):
        return numbers[0], max(100.0, numbers[0])
    return None


def _intervals(texts: Sequence[str], options: int) -> tuple[str, ...] | None:
    """Return texts of intervals at their places, if the whole row of them is certain."""
    ends = {t: _interval(t) for t in texts}
    if not texts or any(e is None for e in ends.values()):
        return None
    by_start = sorted((e, t) for t, e in ends.items() if e is not None)
    whole = [e for e, _ in by_start]
    joined = all(a[1] == b[0] for a, b in pairwise(whole))
    if len(texts) == options and joined and whole[0][0] == 0:
        return tuple(t for _, t in by_start)
    width = 100 / options
    out = [""] * options
    for (low, high), text in by_start:
        place = round(low / width)
        if abs(low - place * width) > 1e-6 or abs(high - low - width) > 1e-6 or place >= options:
            return None
        if out[place]:
            return None
        out[place] = text
    return tuple(out)


def _steps(texts: Sequence[str]) -> list[int] | None:
    """Return the step of the ladder of words that each text stands on, None if one is on none."""
    out = []
    for text in texts:
        folded = f"{fold(text)} "
        hits = [i for i, step in enumerate(ladder_words()) if any(w in folded for w in step)]
        if not hits:
            return None
        out.append(hits[-1] if hits[0] > 0 else hits[0])
    return out
