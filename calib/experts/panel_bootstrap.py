"""Intervals and draws of a panel's weights: bootstrap over experts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from calib._streams import token
from calib._types import BoolArray, FloatArray, Seed
from calib.errors import InputError
from calib.experts.pairwise import complete_weights
from calib.experts.pooling import (
    DEFAULT_TRIM,
    competence_weights,
    pool_judgements,
    pool_weights,
)
from calib.words import message

__all__ = ["Bootstrap", "bootstrap_judgements", "bootstrap_weights", "resample_experts", "widened"]

_MOST_BLOCKS = 1000
"""Sequences as long as the panel that are tried for every replicate."""


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """Group weights with their bootstrap distribution.

    Parameters
    ----------
    weights : (n,) weights of the whole panel
    draws : (b, n) weights of resampled panels
    low, high : (n,) ends of the interval; NaN for one expert, who tells nothing about others
    se : (n,) standard deviation of the draws, NaN likewise
    """

    weights: FloatArray
    draws: FloatArray
    low: FloatArray
    high: FloatArray
    se: FloatArray


def resample_experts(
    judged: BoolArray,
    draws: int,
    *,
    rng: Seed = None,
    positions: Sequence[int] | None = None,
    size: int | None = None,
) -> FloatArray:
    """Resample a panel, so that every node keeps at least one of its experts.

    Parameters
    ----------
    judged : (k, nodes) which expert judged which node
    draws : number of resampled panels b
    rng : Generator or seed
    positions, size : where the k experts stand in a larger panel, and how many experts that has;
        resamples of several parts of one panel then go together

    Returns
    -------
    (b, k) how often each expert is in each resampled panel; rows sum to k - 1 (1 for one expert)

    Raises
    ------
    InputError
        When a node has no expert, or hardly any sample would cover all nodes.

    Notes
    -----
    Experts are drawn whole, with everything they judged, so that weights of different nodes keep
    their dependence. A replicate is a sequence of experts of the larger panel, drawn with
    replacement; a part of the panel takes its own members as they come, until it has k - 1, with
    which the draws vary as much as panels of k do: k of k would vary too little by a share of 1/k
    (Rao and Wu 1988, Journal of the American Statistical Association 83, 231-241). So each
    part is resampled with its own size, and parts that share experts share their luck. A sample
    that leaves a node without expert is followed by the next of the same sequence. Replicate i
    depends on the seed and on i only, not on how many there are.
    """
    judged = np.asarray(judged, dtype=bool)
    k = len(judged)
    enough = max(k - 1, 1)
    if not judged.any(axis=0).all():
        raise InputError(message("experts.resample_unjudged"))
    own = np.arange(k) if positions is None else np.asarray(positions, dtype=np.int64)
    whole = k if size is None else size
    row_of = np.full(whole, k)  # who is no member is counted in a column that is dropped
    row_of[own] = np.arange(k)
    seed = rng if isinstance(rng, np.random.SeedSequence) else np.random.SeedSequence(token(rng))
    counts, taken = np.zeros((draws, k + 1)), np.zeros(draws, dtype=np.int64)
    open_rows = np.arange(draws)
    for block in range(_MOST_BLOCKS):
        generator = np.random.default_rng(
            np.random.SeedSequence(seed.entropy, spawn_key=(*seed.spawn_key, block))
        )
        picked = row_of[generator.integers(whole, size=(draws, whole))]
        for column in picked.T:
            at = column[open_rows]
            counts[open_rows, at] += 1
            taken[open_rows] += at < k
            full = open_rows[taken[open_rows] == enough]
            if not full.size:
                continue
            covered = ((counts[full, :k] @ judged.astype(float)) > 0).all(axis=1)
            again = full[~covered]
            counts[again], taken[again] = 0.0, 0
            open_rows = np.setdiff1d(open_rows, full[covered], assume_unique=True)
        if not open_rows.size:
            return counts[:, :k]
    raise InputError(message("experts.resample_hardly"))


def _heard(competence: FloatArray | None, k: int) -> BoolArray:
    heard = np.ones(k, dtype=bool) if competence is None else np.asarray(competence) > 0
    return np.asarray(heard[:, None])


def _summary(
    whole: FloatArray, drawn: FloatArray, confidence: float, heard: BoolArray
) -> Bootstrap:
    if heard.sum() < 2:
        unknown = np.full(whole.shape, np.nan)
        return Bootstrap(whole, drawn, unknown, unknown.copy(), unknown.copy())
    low, high = np.quantile(drawn, [(1 - confidence) / 2, (1 + confidence) / 2], axis=0)
    return Bootstrap(whole, drawn, low, high, drawn.std(axis=0, ddof=1))


def widened(
    found: Bootstrap, competence: FloatArray | None, k: int, *, confidence: float = 0.95
) -> Bootstrap:
    """Widen the draws of a small panel, so that their intervals cover as often as they say.

    Parameters
    ----------
    found : weights of the panel and of its resamples
    competence : (k,) weights of the experts, equal if None
    k : number of experts
    confidence : level at which the intervals are to cover

    Notes
    -----
    Percentiles do not know that the variance is estimated. (That resampling k experts loses a
    degree of freedom is mended by :func:`resample_experts`, which takes k - 1 of them.) Log-ratios
    of each draw to the panel's weights are multiplied by ``t / z``, the quantiles of Student's t
    for k − 1 degrees of freedom and of the normal at the level; k is Kish's effective number of
    experts who count. Weights that are 0, in the panel or in a draw, stay 0. One expert's draws
    stay as they are.

    References
    ----------
    Efron & Tibshirani (1993), *An Introduction to the Bootstrap*, sections 12.5, 13.3;
    Hesterberg (2015), *Am. Stat.* 69, 371-386 (expanded percentiles).
    """
    from scipy.stats import norm, t

    shares = competence_weights(competence, k)
    size = 1.0 / float((shares**2).sum())
    if size < 2 - 1e-9:
        return found
    tail = (1 - confidence) / 2
    factor = float(t.isf(tail, size - 1) / norm.isf(tail))
    with np.errstate(divide="ignore", invalid="ignore"):
        raw = np.where(
            (found.weights > 0) & (found.draws > 0),
            found.weights * (found.draws / found.weights) ** factor,
            0.0,
        )
    drawn = raw / raw.sum(axis=1, keepdims=True)
    low, high = np.quantile(drawn, [tail, 1 - tail], axis=0)
    return Bootstrap(found.weights, drawn, low, high, drawn.std(axis=0, ddof=1))


def bootstrap_weights(
    weights: FloatArray,
    *,
    pool: str = "arithmetic",
    trim: float = DEFAULT_TRIM,
    competence: FloatArray | None = None,
    draws: int = 2000,
    confidence: float = 0.95,
    counts: FloatArray | None = None,
    experts: Sequence[str] | None = None,
    rng: Seed = None,
) -> Bootstrap:
    """Bootstrap pooled individual weights (AIP) over experts.

    Parameters
    ----------
    weights : (k, n) individual weights
    pool, trim, competence, experts
        As in :func:`calib.experts.pooling.pool_weights`.
    draws
        Number of resampled panels b.
    confidence
        Level of the percentile interval.
    counts : (b, k) resampled panels, or None to draw them here
    rng
        Generator or seed.

    Notes
    -----
    Percentile intervals of few experts are too narrow, by about √((k − 1)/k).
    """
    w = np.asarray(weights, dtype=float)
    heard = _heard(competence, len(w))
    if counts is None:
        counts = resample_experts(heard, draws, rng=rng)
    shares = counts if competence is None else counts * np.asarray(competence, dtype=float)
    whole = pool_weights(w, pool=pool, trim=trim, competence=competence, experts=experts)
    return _summary(
        whole, pool_weights(w, pool=pool, trim=trim, competence=shares), confidence, heard
    )


def bootstrap_judgements(
    matrices: FloatArray,
    *,
    competence: FloatArray | None = None,
    complete: str = "eigenvector",
    draws: int = 2000,
    confidence: float = 0.95,
    counts: FloatArray | None = None,
    rng: Seed = None,
) -> Bootstrap:
    """Bootstrap pooled judgements (AIJ) over experts.

    Parameters
    ----------
    matrices : (k, n, n) complete comparison matrices
    complete
        ``"eigenvector"`` or ``"geometric"`` weights of the pooled matrices.
    competence, draws, confidence, counts, rng
        As in :func:`bootstrap_weights`.
    """
    heard = _heard(competence, len(matrices))
    if counts is None:
        counts = resample_experts(heard, draws, rng=rng)
    shares = counts if competence is None else counts * np.asarray(competence, dtype=float)
    pooled = np.concatenate(
        [
            pool_judgements(matrices, competence=competence)[None],
            pool_judgements(matrices, competence=shares),
        ]
    )
    solved = complete_weights(pooled, complete)
    return _summary(solved[0], solved[1:], confidence, heard)
