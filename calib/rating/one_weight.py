"""What one weight alone can do to stars, its siblings making room: intervals, moves, leaving out.

Moving the local weight of a node v by δ, its siblings rescaled, moves the score of its parent by
δ (S_v - R_v), where R_v is the mean of the siblings; ancestors follow in proportion to their
weights. Total and gated scores are therefore straight lines in δ, and a star can change only
where one of them crosses one of its thresholds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calib._types import BoolArray, FloatArray, IntArray
from calib.framework import Thresholds, Track
from calib.rating.gates_and_caps import (
    is_plain,
)
from calib.rating.scored_nodes import ScoredNodes, score_answered, score_nodes
from calib.rating.stars import (
    band_index,
    nodes_with_score,
    stars,
)

__all__ = [
    "Line",
    "WeightIntervals",
    "WithoutNode",
    "left_out",
    "line_of",
    "one_weight_intervals",
    "smallest_moves",
    "weight_intervals",
]


@dataclass(frozen=True, eq=False)
class Line:
    """Total and gated score as straight lines in the move of one local weight.

    Attributes
    ----------
    total : (n,) slope of the total, in points per unit of weight
    above : number among the gated nodes of the one that moves, or -1
    gate : (n,) slope of that node's score
    low, high : range of the move: the weight stays between 0 and 1
    """

    total: FloatArray
    above: int
    gate: FloatArray
    low: float
    high: float


def line_of(base: ScoredNodes, node: int) -> Line | None:
    """Return the line of a node, or None where it has no sibling with weight to make room."""
    track, w = base.track, float(base.local[node])
    if w >= 1.0 - 1e-12:
        return None
    parent = int(track.parent[node])
    mean = base.total if parent < 0 else base.scores[:, parent]
    slope = (base.scores[:, node] - mean) / (1.0 - w)
    share = 1.0 if parent < 0 else float(base.weight[parent])
    above, gate, up, factor = -1, np.zeros(len(mean)), parent, 1.0
    # Nodes of the gates' level stand among the gated ones even where it has no gates.
    real = np.isfinite(base.gates).any(axis=1)
    while up >= 0:
        hit = np.flatnonzero((base.gated == up) & real)
        if len(hit):
            above, gate = int(hit[0]), factor * slope
            break
        factor *= float(base.local[up])
        up = int(track.parent[up])
    return Line(share * slope, above, gate, -w, 1.0 - w)


@dataclass(frozen=True, eq=False)
class WeightIntervals:
    """Where each local weight can lie, alone, without changing an enterprise's star.

    Attributes
    ----------
    now : (m,) local weights
    low, high : (n, m) ends of the interval around the weight now; NaN for a weight that cannot
        move alone (an only child, or a node that has all the weight of its family)
    star : (n,) star now, from 0
    star_below, star_above : (n, m) star just outside; the star now where the end is 0 or 1
    """

    track: Track
    now: FloatArray
    low: FloatArray
    high: FloatArray
    star: IntArray
    star_below: IntArray
    star_above: IntArray


def one_weight_intervals(
    track: Track, X: FloatArray, local: FloatArray, thresholds: Thresholds
) -> WeightIntervals:
    """Find the interval of each local weight in which each enterprise's star holds.

    Parameters
    ----------
    X : (n, L) complete leaf scores
    local : (m,) local weights
    thresholds : effective thresholds of the rating rule

    Notes
    -----
    The star is looked up between neighbouring crossings of the two lines that a weight moves with
    their thresholds. Exact for any rule option.
    """
    return weight_intervals(score_nodes(track, X, local, thresholds))


def weight_intervals(base: ScoredNodes) -> WeightIntervals:
    """Return the intervals of enterprises that are scored already; see the function above."""
    n, m = base.scores.shape
    low, high = np.full((n, m), np.nan), np.full((n, m), np.nan)
    star = base.star
    below, above = np.tile(star[:, None], m), np.tile(star[:, None], m)
    reached = base.reached
    for node in range(m):
        line = line_of(base, node)
        if line is None:
            continue
        w = float(base.local[node])
        up, above[:, node] = _first_change(base, star, reached, line, 1.0)
        down, below[:, node] = _first_change(base, star, reached, line, -1.0)
        low[:, node], high[:, node] = w - down, w + up
    return WeightIntervals(base.track, base.local, low, high, star, below, above)


def _first_change(
    base: ScoredNodes, star: IntArray, reached: IntArray, line: Line, sign: float
) -> tuple[FloatArray, IntArray]:
    """Return how far a weight can move one way before the star changes, and the star beyond (n,).

    Parameters
    ----------
    star : (n,) stars now
    reached : (n, P + 1) star that each gate and the caps allow now
    """
    rule, room = base.thresholds, line.high if sign > 0 else -line.low
    lines = [(base.total, line.total, rule.band)]
    others = reached
    if line.above >= 0:
        gate = base.gates[line.above]
        lines.append((base.scores[:, base.gated[line.above]], line.gate, gate))
        others = np.delete(reached, line.above, axis=1)
    cap = others.min(axis=1, initial=len(rule.band))
    marks = []
    for level, slope, edges in lines:
        with np.errstate(divide="ignore", invalid="ignore"):
            t = (edges - level[:, None]) / (sign * slope[:, None])
        marks.append(np.where(np.isfinite(t) & (t >= 0) & (t < room), t, room))
    ordered = np.sort(np.concatenate(marks, axis=1), axis=1)
    ends = np.concatenate([ordered, np.full((len(ordered), 1), room)], axis=1)
    there = _stars_at(lines, cap, rule, sign * (ordered + ends[:, 1:]) / 2)
    changed = (there != star[:, None]) & (ordered < room)
    first, rows = changed.argmax(axis=1), np.arange(len(ordered))
    found = changed.any(axis=1)
    return (
        np.where(found, ordered[rows, first], room),
        np.where(found, there[rows, first], star),
    )


def _stars_at(
    lines: list[tuple[FloatArray, FloatArray, FloatArray]],
    cap: IntArray,
    rule: Thresholds,
    move: FloatArray,
) -> IntArray:
    """Return stars (n, q) after moves (n, q); ``cap`` is what the gates that stand still allow."""
    places = [
        band_index(level[:, None] + slope[:, None] * move, edges) for level, slope, edges in lines
    ]
    band = places[0]
    reached = np.broadcast_to(cap[:, None], band.shape)
    for gate in places[1:]:
        reached = np.minimum(reached, gate)
    if rule.one_star:
        return np.asarray(band - (reached < band), dtype=np.int64)
    return np.minimum(band, reached)


def smallest_moves(base: ScoredNodes, node: int) -> FloatArray | None:
    """Return the smallest absolute move (n,) of a local weight that changes each star.

    Parameters
    ----------
    base : scores, with the answers where items are unanswered
    node : position in the track

    Returns
    -------
    inf where no move of this weight changes it; None where the node has no sibling to make room

    Notes
    -----
    Where items are unanswered, scores are straight lines in the *renormalised* weight
    e = u / (u + (1-u) c), with u the local weight and c the share of the siblings' weight that is
    answered; e rises with u, so each direction is solved in e and carried back by
    u = e c / (1 - e + e c).
    """
    line = line_of(base, node)
    if line is None:
        return None
    by_search = base.thresholds.one_star or not is_plain(base.thresholds)
    moves = np.minimum(*_both_ways(base, line)) if by_search else _nearest_change(base, line)
    for rows, answered, own in base.renormalised:
        moves[rows] = _gap_moves(base, own, node, answered)
    return moves


def _nearest_change(base: ScoredNodes, line: Line) -> FloatArray:
    """Return the smallest absolute moves where the star is the highest whose band and gates hold.

    Notes
    -----
    In closed form, which saves sorting crossings: every star from which an enterprise could move
    holds on an interval of moves; leaving that of the star now, or entering that of a higher one,
    changes the star. The infimum is returned: at the very crossing it may still be the old one.
    """
    t, level = base.thresholds, base.total
    gated = base.scores[:, base.gated]
    if line.above < 0:
        steady, moving, slope = gated, np.full(len(level), np.inf), np.zeros(len(level))
    else:
        steady = np.delete(gated, line.above, axis=1)
        moving, slope = gated[:, line.above], line.gate
    fixed = band_index(steady, t.gate).min(axis=1, initial=len(t.gate))
    star = np.minimum(np.minimum(band_index(level, t.band), band_index(moving, t.gate)), fixed)
    best = np.full(len(level), np.inf)
    for k in range(1, len(t.band) + 1):
        low, high = _where_above(level, line.total, float(t.band[k - 1]), line)
        low2, high2 = _where_above(moving, slope, float(t.gate[k - 1]), line)
        low, high = np.maximum(low, low2), np.minimum(high, high2)
        leave = np.minimum(
            np.where(low > line.low, -low, np.inf), np.where(high < line.high, high, np.inf)
        )
        empty = (low > high) | ((low == high) & (low != 0.0)) | (fixed < k)
        reach = np.where(empty, np.inf, np.maximum(np.maximum(low, -high), 0.0))
        best = np.minimum(best, np.where(star == k, leave, np.where(star < k, reach, np.inf)))
    return best


def _where_above(
    start: FloatArray, slope: FloatArray, edge: float, line: Line
) -> tuple[FloatArray, FloatArray]:
    """Return the range of moves (n,) on which start + slope·δ > edge, within the line's range."""
    gap = edge - start
    with np.errstate(divide="ignore", invalid="ignore"):
        at = gap / slope
    low = np.where(slope > 0, np.maximum(at, line.low), line.low)
    high = np.where(slope < 0, np.minimum(at, line.high), line.high)
    never = (slope == 0) & (gap >= 0)
    return np.where(never, np.inf, low), np.where(never, -np.inf, high)


def _both_ways(base: ScoredNodes, line: Line) -> tuple[FloatArray, FloatArray]:
    """Return the smallest moves down and up that change the star, inf where none does."""
    star = base.star
    reached = base.reached
    out = []
    for sign in (-1.0, 1.0):
        move, there = _first_change(base, star, reached, line, sign)
        out.append(np.where(there != star, move, np.inf))
    return out[0], out[1]


def _gap_moves(base: ScoredNodes, own: ScoredNodes, node: int, answered: BoolArray) -> FloatArray:
    """Return the smallest moves of enterprises that answered the same items."""
    track, w, e = base.track, float(base.local[node]), float(own.local[node])
    known = nodes_with_score(track, base.local, answered)
    line = line_of(own, node) if known[node] else None
    family = np.flatnonzero(track.parent == track.parent[node])
    rest = float(base.local[family[known[family]]].sum()) - w
    if line is None or rest <= 1e-12:
        return np.full(len(own.total), np.inf)
    c = rest / (1.0 - w)

    def back(weight: FloatArray) -> FloatArray:
        return np.asarray(weight * c / (1.0 - weight + weight * c), dtype=float)

    down, up = _both_ways(own, line)
    down = np.where(np.isfinite(down), w - back(e - np.minimum(down, e)), np.inf)
    up = np.where(np.isfinite(up), back(e + np.minimum(up, 1.0 - e)) - w, np.inf)
    return np.asarray(np.minimum(down, up), dtype=float)


@dataclass(frozen=True, eq=False)
class WithoutNode:
    """Enterprises rated without one node, its siblings taking over its weight.

    Attributes
    ----------
    total : (n,) totals
    gated : (n, P) gated scores; inf for the node itself, whose gate goes with it
    gates : (P, K-1) gates of the nodes
    caps : (n,) highest star that caps on items allow; they stay, the item is only not counted
    """

    total: FloatArray
    gated: FloatArray
    gates: FloatArray
    caps: IntArray
    thresholds: Thresholds

    @property
    def star(self) -> IntArray:
        """Star of every enterprise, (n,), from 0."""
        found = stars(self.total, self.gated, self.thresholds, self.gates)[0]
        return np.minimum(found, self.caps)


def left_out(base: ScoredNodes, node: int) -> WithoutNode | None:
    """Rate without a node; None where it has no sibling with weight, or rating would refuse.

    Enterprises with unanswered items are rated again from their answers: what is left of the
    weights is renormalised among what is answered, which is no straight line in the weight.
    """
    line = line_of(base, node)
    if line is None:
        return None
    total = base.total + line.low * line.total
    gated = base.scores[:, base.gated]
    if line.above >= 0:
        gated[:, line.above] += line.low * line.gate
    local = np.array(base.local)
    local[base.track.parent == base.track.parent[node]] /= 1.0 - local[node]
    local[node] = 0.0
    for rows, answered in base.patterns:
        again = score_answered(base, rows, answered, local)
        if again is None:
            return None
        total[rows], gated[rows] = again.total, again.scores[:, base.gated]
    gated[:, base.gated == node] = np.inf
    return WithoutNode(total, gated, base.gates, base.caps, base.thresholds)
