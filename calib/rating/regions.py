"""Which weights give a star, and which change one: linear conditions on the weights.

On leaf weights g total and gates are linear: ``T > b`` is ``Σ g_l (x_l - b) > 0`` as Σ g = 1,
and ``S_p > γ`` is ``Σ_{l in p} g_l (x_l - γ) > 0``. The same holds for the weights of
capabilities, and for those of pillars, whose own scores, and so gates, do not move.

An enterprise has a given star in a union of at most P + 1 polytopes of weights, one for each way in
which the next star is missed: by the band, or by the gate of one of P nodes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calib._types import BoolArray, FloatArray, IntArray
from calib.errors import InputError
from calib.framework import Thresholds, Track
from calib.rating.collapse import Folded, fold
from calib.rating.stars import gates_reached, stars
from calib.words import message

__all__ = [
    "Condition",
    "Standing",
    "StarModel",
    "cells_of",
    "conditions_down",
    "conditions_up",
    "standing",
    "standing_of",
    "unit_weights",
    "weight_space",
]

_INSIDE = 5e-10
_LEAST_WEIGHT = 1e-3


@dataclass(frozen=True, eq=False)
class Condition:
    """One inequality for each enterprise.

    Attributes
    ----------
    group : gated group it concerns, -1 for the total
    step : (n,) threshold, as position in bands or gates
    above : whether the score must come above the threshold, or down to it
    """

    group: int
    step: IntArray
    above: bool


@dataclass(frozen=True, eq=False)
class Standing:
    """Enterprises in a space of weights, as they stand.

    Attributes
    ----------
    x : (n, u) scores of the units whose weights move
    g : (u,) their global weights
    caps : (n,) highest star that gates outside the space allow
    star : (n,) star, from 0
    band : (n,) star that the total alone reaches
    margin : points by which thresholds must be passed
    """

    folded: Folded
    x: FloatArray
    g: FloatArray
    caps: IntArray
    star: IntArray
    band: IntArray
    margin: float = 0.0

    @property
    def rule(self) -> Thresholds:
        """Effective thresholds."""
        return self.folded.thresholds

    def columns(self, group: int) -> slice:
        """Columns of a gated group; all of them for -1."""
        if group < 0:
            return slice(0, self.x.shape[1])
        return slice(int(self.folded.edges[group]), int(self.folded.edges[group + 1]))

    def gated_groups(self) -> list[int]:
        """Return the groups whose score moves with the weights and is gated."""
        return [p for p, gated in enumerate(self.folded.gated) if gated]

    def coefficients(self, part: Condition, rows: IntArray) -> FloatArray:
        """Return c (len(rows), u) of ``c · g' >= 0`` for some enterprises."""
        table = self.rule.band if part.group < 0 else self.folded.gate[part.group]
        edge = table[np.clip(part.step[rows], 0, len(table) - 1)]
        edge = edge + (self.margin if part.above else -self.margin)
        inside = self.columns(part.group)
        if part.group < 0:
            out = self.x[rows] - edge[:, None]
        else:
            out = np.zeros((len(rows), self.x.shape[1]))
            out[:, inside] = self.x[rows, inside] - edge[:, None]
        return out if part.above else -out

    def rows(self, keep: IntArray) -> Standing:
        """Return some of the enterprises."""
        return Standing(
            self.folded, self.x[keep], self.g, self.caps[keep], self.star[keep], self.band[keep],
            self.margin,
        )  # fmt: skip


def standing_of(
    track: Track, X: FloatArray, local: FloatArray, thresholds: Thresholds, units: IntArray,
    margin: float = 0.0,
) -> Standing:  # fmt: skip
    """Return where enterprises stand in the space of the weights of ``units``.

    Parameters
    ----------
    X : (n, L) complete leaf scores
    local : (m,) local weights
    units : nodes that cut the tree, whose global weights may move; inside them nothing does
    margin : points by which thresholds must be passed

    Raises
    ------
    InputError
        When a gated node above the units has weight 0: its score would be undetermined.
    """
    return standing(weight_space(track, local, thresholds, units), X, margin)


def weight_space(
    track: Track, local: FloatArray, thresholds: Thresholds, units: IntArray
) -> Folded:
    """Return the space of the weights of ``units``; see :func:`standing_of`."""
    folded = fold(track, np.asarray(local, dtype=float)[None], thresholds, units)
    if (folded.group[np.array(folded.gated, dtype=bool)] <= 0).any():
        empty = [track.codes[i] for i, a in zip(folded.gates, folded.group[:, 0], strict=False)
                 if a <= 0]  # fmt: skip
        raise InputError(message("rating.zero_gate", nodes=empty))
    return folded


def unit_weights(folded: Folded) -> FloatArray:
    """Return the global weights (u,) of the units of a space of weights."""
    spread = np.repeat(folded.group[:, 0], np.diff(folded.edges))
    return np.asarray(folded.within[:, 0] * spread, dtype=float)


def standing(folded: Folded, X: FloatArray, margin: float = 0.0) -> Standing:
    """Return where enterprises stand in a space of weights; see :func:`standing_of`."""
    thresholds, g = folded.thresholds, unit_weights(folded)
    x = folded.scores(X)
    scores = [x[:, a:b] @ folded.within[a:b, 0]
              for a, b, gated in zip(folded.edges, folded.edges[1:], folded.gated, strict=False)
              if gated]  # fmt: skip
    caps = folded.caps(X)
    varying = np.stack(scores, axis=1) if scores else np.empty((len(X), 0))
    edges = folded.gate[np.array(folded.gated, dtype=bool)]
    star, band, _ = stars(x @ g, varying, thresholds, edges)
    if thresholds.one_star:
        failed = (gates_reached(varying, edges) < band[:, None]).any(axis=1)
        star = band - (failed | (caps < band))
    else:
        star = np.minimum(star, caps)
    return Standing(folded, x, g, caps, star.astype(np.int64), band, margin)


_Alternative = tuple[BoolArray, list[Condition]]


def conditions_down(at: Standing) -> list[_Alternative]:
    """Return the ways to lose a star: each one's possible rows, and what it conditions."""
    step, some = at.star - 1, at.star > 0
    if not at.rule.one_star:
        ways = [(some, [Condition(-1, step, False)])]
        ways += [
            (some & _gate_exists(at, p, step), [Condition(p, step, False)])
            for p in at.gated_groups()
        ]
        return ways
    # One star only: T > b_{k+1} holds star k whatever the gates say, so that must go as well.
    top = at.star >= len(at.rule.band)
    ways = [(some, [Condition(-1, step, False)])]
    for p in at.gated_groups():
        failing = Condition(p, step, False)
        ways.append((some & top & _gate_exists(at, p, step), [failing]))
        ways.append(
            (some & ~top & _gate_exists(at, p, step), [failing, Condition(-1, step + 1, False)])
        )
    capped = some & (at.caps < at.star) & ~top
    return [*ways, (capped, [Condition(-1, step + 1, False)])]


def conditions_up(at: Standing) -> list[_Alternative]:
    """Return the ways to gain a star: each one's possible rows, and what it conditions."""
    step, some = at.star, at.star < len(at.rule.band)
    allowed = some & (at.caps > at.star)
    gates = [Condition(p, step, True) for p in at.gated_groups()]
    ways = [(allowed, [Condition(-1, step, True), *gates])]
    if at.rule.one_star:
        ways.append((at.star + 1 < len(at.rule.band), [Condition(-1, step + 1, True)]))
    return ways


def _gate_exists(at: Standing, group: int, step: IntArray) -> BoolArray:
    gates = at.folded.gate[group]
    gate = gates[np.clip(step, 0, len(gates) - 1)]
    return np.asarray(np.isfinite(gate), dtype=bool)


@dataclass(frozen=True, slots=True)
class StarModel:
    """Total and gate scores of one track's enterprises as functions of the track's variables.

    Parameters
    ----------
    total : (n, q_t) total = total @ z
    gate_score : (P, n, q_t) gate_score[p] @ z = weight of node p times its score; where the node
        is a variable itself or lies below one, its (constant) score in ``constant`` is used
    gate_cover : (P, q_t) gate_cover[p] @ z = weight of node p; 0 where constant
    constant : (P, n) scores of gated nodes under the starting weights: those that the adjustment
        does not move, and those that it leaves without weight
    gates : (P, K-1) effective gates of the gated nodes
    caps : (n,) highest star that caps on items allow: no weight changes it
    thresholds : effective thresholds
    """

    total: FloatArray
    gate_score: FloatArray
    gate_cover: FloatArray
    constant: FloatArray
    gates: FloatArray
    caps: IntArray
    thresholds: Thresholds

    def stars(self, z: FloatArray) -> IntArray:
        """Rate all enterprises under the weights z (q_t,), stars counted from 0."""
        gated = np.empty((self.total.shape[0], len(self.gate_cover)))
        for p, cover in enumerate(self.gate_cover):
            weight = float(cover @ z)
            if cover.any():
                # Below a node without weight the starting local weights stay.
                scored = self.gate_score[p] @ z / weight if weight > 1e-12 else self.constant[p]
                gated[:, p] = scored
            else:
                gated[:, p] = self.constant[p]
        return np.minimum(stars(self.total @ z, gated, self.thresholds, self.gates)[0], self.caps)

    def pick(self, which: IntArray) -> StarModel:
        """Keep some enterprises."""
        return StarModel(
            self.total[which],
            self.gate_score[:, which],
            self.gate_cover,
            self.constant[:, which],
            self.gates,
            self.caps[which],
            self.thresholds,
        )


def cells_of(
    model: StarModel, i: int, star: int, margin: float
) -> list[tuple[FloatArray, FloatArray]]:
    """Return the polytopes ``a z <= b`` of one enterprise's weights with a given star.

    Parameters
    ----------
    i : number of the enterprise
    star : star counted from 0
    margin : points by which a strict edge must be cleared

    Returns
    -------
    list of (a (r, q_t), b (r,)), rows divided by 100; cells that cannot hold are left out
    """
    t = model.thresholds
    band, gates, cap = t.band, model.gates, int(model.caps[i])
    last, q = len(band), model.total.shape[1]
    if star > cap:
        return []
    held: list[tuple[FloatArray, float]] = []
    possible = True
    if star > 0:
        held.append(_above(model.total[i], float(band[star - 1]), margin))
        for p in range(len(model.gate_cover)):
            edge = float(gates[p, star - 1])
            if not model.gate_cover[p].any():
                possible &= bool(model.constant[p, i] > edge)
            elif np.isfinite(edge):
                row = model.gate_score[p, i] - edge * model.gate_cover[p]
                held.append(_above(row, 0.0, margin * 0.01))
    cells = []
    if star in (last, cap):
        return [_join(held, q)] if possible else []
    # Thresholds carry a tolerance of their own; stay inside it, so that rounding cannot flip it.
    missed = _below(model.total[i], float(band[star]) - _INSIDE)
    if possible:
        cells.append(_join([*held, missed], q))
    if t.one_star:
        # The band is one higher and a gate of it fails; lower gates do not matter then.
        held = [_above(model.total[i], float(band[star]), margin)]
        if star + 1 < last:
            held.append(_below(model.total[i], float(band[star + 1]) - _INSIDE))
        possible = True
    for p in range(len(model.gate_cover)):
        edge = float(gates[p, star])
        if not possible or not np.isfinite(edge):
            continue
        if not model.gate_cover[p].any():
            if model.constant[p, i] <= edge:
                cells.append(_join(held, q))
            continue
        row = model.gate_score[p, i] - (edge - _INSIDE) * model.gate_cover[p]
        # A node without weight would fail every gate on paper (0 <= 0): it keeps some.
        some = (-model.gate_cover[p], -_LEAST_WEIGHT)
        cells.append(_join([*held, _below(row, 0.0), some], q))
    return cells


def _above(row: FloatArray, edge: float, margin: float) -> tuple[FloatArray, float]:
    return -row / 100.0, -(edge + margin) / 100.0


def _below(row: FloatArray, edge: float) -> tuple[FloatArray, float]:
    return row / 100.0, edge / 100.0


def _join(rows: list[tuple[FloatArray, float]], q: int) -> tuple[FloatArray, FloatArray]:
    return np.array([a for a, _ in rows]).reshape(-1, q), np.array([b for _, b in rows])
