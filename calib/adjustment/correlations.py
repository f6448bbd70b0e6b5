"""Problem D: weights under which indicators have given correlations with the total."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calib._types import FloatArray
from calib.errors import InputError
from calib.outcomes.dominance.moments import Moments
from calib.outcomes.dominance.shares import correlation_with_total
from calib.words import Text, joined, message

__all__ = ["CorrelationTarget", "correlation_target"]


@dataclass(frozen=True, slots=True)
class CorrelationTarget:
    """Weights for target correlations, and whether they exist.

    Parameters
    ----------
    exact : (L,) the closed form; sums to 1, may have negative entries
    met : bool
        Whether ``exact`` has no negative entry and reaches the targets: then it is the answer.
    g : (L,) the answer, or the feasible weights, >= 0, whose covariances with the total are nearest
        to the target in the metric Σ⁻¹
    achieved : (L,) correlations with the total under ``g``
    residual : float
        KKT residual of ``g`` in min ½y'Σy - v'y, y >= 0 (in standardised scores).
    reason : text
        Why the target cannot be met; empty when it is.
    """

    exact: FloatArray
    met: bool
    g: FloatArray
    achieved: FloatArray
    residual: float
    reason: Text


def correlation_target(m: Moments, target: FloatArray) -> CorrelationTarget:
    """Find the weights whose correlations with the total are in proportion to a target.

    Parameters
    ----------
    m : moments of the scores
    target : (L,) correlations sought, up to a common factor (which data decide)

    Returns
    -------
    CorrelationTarget

    Notes
    -----
    Cov(x, T) = Σg must be in proportion to v, v_l = z_l σ_l, hence g* = Σ⁻¹v / (1'Σ⁻¹v) is the
    only candidate: a negative entry certifies that no weights >= 0 meet the target. The nearest
    feasible weights minimise ½y'Σy - v'y over y >= 0, that is the distance of Σy from v in the
    metric Σ⁻¹; they are the candidate itself where it is feasible. A singular Σ is handled by
    the pseudo-inverse; a target outside its range is said to be unreachable.
    """
    from scipy.optimize import nnls

    target = np.asarray(target, dtype=float)
    scale = np.sqrt(np.maximum(np.diag(m.cov), 0.0))
    live = scale > 0
    if not live.any():
        raise InputError("no indicator varies between the enterprises; correlations mean nothing")
    if not (np.isfinite(target).all() and (target[live] != 0).any()):
        raise InputError("target correlations must be numbers, not all zero")
    corr = m.cov[np.ix_(live, live)] / np.outer(scale[live], scale[live])
    z = target[live]
    values, vectors = np.linalg.eigh(corr)
    keep = values > 1e-10 * values[-1]
    part = vectors[:, keep].T @ z
    raw = vectors[:, keep] @ (part / values[keep])
    missed = float(np.abs(corr @ raw - z).max())
    reason: list[Text] = []
    if missed > 1e-8 * np.abs(z).max():
        reason.append(message("adjustment.correlation.dependent", missed=missed))
    exact = np.zeros(len(target))
    exact[live] = raw / scale[live]
    total = exact.sum()
    if (target[~live] != 0).any():
        reason.append(message("adjustment.correlation.constant"))
    if total <= 1e-12 * np.abs(exact).sum():
        reason.append(message("adjustment.correlation.sum"))
    else:
        exact = exact / total
    if exact.min() < -1e-12:
        worst = int(np.argmin(exact))
        reason.append(message("adjustment.correlation.negative", weight=float(exact[worst]),
                              position=worst))  # fmt: skip
    root = np.sqrt(values[keep])[:, None] * vectors[:, keep].T
    y, _ = nnls(root, part / np.sqrt(values[keep]))
    if y.sum() <= 0:
        raise InputError(message("adjustment.correlation.wrong_sign"))
    gradient = corr @ y - (vectors[:, keep] @ part)
    residual = float(max(np.abs(np.where(y > 0, gradient, np.minimum(gradient, 0.0))).max(), 0.0))
    g = np.zeros(len(target))
    g[live] = y / scale[live]
    g = g / g.sum()
    met = not reason
    if met:
        g = np.maximum(exact, 0.0) / np.maximum(exact, 0.0).sum()
    return CorrelationTarget(
        exact, met, g, correlation_with_total(g, m), residual,
        joined(reason, message("words.semicolon")),
    )  # fmt: skip
