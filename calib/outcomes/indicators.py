"""How indicators use their scale, and what retiring or adding one does to stars."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from calib._types import FloatArray, IntArray
from calib.errors import InputError
from calib.framework import Item, Name, Node, Thresholds, Track
from calib.outcomes.dominance.main_effect import score_levels
from calib.rating.one_weight import left_out
from calib.rating.scored_nodes import score_nodes
from calib.words import message, say

__all__ = ["ItemUse", "StarEffect", "add_indicator", "item_use", "retire_indicator", "star_vector"]


@dataclass(frozen=True, eq=False)
class ItemUse:
    """How indicators use their scale.

    Attributes
    ----------
    ceiling, floor : (L,) share of enterprises with the highest, the lowest score
    mean, sd : (L,) of the scores
    discrimination : (L,) correlation with the total of all other indicators at their weights;
        NaN for an indicator that everybody has the same score on
    upper_lower : (L,) mean score in the upper 27 % of totals less that in the lower 27 %;
        enterprises of one total at the edge of either share the places left in it
    """

    ceiling: FloatArray
    floor: FloatArray
    mean: FloatArray
    sd: FloatArray
    discrimination: FloatArray
    upper_lower: FloatArray


@dataclass(frozen=True, eq=False)
class StarEffect:
    """Stars before and after a change of the indicators, from 0, (n,)."""

    before: IntArray
    after: IntArray

    @property
    def up(self) -> int:
        """How many gain a star."""
        return int((self.after > self.before).sum())

    @property
    def down(self) -> int:
        """How many lose a star."""
        return int((self.after < self.before).sum())


def item_use(X: FloatArray, g: FloatArray, *, low: float, high: float) -> ItemUse:
    """Describe how indicators use their scale.

    Parameters
    ----------
    X : (n, L) leaf scores
    g : (L,) global leaf weights
    low, high : lowest and highest score

    Notes
    -----
    Discrimination leaves the indicator itself out of the total (corrected item-total
    correlation), which would otherwise inflate it.
    """
    n, L = X.shape
    total = X @ g
    out = np.full(L, np.nan)
    for j in range(L):
        rest = total - g[j] * X[:, j]
        # A rest that stands still but for rounding has no correlation.
        still = 1e-9 * max(abs(low), abs(high))
        if n > 2 and np.ptp(X[:, j]) > 0 and np.ptp(rest) > still:
            out[j] = np.corrcoef(X[:, j], rest)[0, 1]
    size = max(1, round(0.27 * n))
    upper_lower = (_lowest(-total, size) - _lowest(total, size)) @ X / size
    sd = X.std(axis=0, ddof=1) if n > 1 else np.full(L, np.nan)
    ends = (high <= X).mean(axis=0), (low >= X).mean(axis=0)
    return ItemUse(*ends, X.mean(axis=0), sd, out, upper_lower)


def _lowest(total: FloatArray, size: int) -> FloatArray:
    """Return how much of each enterprise counts among the ``size`` lowest, (n,), 0 to 1.

    Enterprises of one total count alike: those at the edge of the group share what room is left
    in it, so that the order of the table decides nothing.
    """
    level = score_levels(total)
    held = np.bincount(level)
    before = np.cumsum(held) - held
    return np.asarray(np.clip((size - before) / held, 0.0, 1.0)[level], dtype=float)


def star_vector(track: Track, X: FloatArray, local: FloatArray, thresholds: Thresholds) -> IntArray:
    """Return the stars (n,), from 0, of complete leaf scores (n, L)."""
    return score_nodes(track, X, local, thresholds).star


def retire_indicator(
    track: Track, X: FloatArray, local: FloatArray, thresholds: Thresholds, code: str
) -> StarEffect:
    """Rate without one indicator, its weight given to its siblings in proportion.

    A gate that the indicator itself has, where indicators stand at the gated level, goes with it.

    Raises
    ------
    InputError
        When ``code`` is no indicator of the track, or has no sibling with a weight.
    """
    if code not in track.leaf_codes:
        raise InputError(message("outcomes.lifecycle.no_indicator", code=code, track=track.code))
    base = score_nodes(track, X, local, thresholds)
    without = left_out(base, track.index[code])
    if without is None:
        raise InputError(message("outcomes.lifecycle.only_child", code=code))
    return StarEffect(base.star, without.star)


def add_indicator(
    track: Track,
    X: FloatArray,
    local: FloatArray,
    thresholds: Thresholds,
    *,
    parent: str,
    weight: float,
    scores: FloatArray,
) -> StarEffect:
    """Rate with one more indicator, its siblings rescaled to make room.

    Parameters
    ----------
    parent : node under which it stands, whose children are indicators
    weight : its local weight, 0 to 1
    scores : (n,) what the enterprises would score on it

    Raises
    ------
    InputError
        When the parent has no indicators as children, or the weight is out of range.
    """
    kids = [c for c in track.leaf_codes if track.nodes[track.index[c]].parent == parent]
    if not kids:
        raise InputError(
            message("outcomes.lifecycle.no_children", parent=repr(parent), track=track.code)
        )
    if not 0 <= weight < 1:
        raise InputError(message("outcomes.lifecycle.weight", weight=weight))
    code = f"{parent}.new"
    at = track.index[kids[-1]] + 1
    depth = track.nodes[at - 1].depth
    name = Name(say("outcomes.lifecycle.new", "zh"), say("outcomes.lifecycle.new", "en"))
    node = Node(code, name, depth, parent, (), Item("new", 2), "")
    nodes = [
        replace(n, children=(*n.children, code)) if n.code == parent else n for n in track.nodes
    ]
    wider = Track(track.code, track.name, (*nodes[:at], node, *nodes[at:]), track.aliases)
    grown = np.insert(local, at, weight)
    for kid in kids:
        grown[wider.index[kid]] *= 1 - weight
    column = wider.leaf_codes.index(code)
    return StarEffect(
        star_vector(track, X, local, thresholds),
        star_vector(wider, np.insert(X, column, scores, axis=1), grown, thresholds),
    )
