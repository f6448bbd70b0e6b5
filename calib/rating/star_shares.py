"""Shares of draws in which enterprises have each star, whatever is uncertain about them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from calib._types import FloatArray
from calib.framework import Thresholds
from calib.rating.kernel import StarCounts, star_counts
from calib.rating.scored import ScoredSample

__all__ = ["star_shares"]


def star_shares(
    sample: ScoredSample,
    local: FloatArray,
    thresholds: Thresholds,
    count: Callable[..., StarCounts] = star_counts,
    **how: Any,
) -> tuple[FloatArray, FloatArray]:
    """Return star probabilities (n, K), and the share of enterprises at each star by draw (k, K).

    Parameters
    ----------
    local : (k, m) draws of the weights; a single row meets every draw of unanswered items, and is
        repeated for it
    count : counts the stars of enterprises with all their scores
    how : options of ``count``

    Notes
    -----
    Enterprises with all their scores are counted in one pass over all draws. For the others,
    unanswered items hand their weight on in each draw anew, or are drawn: the draws of the
    weights meet the imputations in turn.
    """
    if sample.imputed is not None and len(local) < len(sample.imputed):
        local = local[np.arange(len(sample.imputed)) % len(local)]
    stars = len(thresholds.band) + 1
    settled = sample.settled
    share = np.zeros((len(sample), stars))
    at = np.zeros((len(local), stars))
    if settled.any():
        found = count(sample.track, sample.X[settled], local, thresholds, **how)
        share[settled] = found.acceptability
        at += found.per_set
    if not settled.all():
        drawn = sample.take(np.flatnonzero(~settled)).stars_by_draw(local, thresholds)
        for k in range(stars):
            here = drawn == k
            share[~settled, k] = here.mean(axis=0)
            at[:, k] += here.sum(axis=1)
    return share, at / max(1, len(sample))
