"""Star leverage: how small a move of one weight already changes a star."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from calib._types import BoolArray, FloatArray, IntArray
from calib.outcomes.dominance.lines import Baseline, Line, gap_patterns, line_of, renormalised
from calib.rating.stars import band_index, scored_nodes, stars

__all__ = ["Leverage", "gap_parts", "leverage", "node_moves", "star_moves"]

_STEP = 0.05


@dataclass(frozen=True, slots=True)
class Leverage:
    """Smallest moves of each local weight, siblings rescaled, that change stars.

    Parameters
    ----------
    smallest : (q,) smallest absolute move that changes the star of some enterprise; inf if none
    within : (q,) share of enterprises whose star changes by a move of at most 0.05
    """

    smallest: FloatArray
    within: FloatArray


def leverage(base: Baseline, nodes: IntArray) -> Leverage:
    """Compute star leverage of nodes, gates included.

    Parameters
    ----------
    base : scores under the starting weights
    nodes : (q,) positions in the track

    Returns
    -------
    Leverage
    """
    n = len(base.total)
    smallest, within = np.full(len(nodes), np.inf), np.zeros(len(nodes))
    parts = gap_parts(base)
    for i, node in enumerate(nodes):  # node by node: no table of q x n
        moves = node_moves(base, int(node), parts)
        if moves is not None:
            smallest[i] = moves.min(initial=np.inf)
            within[i] = np.count_nonzero(moves <= _STEP) / max(n, 1)
    return Leverage(smallest, within)


_Part = tuple[IntArray, BoolArray, Baseline]


def gap_parts(base: Baseline) -> list[_Part]:
    """Return rows, answered items and renormalised scores of enterprises with unanswered items."""
    scored = [(rows, a, renormalised(base, rows, a, base.local)) for rows, a in gap_patterns(base)]
    return [(rows, answered, own) for rows, answered, own in scored if own is not None]


def node_moves(base: Baseline, node: int, parts: list[_Part]) -> FloatArray | None:
    """Return the smallest absolute move (n,) of a node that changes each enterprise's star.

    Parameters
    ----------
    base : scores under the starting weights
    node : position in the track
    parts : from :func:`gap_parts`

    Returns
    -------
    inf where none changes it, or None where the node has no sibling to make room for it
    """
    line = line_of(base, node)
    if line is None:
        return None
    moves = star_moves(base, line)
    for rows, answered, own in parts:
        moves[rows] = _gap_moves(base, own, node, answered)
    return moves


def _gap_moves(base: Baseline, own: Baseline, node: int, answered: BoolArray) -> FloatArray:
    """Return the smallest absolute moves of enterprises that answered the same items.

    Notes
    -----
    Scores are straight lines in the *renormalised* weight e = u / (u + (1-u) c), with u the local
    weight and c the share of the siblings' weight that is answered; e rises with u, so each
    direction is solved in e and carried back by u = e c / (1 - e + e c).
    """
    track, w, e = base.track, float(base.local[node]), float(own.local[node])
    known = scored_nodes(track, base.local, answered)
    line = line_of(own, node) if known[node] else None
    family = np.flatnonzero(track.parent == track.parent[node])
    rest = float(base.local[family[known[family]]].sum()) - w
    if line is None or rest <= 1e-12 or w >= 1.0 - 1e-12:
        return np.full(len(own.total), np.inf)
    c = rest / (1.0 - w)

    def back(weight: FloatArray) -> FloatArray:
        return np.asarray(weight * c / (1.0 - weight + weight * c), dtype=float)

    down = star_moves(own, replace(line, high=0.0))
    up = star_moves(own, replace(line, low=0.0))
    down = np.where(np.isfinite(down), w - back(e - np.minimum(down, e)), np.inf)
    up = np.where(np.isfinite(up), back(e + np.minimum(up, 1.0 - e)) - w, np.inf)
    return np.asarray(np.minimum(down, up), dtype=float)


def star_moves(base: Baseline, line: Line) -> FloatArray:
    """Return the smallest absolute move along a line that changes each enterprise's star.

    Notes
    -----
    Exact: under "the highest star whose band and gates are met" a star falls where the first of
    its own strict inequalities fails, and rises on the interval where all of a higher star's
    hold. Under the one-star reading the star is looked up on both sides of every crossing. The
    infimum is returned; at the very crossing the star may still be the old one.
    """
    if base.thresholds.one_star:
        return _by_crossings(base, line)
    t = base.thresholds
    gated = base.scores[:, base.gated]
    if line.above < 0:
        steady, moving = gated, np.full(len(base.total), np.inf)
        slope = np.zeros(len(base.total))
    else:
        steady = np.delete(gated, line.above, axis=1)
        moving, slope = gated[:, line.above], line.gate
    fixed = band_index(steady, t.gate).min(axis=1, initial=len(t.gate))
    star = np.minimum(np.minimum(band_index(base.total, t.band), band_index(moving, t.gate)), fixed)
    best = np.full(len(base.total), np.inf)
    for k in range(1, len(t.band) + 1):
        low, high = _interval(base.total, line.total, float(t.band[k - 1]), line)
        low2, high2 = _interval(moving, slope, float(t.gate[k - 1]), line)
        low, high = np.maximum(low, low2), np.minimum(high, high2)
        # Where star k holds now, leaving the interval loses it; where it does not, entering wins.
        leave = np.minimum(
            np.where(low > line.low, -low, np.inf), np.where(high < line.high, high, np.inf)
        )
        empty = (low > high) | ((low == high) & (low != 0.0)) | (fixed < k)
        reach = np.where(empty, np.inf, np.maximum(np.maximum(low, -high), 0.0))
        best = np.minimum(best, np.where(star == k, leave, np.where(star < k, reach, np.inf)))
    return best


def _interval(
    start: FloatArray, slope: FloatArray, edge: float, line: Line
) -> tuple[FloatArray, FloatArray]:
    """Return the range of moves on which start + slope·δ > edge, within the line's range."""
    gap = edge - start
    with np.errstate(divide="ignore", invalid="ignore"):
        at = gap / slope
    low = np.where(slope > 0, np.maximum(at, line.low), line.low)
    high = np.where(slope < 0, np.minimum(at, line.high), line.high)
    never = (slope == 0) & (gap >= 0)
    return np.where(never, np.inf, low), np.where(never, -np.inf, high)


def _by_crossings(base: Baseline, line: Line) -> FloatArray:
    """Look the star up just before and after every crossing of a threshold."""
    t = base.thresholds
    gated = base.scores[:, base.gated]
    before, _, _ = stars(base.total, gated, t)
    edges = [(base.total, line.total, t.band)]
    if line.above >= 0:
        edges.append((gated[:, line.above], line.gate, t.gate))
    best = np.full(len(base.total), np.inf)
    for start, slope, values in edges:
        for edge in values:
            with np.errstate(divide="ignore", invalid="ignore"):
                at = (edge - start) / slope
            at = np.where(np.isfinite(at), at, 0.0)
            for side in (-1e-9, 1e-9):
                move = np.clip(at + side, line.low, line.high)
                scores = gated.copy()
                if line.above >= 0:
                    scores[:, line.above] += move * line.gate
                after, _, _ = stars(base.total + move * line.total, scores, t)
                hit = (after != before) & (at >= line.low) & (at <= line.high)
                best = np.minimum(best, np.where(hit, np.abs(at), np.inf))
    return best
