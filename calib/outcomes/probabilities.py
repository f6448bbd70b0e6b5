"""How sure each star is: its probability when the weights are uncertain.

Stochastic multicriteria acceptability analysis, carried over from ranks to stars.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from calib._types import FloatArray
from calib.errors import InputError
from calib.framework import Thresholds, Track
from calib.rating import ScoredSample
from calib.rating.counting import star_counts_on
from calib.rating.star_shares import star_shares
from calib.rating.stars import band_index, node_scores
from calib.words import message

__all__ = [
    "StarProbabilities",
    "pillar_probabilities",
    "sample_probabilities",
    "share_above",
    "star_probabilities",
]


@dataclass(frozen=True, eq=False)
class StarProbabilities:
    """Star probabilities from draws of the weights.

    Attributes
    ----------
    probability : (n, K) share of draws in which an enterprise has each star
    error : (n, K) its Monte-Carlo standard error
    distribution : (k, K) share of enterprises at each star, by draw
    draws : number of draws in each replicate
    """

    probability: FloatArray
    error: FloatArray
    distribution: FloatArray
    draws: tuple[int, ...]


def star_probabilities(
    track: Track,
    X: FloatArray,
    replicates: Sequence[FloatArray],
    thresholds: Thresholds,
    *,
    workers: int | None = None,
    scheduler: str | None = None,
) -> StarProbabilities:
    """Estimate star probabilities from draws of the weights.

    Parameters
    ----------
    X : (n, L) complete leaf scores
    replicates : (k, m) local weights each; independent repetitions of the same sampling. With two
        or more, the error is taken between them, as quasi-random draws need; with one, draws are
        taken as independent and the error is √(p (1 - p) / k)
    thresholds : effective thresholds of the rating rule
    workers, scheduler : threads here, or the address of a Dask scheduler
    """
    empty = np.full(len(X), "", dtype=object)
    sample = ScoredSample(track, empty, empty, np.asarray(X, dtype=float), {})
    return sample_probabilities(
        sample, replicates, thresholds, workers=workers, scheduler=scheduler
    )


def sample_probabilities(
    sample: ScoredSample,
    replicates: Sequence[FloatArray],
    thresholds: Thresholds,
    *,
    workers: int | None = None,
    scheduler: str | None = None,
) -> StarProbabilities:
    """Estimate star probabilities of a sample that may have unanswered items.

    What is unanswered hands its weight on in every draw anew, or is drawn as well; see
    :func:`star_probabilities` for the rest.
    """
    if not replicates:
        raise InputError(message("outcomes.acceptability.needs_draws"))
    found = [
        star_shares(sample, local, thresholds, star_counts_on, workers=workers,
                    scheduler=scheduler)
        for local in replicates
    ]  # fmt: skip
    shares = np.stack([share for share, _ in found])
    sizes = np.array([len(at) for _, at in found], dtype=float)
    p = np.tensordot(sizes / sizes.sum(), shares, axes=1)
    if len(found) > 1:
        error = shares.std(axis=0, ddof=1) / np.sqrt(len(found))
    else:
        error = np.sqrt(p * (1 - p) / sizes[0])
    distribution = np.concatenate([at for _, at in found])
    return StarProbabilities(p, error, distribution, tuple(int(k) for k in sizes))


def share_above(values: FloatArray, threshold: float) -> FloatArray:
    """Return the share of the weight simplex on which a weighted mean exceeds a threshold.

    Parameters
    ----------
    values : (n, P) what is averaged, under weights uniform on the simplex

    Notes
    -----
    Exact for any P: the volume that a half-space cuts from a simplex, by Varsi's recursion
    (Proc. Symp. Pure Math. 25, 1973), which adds only non-negative terms. For P = 2 it is the
    length of an interval.
    """
    d = np.asarray(values, dtype=float) - threshold
    up = np.where(d > 0, d, np.nan)
    down = np.where(d > 0, np.nan, d)
    up, down = np.sort(up, axis=1), np.sort(down, axis=1)  # NaN last
    n, P = d.shape
    positives = (~np.isnan(up)).sum(axis=1)
    table = np.zeros((n, P + 1))
    table[:, 0] = 1.0
    # F(h, k) = (u_h F(h, k-1) + |v_k| F(h-1, k)) / (u_h + |v_k|), F(h, 0) = 1, F(0, k) = 0.
    for h in range(P):
        for k in range(P):
            u, v = up[:, h], down[:, k]
            ok = ~np.isnan(u) & ~np.isnan(v)
            new = (u * table[:, k] - v * table[:, k + 1])[ok] / (u - v)[ok]
            table[ok, k + 1] = new
    above = table[np.arange(n), P - positives]
    return np.asarray(np.where(positives == 0, 0.0, above), dtype=float)


def pillar_probabilities(
    track: Track, X: FloatArray, local: FloatArray, thresholds: Thresholds
) -> FloatArray:
    """Return exact star probabilities under uniform first-level weights, (n, K).

    Everything below the first level keeps its local weights, so the gates of first-level nodes
    and of anything under them are decided, and only the total varies.

    Notes
    -----
    Under ``highest-met``: P(star > k) = P(T > b_k) if the gates allow star k + 1, else 0. Under
    ``one-star`` the star of a band that fails its gates is one lower.
    """
    scores = node_scores(track, np.asarray(X, dtype=float), np.asarray(local, dtype=float))
    values = scores[:, track.families[0].members]
    gated = scores[:, track.at_depth(thresholds.gate_depth)]
    cap = band_index(gated, thresholds.gate).min(axis=1)
    steps = len(thresholds.band)
    above = np.stack([share_above(values, float(b)) for b in thresholds.band], axis=1)
    if thresholds.one_star:
        band = _stars_of(above)
        out = np.zeros_like(band)
        for k in range(steps + 1):
            fails = cap < k
            out[:, k] += np.where(fails, 0.0, band[:, k])
            if k:
                out[:, k - 1] += np.where(fails, band[:, k], 0.0)
        return out
    return _stars_of(np.where(np.arange(steps) < cap[:, None], above, 0.0))


def _stars_of(above: FloatArray) -> FloatArray:
    ends = np.ones((len(above), 1)), np.zeros((len(above), 1))
    return np.asarray(-np.diff(np.hstack([ends[0], above, ends[1]]), axis=1), dtype=float)
