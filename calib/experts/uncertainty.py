"""Intervals and draws of a panel's weights: bootstrap over experts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from calib._types import BoolArray, FloatArray, Seed
from calib.errors import InputError
from calib.experts.pairwise import eigenvector_weights, geometric_weights
from calib.experts.pooling import DEFAULT_TRIM, pool_judgements, pool_weights

__all__ = ["Bootstrap", "bootstrap_judgements", "bootstrap_weights", "resample_experts"]


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


def resample_experts(judged: BoolArray, draws: int, *, rng: Seed = None) -> FloatArray:
    """Resample a panel, so that every node keeps at least one of its experts.

    Parameters
    ----------
    judged : (k, nodes) which expert judged which node
    draws
        Number of resampled panels b.
    rng
        Generator or seed.

    Returns
    -------
    (b, k) how often each expert is in each resampled panel; rows sum to k

    Raises
    ------
    InputError
        When a node has no expert, or hardly any sample would cover all nodes.

    Notes
    -----
    Experts are drawn whole, with everything they judged, so that weights of different nodes keep
    their dependence. Samples that leave a node without expert are drawn again.
    """
    judged = np.asarray(judged, dtype=bool)
    k = len(judged)
    if not judged.any(axis=0).all():
        raise InputError("a node without any judgement can not be resampled")
    generator = np.random.default_rng(rng)
    kept: list[FloatArray] = []
    have = 0
    for _ in range(1000):
        counts = generator.multinomial(k, np.full(k, 1.0 / k), size=draws)
        counts = counts[(counts @ judged.astype(float) > 0).all(axis=1)]
        kept.append(counts.astype(float))
        have += len(counts)
        if have >= draws:
            return np.concatenate(kept)[:draws]
    raise InputError("nearly every resampled panel leaves a node without an expert")


def _heard(competence: FloatArray | None, k: int) -> BoolArray:
    heard = np.ones(k, dtype=bool) if competence is None else np.asarray(competence) > 0
    return np.asarray(heard[:, None])


def _summary(whole: FloatArray, drawn: FloatArray, level: float, heard: BoolArray) -> Bootstrap:
    if heard.sum() < 2:
        unknown = np.full(whole.shape, np.nan)
        return Bootstrap(whole, drawn, unknown, unknown.copy(), unknown.copy())
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return Bootstrap(whole, drawn, low, high, drawn.std(axis=0, ddof=1))


def bootstrap_weights(
    weights: FloatArray,
    *,
    pool: str = "arithmetic",
    trim: float = DEFAULT_TRIM,
    competence: FloatArray | None = None,
    draws: int = 2000,
    level: float = 0.95,
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
    level
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
    return _summary(whole, pool_weights(w, pool=pool, trim=trim, competence=shares), level, heard)


def bootstrap_judgements(
    matrices: FloatArray,
    *,
    competence: FloatArray | None = None,
    complete: str = "eigenvector",
    draws: int = 2000,
    level: float = 0.95,
    counts: FloatArray | None = None,
    rng: Seed = None,
) -> Bootstrap:
    """Bootstrap pooled judgements (AIJ) over experts.

    Parameters
    ----------
    matrices : (k, n, n) complete comparison matrices
    complete
        ``"eigenvector"`` or ``"geometric"`` weights of the pooled matrices.
    competence, draws, level, counts, rng
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
    if complete == "eigenvector":
        solved = eigenvector_weights(pooled).weights
    else:
        solved = geometric_weights(pooled)
    return _summary(solved[0], solved[1:], level, heard)
