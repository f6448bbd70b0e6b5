"""From several experts' judgements or weights at one node to those of the group.

Default: the arithmetic mean of individual weights (AIP). Scores are linear in the weights of a
node, so the panel's score is then the mean of the scores that its members would have given, and a
zero weight from one expert is an opinion, not a veto. The renormalised geometric mean suits ratio
judgements and needs positive weights. Aggregating judgements (AIJ, the geometric mean of the
matrices) needs complete comparisons from everybody and treats the panel as one person.

How much an expert counts: the authority coefficient, consistency, or a number set by hand. Weights
from seed questions are in :mod:`calib.experts.cooke`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from calib._types import FloatArray, IntArray
from calib.errors import Fault, InputError
from calib.experts.problems import hinted
from calib.words import message

__all__ = [
    "BASIS_SCALE",
    "FAMILIARITY_SCALE",
    "POOLS",
    "basis_of_judgement",
    "competence_by_consistency",
    "competence_weights",
    "hand_set_competence",
    "pool_judgements",
    "pool_weights",
]

# Influence of each basis of judgement (判断依据及其影响程度): large, medium, small. The columns
# sum to 1.0, 0.8 and 0.6. Studies vary the table; pass another one to `basis_of_judgement`.
BASIS_SCALE: Mapping[str, tuple[float, float, float]] = {
    "practice": (0.5, 0.4, 0.3),  # 实践经验
    "theory": (0.3, 0.2, 0.1),  # 理论分析
    "literature": (0.1, 0.1, 0.1),  # 国内外文献资料
    "intuition": (0.1, 0.1, 0.1),  # 直觉
}
# Familiarity (熟悉程度) Cs: from very familiar to unfamiliar.
FAMILIARITY_SCALE = (1.0, 0.8, 0.6, 0.4, 0.2)


def basis_of_judgement(
    influence: Mapping[str, int], scale: Mapping[str, tuple[float, float, float]] = BASIS_SCALE
) -> float:
    """Compute Ca from the influence of each basis of judgement.

    Parameters
    ----------
    influence
        Basis → 1 large, 2 medium, 3 small. All bases of the scale must be there.
    scale
        Basis → values of large, medium, small.

    Examples
    --------
    >>> round(basis_of_judgement({"practice": 1, "theory": 2, "literature": 1, "intuition": 3}), 2)
    0.9
    """
    levels = message("experts.faults.levels_123")
    faults = [
        Fault("", b, message("experts.faults.no_influence"), None, levels)
        for b in scale
        if b not in influence
    ]
    for basis, level in influence.items():
        if basis not in scale:
            text = hinted(message("experts.faults.unknown_basis"), basis, scale)
            faults.append(Fault("", basis, text, None, " | ".join(scale)))
        elif level not in (1, 2, 3):
            faults.append(
                Fault("", basis, message("experts.faults.unknown_influence"), level, levels)
            )
    if faults:
        raise InputError(faults)
    # Tenths do not add up in binary; the coefficient is a decimal number.
    return round(float(sum(scale[basis][level - 1] for basis, level in influence.items())), 10)


def competence_by_consistency(
    ratios: FloatArray, *, limit: float = 0.1, missing: float = 1.0
) -> FloatArray:
    """Let consistent experts count more.

    Parameters
    ----------
    ratios : (k,) consistency ratios ≥ 0, NaN where the method has none
    limit
        Ratio at which an expert counts half.
    missing
        Value for experts without a ratio.

    Returns
    -------
    (k,) 1/(1 + ratio/limit), from 1 (consistent) towards 0

    Notes
    -----
    Smooth on purpose: a cut at the limit would let 0.101 lose everything against 0.099.
    """
    r = np.asarray(ratios, dtype=float)
    return np.asarray(np.where(np.isnan(r), missing, 1.0 / (1.0 + r / limit)), dtype=float)


MOST_COMPETENCE = 1e9
"""Most that one expert counts for beside another: beyond it, it is a slip."""


def hand_set_competence(given: Mapping[str, float], experts: Sequence[str]) -> FloatArray:
    """Order hand-set weights like the experts; everyone not named counts 1.

    Raises
    ------
    InputError
        Listing unknown experts, and weights that are not from 0 to 10^9.
    """
    faults = []
    for name, value in given.items():
        if name not in experts:
            text = hinted(message("experts.faults.unknown_expert"), name, experts)
            faults.append(Fault("", name, text, None, message("experts.faults.panel_expert")))
        elif not 0 <= value <= MOST_COMPETENCE:
            text = message("experts.faults.bad_weight")
            faults.append(Fault("", name, text, value, message("experts.faults.finite_from_0")))
    if faults:
        raise InputError(faults)
    return np.array([float(given.get(name, 1.0)) for name in experts])


POOLS = ("arithmetic", "geometric", "median", "trimmed")
DEFAULT_TRIM = 0.1


def competence_weights(competence: FloatArray | None, k: int) -> FloatArray:
    """Normalise the weights of k experts; equal weights if None.

    Raises
    ------
    InputError
        When a weight is negative or not finite, or all are 0.
    """
    if competence is None:
        return np.full(k, 1.0 / k)
    given = np.asarray(competence, dtype=float)
    if given.shape != (k,) or not np.isfinite(given).all() or (given < 0).any():
        raise InputError(message("experts.faults.weights_finite", n=k))
    if given.max(initial=0.0) <= 0:
        raise InputError(message("experts.faults.weights_all_0"))
    return _shares(given)


def _shares(given: FloatArray) -> FloatArray:
    """Divide weights by their sum, however large or small they are."""
    scaled = given / given.max(axis=-1, keepdims=True)
    return np.asarray(scaled / scaled.sum(axis=-1, keepdims=True), dtype=float)


def pool_weights(
    weights: FloatArray,
    *,
    pool: str = "arithmetic",
    competence: FloatArray | None = None,
    trim: float = DEFAULT_TRIM,
    experts: Sequence[str] | None = None,
) -> FloatArray:
    """Pool individual weights of one node (AIP).

    Parameters
    ----------
    weights : (k, n) one row per expert, rows sum to 1
    pool
        ``"arithmetic"`` (default), ``"geometric"``, ``"median"`` or ``"trimmed"``; all but the
        first are renormalised to sum 1.
    competence : (k,) or (b, k) weights of the experts; several rows pool several times
    trim
        Share of competence cut off at each end per item (``"trimmed"``), below 0.5.
    experts
        Names for error messages.

    Returns
    -------
    (n,) or (b, n) group weights, sum 1

    Raises
    ------
    InputError
        For the geometric mean of weights that are 0, naming the experts who gave them (an expert
        whose own weight is 0 may); when the median or
        trimmed mean of every item is 0.

    Examples
    --------
    >>> import numpy as np
    >>> pool_weights(np.array([[0.5, 0.5], [0.8, 0.2]]), competence=np.array([2.0, 1.0]))
    array([0.6, 0.4])
    """
    w = np.asarray(weights, dtype=float)
    given = np.asarray(competence, dtype=float) if competence is not None else None
    single = given is None or given.ndim == 1
    shares = competence_weights(given, len(w))[None] if single else _rows(given, len(w))
    if pool == "arithmetic":
        pooled = shares @ w
    elif pool == "geometric":
        pooled = np.exp(shares @ _safe_logs(w, shares, experts))
    elif pool == "median":
        pooled = _order_mean(w, shares, 0.5)
    elif pool == "trimmed":
        if not 0 <= trim < 0.5:
            raise InputError(message("experts.faults.trim", trim=f"{trim:g}"))
        pooled = _order_mean(w, shares, trim)
    else:
        msg = f"unknown pool {pool!r}; known: {', '.join(POOLS)}"
        raise ValueError(msg)
    total = pooled.sum(axis=1, keepdims=True)
    if (total <= 0).any():
        raise InputError(message("experts.faults.pool_0", pool=pool))
    pooled = pooled / total
    return np.asarray(pooled[0] if single else pooled, dtype=float)


def _rows(given: FloatArray | None, k: int) -> FloatArray:
    rows = np.asarray(given, dtype=float)
    if rows.shape[1] != k or (rows < 0).any() or (rows.max(axis=1) <= 0).any():
        raise InputError(message("experts.faults.weight_rows", n=k))
    return _shares(rows)


def _safe_logs(
    weights: FloatArray, shares: FloatArray, experts: Sequence[str] | None
) -> FloatArray:
    heard = np.asarray((shares > 0).any(axis=0), dtype=bool)
    zero = np.flatnonzero((weights <= 0).any(axis=1) & heard)
    if zero.size:
        who = [
            experts[i] if experts else message("experts.faults.expert_n", n=i + 1)
            for i in zero.tolist()
        ]
        raise InputError(message("experts.faults.geometric_0", experts=who))
    # Who has no weight in any row does not matter, whatever they said.
    return np.asarray(np.log(np.where(heard[:, None], weights, 1.0)), dtype=float)


def _order_mean(weights: FloatArray, shares: FloatArray, trim: float) -> FloatArray:
    """Average each item over the middle of the experts' weighted order.

    ``trim`` of the competence is cut off at both ends; experts at the cut count in part.
    Trimming 0.5 leaves the weighted median (mean of the two middle values at a tie).
    """
    order = np.argsort(weights, axis=0, kind="stable")  # (k, n)
    values = np.take_along_axis(weights, order, axis=0)
    out = np.empty((len(shares), weights.shape[1]))
    for item in range(weights.shape[1]):
        share = shares[:, order[:, item]]
        upper = np.cumsum(share, axis=1)
        if trim >= 0.5:
            low = (upper < 0.5 - 1e-12).sum(axis=1)
            high = np.minimum((upper <= 0.5 + 1e-12).sum(axis=1), len(weights) - 1)
            # Experts without weight stand between the two middle ones but do not count.
            high = _next_present(share, high)
            out[:, item] = 0.5 * (values[low, item] + values[high, item])
        else:
            kept = np.clip(upper, trim, 1 - trim) - np.clip(upper - share, trim, 1 - trim)
            out[:, item] = kept @ values[:, item] / kept.sum(axis=1)
    return out


def _next_present(share: FloatArray, at: IntArray) -> IntArray:
    """Move positions forward to the next expert with a positive weight."""
    k = share.shape[1]
    present = np.where(share > 0, np.arange(k), k)
    following = np.minimum.accumulate(present[:, ::-1], axis=1)[:, ::-1]
    found = following[np.arange(len(share)), at]
    last = np.where(share > 0, np.arange(k), -1).max(axis=1)
    return np.where(found >= k, last, found)


def pool_judgements(matrices: FloatArray, *, competence: FloatArray | None = None) -> FloatArray:
    """Pool complete comparison matrices by the weighted geometric mean (AIJ).

    Parameters
    ----------
    matrices : (k, n, n) complete reciprocal matrices
    competence : (k,) or (b, k) weights of the experts; several rows pool several times

    Returns
    -------
    (n, n) or (b, n, n) reciprocal matrices

    Raises
    ------
    InputError
        Naming experts with weight whose matrices have gaps; or for unusable expert weights.

    References
    ----------
    Aczél and Saaty (1983): the geometric mean is the only pooling that keeps reciprocity.
    """
    matrices = np.asarray(matrices, dtype=float)
    given = np.asarray(competence, dtype=float) if competence is not None else None
    single = given is None or given.ndim == 1
    k = len(matrices)
    shares = competence_weights(given, k)[None] if single else _rows(given, k)
    heard = np.asarray((shares > 0).any(axis=0), dtype=bool)
    gaps = np.flatnonzero(np.isnan(matrices).any(axis=(1, 2)) & heard)
    if gaps.size:
        who = [message("experts.faults.expert_n", n=i + 1) for i in gaps.tolist()]
        raise InputError(message("experts.faults.pool_gaps", experts=who))
    logs = np.log(np.where(heard[:, None, None], matrices, 1.0))
    pooled = np.exp(np.tensordot(shares, logs, axes=1))
    return np.asarray(pooled[0] if single else pooled, dtype=float)
