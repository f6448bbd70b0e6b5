"""Columns that no name fits alone, matched together with the indicators that have no column.

A questionnaire shortens names ("machine tools" for "networking of machine tools") or mistypes them.
Seen alone such a header is like several names; seen beside the others only one is free.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from calib.framework import Framework
from calib.imports.text import bare, fold, parts_of

__all__ = ["Free", "Match", "cores", "likeness", "match"]

_LIKE = 0.6
"""Likeness from which a name is proposed; within its named group, `_LIKE_IN_GROUP`."""
_LIKE_IN_GROUP = 0.4
_MARGIN = 0.15
"""How much liker the best name must be than the next, and the best column than the next."""
_WIDE = 0x2E7F
"""Characters after this one are Chinese: each is a unit."""
_BRACKETS = re.compile(r"\(([^()]*)\)")


@dataclass(frozen=True)
class Free:
    """An indicator that no column is known to hold yet.

    Attributes
    ----------
    names : what it is called
    group : its parent's code
    """

    code: str
    names: tuple[str, ...]
    group: str


@dataclass(frozen=True)
class Match:
    """An indicator proposed for a column.

    Attributes
    ----------
    reason : ``"together"`` (the likest of those that are left), ``"last"`` (the only one left in
        the group that the header names)
    """

    code: str
    confidence: float
    reason: str


@dataclass
class _Column:
    parts: tuple[str, ...]
    group: str
    scores: dict[str, float] = field(default_factory=dict)


def _units(text: str) -> list[str]:
    """Return characters of a Chinese text, words of another: what a shortened name leaves out."""
    folded = fold(text)
    if any(ord(c) > _WIDE for c in folded):
        return list(bare(folded))
    return re.findall(r"[^\W_]+", folded)


def likeness(text: str, name: str) -> float:
    """Return how like a text is to a name, from 0 to 1; a name shortened is very like.

    Half the share of both that they have in common in the same order, half of the shorter.

    Examples
    --------
    >>> [round(likeness("机床联网", name), 2) for name in ("机床设备联网", "传感设备联网")]
    [0.9, 0.45]
    """
    from rapidfuzz import fuzz
    from rapidfuzz.distance import LCSseq

    a, b = _units(text), _units(name)
    if not a or not b:
        return 0.0
    common = LCSseq.similarity(a, b)
    shortened = common / (len(a) + len(b)) + common / (2 * min(len(a), len(b)))
    mistyped = fuzz.ratio(bare(text), bare(name)) / 100
    return max(shortened if min(len(a), len(b)) > 1 else 0.0, mistyped if mistyped > 0.8 else 0.0)


def cores(labels: Sequence[str]) -> list[tuple[str, ...]]:
    """Return the parts of each header that tell it from the others: what most share is left out.

    Examples
    --------
    >>> cores(["How is A used?", "How is B used?", "How is C used?"])
    [('a',), ('b',), ('c',)]
    """
    split = [parts_of(s) for s in labels]
    often = Counter(p for parts in split for p in set(parts))
    many = max(2, 0.3 * len(labels))
    kept = [[p for p in parts if often[p] <= many] for parts in split]
    firsts = [p for parts in kept for p in parts]
    head, tail = _shared(firsts), _shared([p[::-1] for p in firsts])
    out = []
    for parts in kept:
        own = [p.removeprefix(head).removesuffix(tail[::-1]).strip() for p in parts]
        out.append(tuple(p for p in own if p))
    return out


def _shared(texts: Sequence[str]) -> str:
    """Return the longest beginning that most texts share."""
    shared = ""
    while len(texts) > 2:
        longer = Counter(t[: len(shared) + 1] for t in texts if len(t) > len(shared))
        if not longer:
            break
        best, count = longer.most_common(1)[0]
        if count <= 0.6 * len(texts) or not best.startswith(shared):
            break
        shared = best
    return shared


def names_of(framework: Framework, track: str, code: str) -> tuple[str, ...]:
    """Return what an indicator is called: its names, also without or within their brackets."""
    node = framework.tracks[track].nodes[framework.tracks[track].index[code]]
    out = []
    for name in (fold(node.name.zh), fold(node.name.en)):
        inside = [w for w in _BRACKETS.findall(name) if len(w) > 2]
        out += [name, _BRACKETS.sub("", name).strip(), *inside]
    return tuple(dict.fromkeys(n for n in out if n))


def match(
    headers: Sequence[tuple[str, ...]],
    groups: Sequence[str],
    free: Sequence[Free],
    taken: Collection[tuple[str, ...]] = (),
) -> dict[int, Match]:
    """Return the indicators that headers mean, seen together.

    Parameters
    ----------
    headers : of each column its telling parts (:func:`cores`)
    groups : of each column the code of the group that its header names, "" if none
    free : indicators without a column
    taken : names of the indicators that have one; a header that is liker to one of them is left

    Notes
    -----
    A pair is proposed when each is the likest of the other by a margin, again and again among those
    that are left; then the only one left of a named group. All of it is to be confirmed.
    """
    left = {f.code: f for f in free}
    columns = {i: _Column(p, g) for i, (p, g) in enumerate(zip(headers, groups, strict=True))}
    for column in columns.values():
        column.scores = {f.code: _best(column.parts, f.names) for f in free}
    rivals = {i: max((_best(c.parts, n) for n in taken), default=0.0) for i, c in columns.items()}
    found: dict[int, Match] = {}
    moved = True
    while moved:
        moved = False
        for i, column in list(columns.items()):
            code = _clear(i, columns, left, rivals)
            if code:
                found[i] = Match(code, round(min(0.9, column.scores[code]), 2), "together")
                del columns[i], left[code]
                moved = True
    for group in {c.group for c in columns.values() if c.group}:
        members = [i for i, c in columns.items() if c.group == group]
        open_in = [c for c, f in left.items() if f.group == group]
        if len(members) == 1 and len(open_in) == 1:
            found[members[0]] = Match(open_in[0], 0.6, "last")
            del left[open_in[0]], columns[members[0]]
    return found


def _best(parts: Sequence[str], names: Sequence[str]) -> float:
    return max((likeness(p, n) for p in parts for n in names), default=0.0)


def _clear(
    i: int, columns: dict[int, _Column], left: dict[str, Free], rivals: dict[int, float]
) -> str:
    """Return the indicator that a column means, "" if that is not clear."""
    column = columns[i]
    among = [c for c in left if not column.group or left[c].group == column.group]
    if not among:
        return ""
    scores = sorted(((column.scores[c], c) for c in among), reverse=True)
    best, code = scores[0]
    second = scores[1][0] if len(scores) > 1 else 0.0
    rival = 0.0 if column.group else rivals[i]
    others = [
        c.scores[code]
        for j, c in columns.items()
        if j != i and (not c.group or c.group == left[code].group)
    ]
    enough = best >= (_LIKE_IN_GROUP if column.group else _LIKE)
    clear = best - max([second, rival, *others]) >= _MARGIN
    return code if enough and clear else ""
