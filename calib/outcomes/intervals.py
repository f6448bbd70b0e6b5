"""For every weight, the interval in which an enterprise keeps its star, siblings rescaled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calib._types import FloatArray, IntArray
from calib.framework import Thresholds, Track
from calib.rating.stars import band_index, node_scores, stars

__all__ = ["WeightIntervals", "one_weight_intervals"]


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
    With its siblings rescaled in proportion, a weight w moves its parent's score on the line
    ``w s + (1 - w) r``, r the siblings' own mean. The total, and the score of the one gated node
    above, are lines in w as well, so the star can change only where one of them crosses one of
    its thresholds; the star is looked up between neighbouring crossings. Exact for any reading.
    """
    local = np.asarray(local, dtype=float)
    scores = node_scores(track, X, local)
    whole = track.global_weights(local)
    gates = track.at_depth(thresholds.gate_depth)
    top = track.families[0].members
    total = scores[:, top] @ local[top]
    star = stars(total, scores[:, gates], thresholds)[0]
    n, m = scores.shape
    low, high = np.full((n, m), np.nan), np.full((n, m), np.nan)
    below, above = np.tile(star[:, None], m), np.tile(star[:, None], m)
    reached = band_index(scores[:, gates], thresholds.gate)
    for family in track.families:
        parent = track.index[family.parent] if family.parent else -1
        mean = total if parent < 0 else scores[:, parent]
        share = 1.0 if parent < 0 else float(whole[parent])
        gate = _gate_above(track, parent, gates)
        inside = 1.0 if gate < 0 else _between(track, local, int(gates[gate]), parent)
        others = np.delete(reached, gate, axis=1) if gate >= 0 else reached
        cap = others.min(axis=1) if others.shape[1] else np.full(n, len(thresholds.band))
        for i in family.members:
            w = float(local[i])
            if w >= 1:
                continue
            slope = (scores[:, i] - mean) / (1 - w)
            lines = _Lines(
                total, share * slope, scores[:, gates[gate]] if gate >= 0 else None,
                inside * slope, cap.astype(np.int64), thresholds, star,
            )  # fmt: skip
            high[:, i], above[:, i] = lines.first_change(1.0, 1 - w)
            down, below[:, i] = lines.first_change(-1.0, w)
            low[:, i], high[:, i] = w - down, w + high[:, i]
    return WeightIntervals(track, local, low, high, star, below, above)


def _gate_above(track: Track, node: int, gates: IntArray) -> int:
    """Return which gated node is ``node`` or above it, -1 if none is."""
    while node >= 0:
        hit = np.flatnonzero(gates == node)
        if len(hit):
            return int(hit[0])
        node = int(track.parent[node])
    return -1


def _between(track: Track, local: FloatArray, gate: int, node: int) -> float:
    weight = 1.0
    while node != gate:
        weight *= float(local[node])
        node = int(track.parent[node])
    return weight


@dataclass(frozen=True, eq=False)
class _Lines:
    """Total and gated score as lines in the change of one weight."""

    total: FloatArray
    total_slope: FloatArray
    gated: FloatArray | None
    gated_slope: FloatArray
    cap: IntArray
    thresholds: Thresholds
    star: IntArray

    def first_change(self, sign: float, room: float) -> tuple[FloatArray, IntArray]:
        """Return how far the weight can move one way, and the star beyond (n,)."""
        rule = self.thresholds
        lines = [(self.total, self.total_slope, rule.band)]
        if self.gated is not None:
            lines.append((self.gated, self.gated_slope, rule.gate))
        marks = []
        for level, slope, edges in lines:
            with np.errstate(divide="ignore", invalid="ignore"):
                t = (edges - level[:, None]) / (sign * slope[:, None])
            marks.append(np.where(np.isfinite(t) & (t >= 0) & (t < room), t, room))
        ordered = np.sort(np.concatenate(marks, axis=1), axis=1)
        ends = np.concatenate([ordered, np.full((len(ordered), 1), room)], axis=1)
        middle = (ordered + ends[:, 1:]) / 2
        there = self._star(sign * middle)
        changed = (there != self.star[:, None]) & (ordered < room)
        found = changed.any(axis=1)
        first = changed.argmax(axis=1)
        rows = np.arange(len(ordered))
        return (
            np.where(found, ordered[rows, first], room),
            np.where(found, there[rows, first], self.star),
        )

    def _star(self, step: FloatArray) -> IntArray:
        rule = self.thresholds
        band = band_index(self.total[:, None] + self.total_slope[:, None] * step, rule.band)
        reached = np.broadcast_to(self.cap[:, None], band.shape)
        if self.gated is not None:
            here = self.gated[:, None] + self.gated_slope[:, None] * step
            reached = np.minimum(reached, band_index(here, rule.gate))
        if rule.one_star:
            return np.asarray(band - (reached < band), dtype=np.int64)
        return np.minimum(band, reached)
