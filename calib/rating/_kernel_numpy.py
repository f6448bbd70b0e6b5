"""Counting stars of a block of enterprises under many weight sets: plain NumPy.

Counts are of enterprises and sets *at or above* each star. Truth values are summed eight at a
time, as the bytes of 64-bit words; a byte cannot overflow, as no more than 255 are summed.
"""

from __future__ import annotations

import numpy as np

from calib._types import BoolArray, FloatArray, IntArray
from calib.rating.collapse import Folded

__all__ = ["count_block"]

ROWS = 248  # at most 255: the bytes of a word count that far
COLUMNS = 1000  # a multiple of 8, and at most 8 * 255


def count_block(folded: Folded, scores: FloatArray, caps: IntArray) -> tuple[IntArray, IntArray]:
    """Count the weight sets and enterprises at or above each star.

    Parameters
    ----------
    folded : weight sets and rule
    scores : (b, u) scores of the frontier nodes of a block of enterprises
    caps : (b,) highest star (from 0) that constant gates allow

    Returns
    -------
    per_set : (k, K-1) enterprises above each threshold
    per_enterprise : (b, K-1) weight sets above each threshold
    """
    steps = len(folded.thresholds.band)
    per_set = np.zeros((steps, folded.sets), dtype=np.int64)
    per_enterprise = np.zeros((len(scores), steps), dtype=np.int64)
    count = _Counter(folded)
    for start in range(0, folded.sets, COLUMNS):
        columns = slice(start, min(folded.sets, start + COLUMNS))
        if any(folded.gated) or folded.thresholds.one_star:
            count.gated(scores, caps, columns, per_set, per_enterprise)
        else:
            count.plain(scores, caps, columns, per_set, per_enterprise)
    return per_set.T, per_enterprise


class _Counter:
    """Working arrays and shortcuts of one call."""

    def __init__(self, folded: Folded) -> None:
        self.folded = folded
        self.whole = np.empty_like(folded.within)
        for p in range(len(folded.gated)):
            rows = slice(int(folded.edges[p]), int(folded.edges[p + 1]))
            self.whole[rows] = folded.within[rows] * folded.group[p]
        rule = folded.thresholds
        shared = folded.shared_gate
        gap = rule.band - (np.inf if shared is None else shared)
        # Gates at one distance under their bands: the star is the band of min(T, S_p + distance).
        self.level = bool(
            any(folded.gated)
            and not rule.one_star
            and np.isfinite(gap).all()
            and np.ptp(gap) < 1e-12
        )
        self.gap = float(gap[0]) if self.level else 0.0
        width = COLUMNS + 8
        self.flags = np.zeros((ROWS, width), dtype=np.bool_)
        self.more = np.zeros((ROWS, width), dtype=np.bool_)
        self.total = np.empty((ROWS, COLUMNS))
        self.score = np.empty((ROWS, COLUMNS))
        self.lowest = np.empty((ROWS, COLUMNS))

    def gated(
        self,
        scores: FloatArray,
        caps: IntArray,
        columns: slice,
        per_set: IntArray,
        per_enterprise: IntArray,
    ) -> None:
        """Count where gates vary with the weights."""
        rule, width = self.folded.thresholds, columns.stop - columns.start
        shared = self.folded.shared_gate
        for at in range(0, len(scores), ROWS):
            rows = slice(at, min(len(scores), at + ROWS))
            count = rows.stop - rows.start
            total, lowest = self._totals(scores[rows], columns)
            flags = self.flags[:count, : -(-width // 8) * 8]
            flags[:, width:] = False
            more = self.more[:count, :width]
            for j in range(len(rule.band)):
                open_ = caps[rows] > j
                view = flags[:, :width]
                edge = np.where(open_, rule.band[j], np.inf)[:, None]
                np.greater(total, rule.band[j] if open_.all() else edge, out=view)
                if lowest is not None and shared is not None:
                    np.greater(lowest, shared[j], out=more)
                    np.logical_and(view, more, out=view)
                elif shared is None:
                    self._each_gate(scores[rows], columns, j, view, more)
                if rule.one_star and j + 1 < len(rule.band):
                    np.greater(total, rule.band[j + 1], out=more)
                    np.logical_or(view, more, out=view)
                _add(flags, width, per_set[j, columns], per_enterprise[rows, j])

    def _each_gate(
        self, scores: FloatArray, columns: slice, j: int, view: BoolArray, more: BoolArray
    ) -> None:
        """Keep the flags of those that pass the gates of every node for star ``j + 1``."""
        folded = self.folded
        out = self.score[: len(scores), : columns.stop - columns.start]
        for p, gated in enumerate(folded.gated):
            if gated and np.isfinite(folded.gate[p, j]):
                inside = slice(int(folded.edges[p]), int(folded.edges[p + 1]))
                np.matmul(scores[:, inside], folded.within[inside, columns], out=out)
                np.greater(out, folded.gate[p, j], out=more)
                np.logical_and(view, more, out=view)

    def _totals(self, scores: FloatArray, columns: slice) -> tuple[FloatArray, FloatArray | None]:
        """Return totals and lowest gated score; with level gates, both in one array."""
        folded, width = self.folded, columns.stop - columns.start
        total = self.total[: len(scores), :width]
        np.matmul(scores, self.whole[:, columns], out=total)
        lowest: FloatArray | None = total if self.level else None
        if folded.shared_gate is None:
            return total, None
        shifted = scores + self.gap  # weights in a group sum to 1, so this shifts its score
        for p, gated in enumerate(folded.gated):
            if not gated:
                continue
            inside = slice(int(folded.edges[p]), int(folded.edges[p + 1]))
            out = (self.lowest if lowest is None else self.score)[: len(scores), :width]
            np.matmul(shifted[:, inside], folded.within[inside, columns], out=out)
            lowest = out if lowest is None else np.minimum(lowest, out, out=lowest)
        return total, None if self.level else lowest

    def plain(
        self,
        scores: FloatArray,
        caps: IntArray,
        columns: slice,
        per_set: IntArray,
        per_enterprise: IntArray,
    ) -> None:
        """Count where only the total varies: most enterprises are decided by bounds.

        ``T = Σ g x`` with ``g >= l`` (smallest weights of the sets in hand) lies between
        ``Σ l x + (1 - Σ l) min x`` and the same with max; only rows whose bounds straddle a
        threshold need the product. The margin is far above rounding and under the tolerance.
        """
        whole = self.whole[:, columns]
        width = columns.stop - columns.start
        least = whole.min(axis=1)
        floor, rest = scores @ least, 1 - least.sum()
        low = floor + rest * scores.min(axis=1) - 1e-10
        high = floor + rest * scores.max(axis=1) + 1e-10
        for j, band in enumerate(self.folded.thresholds.band):
            allowed = caps > j
            sure = allowed & (low > band)
            per_enterprise[sure, j] += width
            per_set[j, columns] += int(sure.sum())
            open_ = np.flatnonzero(allowed & (low <= band) & (high > band))
            for at in range(0, len(open_), ROWS):
                rows = open_[at : at + ROWS]
                total = self.total[: len(rows), :width]
                flags = self.flags[: len(rows), : -(-width // 8) * 8]
                flags[:, width:] = False
                np.matmul(scores[rows], whole, out=total)
                np.greater(total, band, out=flags[:, :width])
                part = np.zeros(len(rows), dtype=np.int64)
                _add(flags, width, per_set[j, columns], part)
                per_enterprise[rows, j] += part


def _add(flags: BoolArray, width: int, per_set: IntArray, per_enterprise: IntArray) -> None:
    """Add truth values (b, width padded to words) over rows and over columns."""
    words = flags.view(np.uint64)
    down = words.sum(axis=0, dtype=np.uint64)
    per_set += down.view(np.uint8)[:width]
    across = words.sum(axis=1, dtype=np.uint64)
    per_enterprise += across.view(np.uint8).reshape(-1, 8).sum(axis=1, dtype=np.int64)
