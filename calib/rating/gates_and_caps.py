"""What a rule asks beside bands: gates on nodes, caps, points that move between parts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise, product

import numpy as np

from calib._types import BoolArray, FloatArray, IntArray
from calib.errors import InputError
from calib.framework import Cap, Compensation, Thresholds, Track, When
from calib.words import Text, message

__all__ = [
    "Gated",
    "cap_stars",
    "check_capped_scored",
    "compensated",
    "gates_of",
    "is_plain",
    "leaf_caps",
    "movable_gates",
    "required_nodes",
    "score_of",
]

Gated = tuple[IntArray, FloatArray]
"""Positions of gated nodes (P,), and their effective gates (P, K-1)."""


def is_plain(thresholds: Thresholds) -> bool:
    """Return whether bands and gates on one level are all there is."""
    return not (thresholds.named or thresholds.caps or thresholds.compensation)


def gates_of(track: Track, thresholds: Thresholds) -> Gated:
    """Return the gated nodes of a track with their gates; those of the level come first.

    Nodes of the level stand there even where it has no gates: -inf is passed by every score.
    """
    level = track.at_depth(thresholds.gate_depth)
    rows = {int(i): np.array(thresholds.gate) for i in level}
    for where, edges in thresholds.named:
        if where.startswith("@"):
            nodes = _of_level(track, where[1:])
        else:
            nodes = [track.index[where]] if where in track.index else []
        for i in nodes:
            old = rows.get(i)
            rows[i] = np.array(edges) if old is None else np.maximum(old, edges)
    table = np.array(list(rows.values())).reshape(len(rows), len(thresholds.band))
    return np.array(list(rows), dtype=np.int64), table


def required_nodes(track: Track, thresholds: Thresholds) -> IntArray:
    """Return the gated nodes that must have a score: all but those that only caps look at."""
    own = replace(
        thresholds, named=tuple((w, e) for w, e in thresholds.named if w not in thresholds.capping)
    )
    stated, gates = gates_of(track, own)
    return stated[np.isfinite(gates).any(axis=1)]


def check_capped_scored(track: Track, thresholds: Thresholds, answers: FloatArray) -> None:
    """Refuse caps that analyses on filled-in scores would see where no score is.

    Parameters
    ----------
    answers : (n, L) leaf scores with NaN where an item is unanswered

    Raises
    ------
    InputError
        When an enterprise has no score on a node that a cap looks at.
    """
    looked = {*thresholds.capping, *(c for cap in thresholds.caps for c in cap.when.nodes())}
    under = track.membership([track.index[c] for c in looked if c in track.index])
    known = (~np.isnan(answers)).astype(float) @ under.T.astype(float)
    if (known == 0).any():
        caps = message("framework.part.caps_without_score")
        raise InputError(message("framework.not_followed", parts=[caps]))


def _of_level(track: Track, depth: str) -> list[int]:
    return [int(i) for i in track.at_depth(int(depth))]


def movable_gates(track: Track, thresholds: Thresholds) -> Gated:
    """Return the gates, where moving weights can be followed through them by straight lines.

    Raises
    ------
    InputError
        Where it cannot: points that move between parts, caps on scores that depend on weights,
        or gates on a node and on one under it that is no single item.
    """
    parts: list[Text] = []
    if thresholds.compensation is not None:
        parts.append(message("framework.part.compensation"))
    leaves = set(track.leaf_codes)
    if any(not set(c.when.nodes()) & set(track.codes) <= leaves for c in thresholds.caps):
        parts.append(message("framework.part.moving_caps"))
    nodes, edges = gates_of(track, thresholds)
    some = [int(i) for i in nodes[np.isfinite(edges).any(axis=1)]]
    inner = [i for i in some if track.nodes[i].children]
    if any(_is_above(track, a, b) for a in inner for b in inner if a != b):
        parts.append(message("framework.part.nested_gates"))
    if parts:
        raise InputError(message("framework.not_followed", parts=parts))
    return nodes, edges


def _is_above(track: Track, upper: int, lower: int) -> bool:
    i = int(track.parent[lower])
    while i >= 0 and i != upper:
        i = int(track.parent[i])
    return i == upper


def leaf_caps(track: Track, X: FloatArray, caps: Sequence[Cap], top: int) -> IntArray:
    """Return the highest star that caps on items allow, (n,): no weight changes it."""
    column = {c: j for j, c in enumerate(track.leaf_codes)}

    def score(code: str) -> FloatArray:
        return X[:, column[code]] if code in column else np.full(len(X), np.nan)

    return cap_stars(caps, score, len(X), top)[0]


def cap_stars(
    caps: Sequence[Cap], score: Callable[[str], FloatArray], n: int, top: int
) -> tuple[IntArray, BoolArray]:
    """Return the highest star that caps allow, (n,), and which of them hold, (n, number of caps).

    Parameters
    ----------
    score : scores (n,) of a node by its code; NaN where it has none, so that nothing holds
    top : the highest star
    """
    allowed = np.full(n, top, dtype=np.int64)
    holds = np.zeros((n, len(caps)), dtype=bool)
    for c, cap in enumerate(caps):
        holds[:, c] = _holds(cap.when, score, n)
        allowed = np.where(holds[:, c], np.minimum(allowed, cap.top), allowed)
    return allowed, holds


def score_of(track: Track, scores: FloatArray, code: str) -> FloatArray:
    """Return the scores (n,) of a node among those of all nodes; NaN off the track."""
    if code not in track.index:
        return np.full(len(scores), np.nan)
    return np.asarray(scores[:, track.index[code]], dtype=float)


def _holds(
    when: When, score: Callable[[str], FloatArray], n: int, tolerance: float = 1e-9
) -> BoolArray:
    if when.node:
        x, v = score(when.node), when.value
        with np.errstate(invalid="ignore"):
            found = {
                "below": x < v - tolerance,
                "at_most": x <= v + tolerance,
                "at_least": x >= v - tolerance,
                "above": x > v + tolerance,
            }[when.kind]
        return np.asarray(found, dtype=bool)
    parts = [_holds(p, score, n, tolerance) for p in when.parts]
    count = np.sum(parts, axis=0)
    least = {"any": 1, "all": len(parts), "count": int(when.value)}[when.kind]
    return np.asarray(count >= least, dtype=bool)


@lru_cache(maxsize=16)
def _moves(parts: int, points: float, step: float) -> FloatArray:
    """Return all allowed moves (q, parts - 1): points that each part hands to the next one.

    No part passes on what it receives, and no more than ``points`` move in all.
    """
    steps = int(points / step + 1e-9)
    rows = []
    # The first part's gains come first, as in the published tables of such systems.
    first = range(steps, -steps - 1, -1)
    for row in product(first, *[range(-steps, steps + 1)] * (parts - 2)):
        passed_on = any(a * b > 0 for a, b in pairwise(row))
        if not passed_on and sum(map(abs, row)) <= steps:
            rows.append(row)
    return np.array(rows, dtype=float) * step


def compensated(
    scores: FloatArray, edges: FloatArray, how: Compensation
) -> tuple[FloatArray, FloatArray]:
    """Move points between neighbouring parts.

    Parameters
    ----------
    scores : (n, P) scores of the parts
    edges : (P, K-1) their effective gates

    Returns
    -------
    scores (n, P) after the moves, and the moves (n, P-1): points handed to the next part

    Notes
    -----
    ``balance``: of all allowed moves the one with the least sum of squared distances from the
    mean, each part measured from its own gates (shifted so that their highest gates agree); of
    equal ones the first. ``star``: the first of those that reach the highest star.
    """
    n, parts = scores.shape
    moves = _moves(parts, how.points, how.step)
    highest = edges[:, -1]
    shift = np.round(np.where(np.isfinite(highest), highest.max() - highest, 0.0), 12)
    own = scores + shift
    mean = sum(own[:, p] for p in range(parts)) / parts
    best, chosen = np.full(n, np.inf), np.zeros(n, dtype=np.int64)
    for q, move in enumerate(moves):
        now = _after(own, move)
        if how.towards == "balance":
            cost = np.asarray(sum((x - mean) ** 2 for x in now), dtype=float)
        else:
            reached = [(x[:, None] > edges[p] + shift[p]).sum(axis=1) for p, x in enumerate(now)]
            cost = -np.min(reached, axis=0).astype(float)
        better = cost < best
        best, chosen = np.where(better, cost, best), np.where(better, q, chosen)
    taken = moves[chosen]
    out = np.stack(_after(own, taken.T), axis=1) - shift
    return np.asarray(out, dtype=float), taken


def _after(own: FloatArray, move: FloatArray) -> list[FloatArray]:
    """Return the score of each part after handing on ``move[i]`` points each."""
    out = []
    for p in range(own.shape[1]):
        x = own[:, p]
        if p:
            x = x + move[p - 1]
        if p < own.shape[1] - 1:
            x = x - move[p]
        out.append(x)
    return out
