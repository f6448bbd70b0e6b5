"""Where in weight space an enterprise has a given star: a union of polytopes.

Total and gate scores are linear in the weights (a gate ``S_p > γ`` is Σ_{v under p} z_v (x_v - γ)
> 0), so "the star is s" is a union of at most P + 1 polytopes, one for each way in which the
next star is missed: by the band, or by the gate of one node.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calib._types import FloatArray, IntArray
from calib.adjustment.space import Block
from calib.framework import Thresholds
from calib.rating.conditions import leaf_caps, movable_gates
from calib.rating.stars import stars

__all__ = ["StarModel", "cells_of", "star_model"]

_INSIDE = 5e-10
_LEAST_WEIGHT = 1e-3


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


def star_model(block: Block, X: FloatArray, thresholds: Thresholds) -> StarModel:
    """Express total and gate scores in the variables of a track.

    Parameters
    ----------
    block : the track's variables
    X : (n, L) leaf scores
    thresholds : effective thresholds

    Raises
    ------
    InputError
        For parts of a rule that moving weights cannot be followed through.
    """
    track = block.track
    score = X @ block.inside
    gated, gates = movable_gates(track, thresholds)
    some = np.isfinite(gates).any(axis=1)
    gated, gates = gated[some], gates[some]
    cover = np.zeros((len(gated), len(block.nodes)))
    gate_score = np.zeros((len(gated), *score.shape))
    constant = np.full((len(gated), X.shape[0]), np.nan)
    own = track.membership(block.nodes)
    for p, node in enumerate(gated):
        under = track.membership([int(node)])[0]
        parts = int(block.cover(int(node)).sum())
        if parts > 1 and not (own & ~under)[(own & under).any(axis=1)].any():
            cover[p] = block.cover(int(node))
            gate_score[p] = score * cover[p]
        constant[p] = X @ track.within(block.local, [int(node)])[0]
    caps = leaf_caps(track, X, thresholds.caps, len(thresholds.band))
    return StarModel(score, gate_score, cover, constant, gates, caps, thresholds)


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
