"""Entropy weights: siblings weighed by how much the enterprises differ on them."""

from __future__ import annotations

import numpy as np

from calib._types import FloatArray
from calib.errors import InputError
from calib.words import message

__all__ = ["entropy_weights"]


def entropy_weights(X: FloatArray) -> FloatArray:
    """Return entropy weights (熵权法) of criteria.

    They reward criteria on which the sample differs and know nothing of importance: a check on
    judged weights, not a replacement for them. An indicator that all enterprises master gets
    no weight at all.

    Parameters
    ----------
    X : (n, c) non-negative scores of n enterprises on c sibling criteria, higher is better

    Returns
    -------
    (c,) weights that sum to 1; a criterion on which all enterprises score 0 or all score alike
    has weight 0

    Raises
    ------
    InputError
        For fewer than two enterprises, negative or missing scores, or when no criterion tells
        the enterprises apart.

    Notes
    -----
    p_ij = x_ij / Σ_i x_ij, e_j = -Σ_i p_ij ln p_ij / ln n, w_j = (1 - e_j) / Σ (1 - e_j).

    References
    ----------
    Zeleny, M. (1982). Multiple Criteria Decision Making; Hwang, C.-L. and Yoon, K. (1981).
    Multiple Attribute Decision Making.
    """
    X = np.asarray(X, dtype=float)
    if X.ndim != 2 or len(X) < 2:
        raise InputError(message("faults.entropy_weights_need_two_enterprises", n=len(X)))
    if not np.isfinite(X).all() or (X < 0).any():
        raise InputError(message("faults.entropy_weights_need_scores_of"))
    total = X.sum(axis=0)
    p = X / np.where(total > 0, total, 1.0)
    logs = np.log(np.where(p > 0, p, 1.0))  # 0 ln 0 = 0
    spread = 1 + (p * logs).sum(axis=0) / np.log(len(X))
    # Equal scores have spread 0 but for rounding; a column of zeros tells nobody apart.
    spread = np.where((total > 0) & (np.ptp(X, axis=0) > 0), spread, 0.0)
    whole = float(spread.sum())
    if whole <= 0:
        raise InputError(message("faults.entropy_weights_no_criterion_tells"))
    return np.asarray(spread / whole, dtype=float)
