"""Say what is wrong with a judgement, by expert and item, before any file is involved.

The checks of the elicitation methods work on arrays and return :class:`Problem` objects that
hold positions. Whoever owns the labels (an array caller, or the reader of an XLSX form) turns the
positions into names or cell addresses.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from calib.errors import Fault, InputError, did_you_mean
from calib.words import Text, joined, message

__all__ = ["Problem", "hinted", "names_or_numbers", "parse_number", "raise_problems"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault of one expert's judgement.

    Parameters
    ----------
    expert
        Position of the expert in the batch.
    items
        Positions of the items it concerns: none (the whole judgement), one, or a compared pair.
    text
        What is wrong.
    value
        What was found, if one value is to blame.
    expected
        What would have been valid.
    part
        Which part of the judgement, where a method has several (Best-Worst: ``"to_others"``,
        ``"to_worst"``, ``"best"``, ``"worst"``).
    """

    expert: int
    items: tuple[int, ...]
    text: Text
    value: object = None
    expected: str | Text = ""
    part: str = ""


def parse_number(text: str) -> float | None:
    """Read a typed number; None for anything else, also for ``nan``, ``inf`` and ``1_000``.

    Examples
    --------
    >>> parse_number(" 2.5 "), parse_number("1/3"), parse_number("nan"), parse_number("1_0")
    (2.5, None, None, None)
    """
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and "_" not in text else None


def names_or_numbers(names: Sequence[str] | None, count: int, word: str) -> tuple[str | Text, ...]:
    """Return the given names, or "expert 1", "item 1" and so on (``word``: expert or item).

    Raises
    ------
    InputError
        When the number of names is not ``count`` or a name occurs twice.
    """
    if names is None:
        return tuple(message(f"experts.faults.{word}_n", n=i + 1) for i in range(count))
    if len(names) != count:
        what = message(f"experts.faults.{word}s_word")
        raise InputError(message("experts.faults.names", n=len(names), count=count, what=what))
    twice = sorted({name for name in names if list(names).count(name) > 1})
    if twice:
        what = message(f"experts.faults.{word}_word")
        raise InputError(message("experts.faults.duplicate", what=what, names=twice))
    return tuple(names)


def raise_problems(
    problems: Sequence[Problem], experts: Sequence[str | Text], items: Sequence[str | Text]
) -> None:
    """Raise one :class:`InputError` with every problem, naming experts and items."""
    if problems:
        raise InputError([_as_fault(p, experts, items) for p in problems])


def _as_fault(
    problem: Problem, experts: Sequence[str | Text], items: Sequence[str | Text]
) -> Fault:
    """Turn positions into names."""
    where: list[str | Text] = [experts[problem.expert]]
    if problem.items:
        where.append(joined([items[i] for i in problem.items], " : "))
    if problem.part:
        where.append(message(f"experts.part.{problem.part}"))
    return Fault("", joined(where), problem.text, problem.value, problem.expected)


def hinted(text: Text, word: str, known: Iterable[str]) -> Text:
    """Return a text with the known word that is closest to ``word``, where one is close."""
    hint = did_you_mean(word, known)
    return joined([text, hint], "") if hint else text
