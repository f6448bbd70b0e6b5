"""Means and covariances of indicator scores, gathered in one pass over the enterprises.

Every measure and every adjustment that is linear or quadratic in the weights needs only these
moments, so that its cost does not depend on the number of enterprises.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from calib._types import FloatArray
from calib.errors import InputError

__all__ = ["Moments", "moments_of", "pool_moments", "shrink", "shrinkage_intensity"]

_CHUNK = 8192


@dataclass(frozen=True, slots=True)
class Moments:
    """First and second moments of the scores of L indicators (or nodes).

    Parameters
    ----------
    n : float
        Number of enterprises (or the sum of their counts).
    mean : (L,) points
    cov : (L, L) points squared, divided by ``n``
    centred : (n, L) scores less their means, or None; only shrinkage needs them
    counts : (n,) how often each enterprise counts, or None for once
    """

    n: float
    mean: FloatArray
    cov: FloatArray
    centred: FloatArray | None = None
    counts: FloatArray | None = None

    def through(self, mix: FloatArray) -> Moments:
        """Return the moments of mixed scores ``X @ mix``.

        Parameters
        ----------
        mix : (L, q) weight of each indicator in each of q nodes

        Returns
        -------
        Moments of the q node scores
        """
        cov = mix.T @ self.cov @ mix
        centred = None if self.centred is None else self.centred @ mix
        return Moments(self.n, self.mean @ mix, 0.5 * (cov + cov.T), centred, self.counts)


def moments_of(
    X: FloatArray, counts: FloatArray | None = None, *, centred: bool = False
) -> Moments:
    """Gather mean and covariance of the scores in one pass over blocks of enterprises.

    Scores are shifted by the first enterprise's, so that cancellation cannot spoil the
    covariance, and blocks are added up; memory does not grow with ``n``.

    Parameters
    ----------
    X : (n, L) scores, 0-100, no missing values
    counts : (n,) how often each enterprise counts (bootstrap, survey weights); 1 by default
    centred : bool
        Keep the centred scores, which :func:`shrinkage_intensity` needs.

    Returns
    -------
    Moments

    Raises
    ------
    InputError
        No enterprise, or a score that is not a finite number.
    """
    X = np.asarray(X, dtype=float)
    if X.ndim != 2 or X.shape[0] == 0:
        raise InputError("moments need at least one enterprise's scores as a table (n, L)")
    L = X.shape[1]
    shift = X[0]
    total, first, second = 0.0, np.zeros(L), np.zeros((L, L))
    for start in range(0, X.shape[0], _CHUNK):
        block = X[start : start + _CHUNK] - shift
        if counts is None:
            total += block.shape[0]
            first += block.sum(axis=0)
            second += block.T @ block
        else:
            c = counts[start : start + _CHUNK]
            total += float(c.sum())
            first += c @ block
            second += block.T @ (block * c[:, None])
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        raise InputError(
            "scores hold missing or infinite values; settle the rule option `missing` first"
        )
    if total <= 0:
        raise InputError("the enterprises' counts sum to zero")
    centre = first / total
    cov = second / total - np.outer(centre, centre)
    cov = 0.5 * (cov + cov.T)
    # A column that never moves has exactly zero variance: no rounding noise may pass for spread.
    flat = np.diag(cov) <= 1e-13 * np.maximum(np.diag(second) / total, 1e-300)
    cov[flat, :] = 0.0
    cov[:, flat] = 0.0
    mean = shift + centre
    return Moments(total, mean, cov, X - mean, counts) if centred else Moments(total, mean, cov)


def pool_moments(parts: Sequence[Moments]) -> Moments:
    """Pool moments of groups *within* groups: differences between group means add no variance.

    Parameters
    ----------
    parts : moments of each group (track) over the same q nodes

    Returns
    -------
    Moments
        Means and covariances averaged with the groups' sizes.
    """
    n = sum(p.n for p in parts)
    mean = sum((p.n * p.mean for p in parts), np.zeros_like(parts[0].mean)) / n
    cov = sum((p.n * p.cov for p in parts), np.zeros_like(parts[0].cov)) / n
    if any(p.centred is None for p in parts):
        return Moments(n, mean, cov)
    centred = np.vstack([p.centred for p in parts if p.centred is not None])
    once = [np.ones(0 if p.centred is None else len(p.centred)) for p in parts]
    counts = [one if p.counts is None else p.counts for p, one in zip(parts, once, strict=True)]
    return Moments(n, mean, cov, centred, np.concatenate(counts))


def shrinkage_intensity(m: Moments) -> float:
    """Return the shrinkage towards the diagonal that minimises expected squared error.

    Parameters
    ----------
    m : moments with centred scores

    Returns
    -------
    float in 0..1

    Notes
    -----
    lambda = sum_{i≠j} Var(s_ij) / sum_{i≠j} s_ij²; Schäfer and Strimmer (2005), target D.
    """
    if m.centred is None:
        raise InputError("shrinkage needs moments gathered with centred=True")
    square = m.centred**2
    weighted = square if m.counts is None else square * m.counts[:, None]
    off = ~np.eye(m.cov.shape[0], dtype=bool)
    noise = (square.T @ weighted / m.n - m.cov**2)[off].sum() / max(m.n - 1.0, 1.0)
    signal = float((m.cov[off] ** 2).sum())
    return 1.0 if signal <= 0 else float(min(1.0, max(0.0, noise / signal)))


def shrink(m: Moments, intensity: float) -> Moments:
    """Scale all covariances by ``1 - intensity``; variances stay."""
    cov = (1.0 - intensity) * m.cov
    np.fill_diagonal(cov, np.diag(m.cov))
    return Moments(m.n, m.mean, cov, m.centred, m.counts)
