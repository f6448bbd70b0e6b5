"""Say what is wrong with a judgement, by expert and item, before any file is involved.

The checks of the elicitation methods work on arrays and return :class:`Problem` objects that
hold positions. Whoever owns the labels (an array caller, or the reader of an XLSX form) turns the
positions into names or cell addresses.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from calib.errors import Fault, InputError

__all__ = ["Problem", "names_or_numbers", "parse_number", "raise_problems"]


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
    text: str
    value: object = None
    expected: str = ""
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


def names_or_numbers(names: Sequence[str] | None, count: int, word: str) -> tuple[str, ...]:
    """Return the given names, or ``word 1`` to ``word count``.

    Raises
    ------
    InputError
        When the number of names is not ``count`` or a name occurs twice.
    """
    if names is None:
        return tuple(f"{word} {i + 1}" for i in range(count))
    if len(names) != count:
        raise InputError(f"{len(names)} names for {count} {word}s")
    twice = sorted({name for name in names if list(names).count(name) > 1})
    if twice:
        raise InputError(f"duplicate {word}: {', '.join(twice)}")
    return tuple(names)


def raise_problems(
    problems: Sequence[Problem], experts: Sequence[str], items: Sequence[str]
) -> None:
    """Raise one :class:`InputError` with every problem, naming experts and items."""
    if problems:
        raise InputError([as_fault(p, lambda e: experts[e], items) for p in problems])


def as_fault(problem: Problem, name: Callable[[int], str], items: Sequence[str]) -> Fault:
    """Turn positions into names."""
    where = [name(problem.expert)]
    if problem.items:
        where.append(" : ".join(items[i] for i in problem.items))
    if problem.part:
        where.append(problem.part.replace("_", " "))
    return Fault("", ", ".join(where), problem.text, problem.value, problem.expected)
