"""Whether experts agree on an order: Kendall's W with ties, its test, and a bootstrap interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calib._types import FloatArray, Seed
from calib.errors import Fault, InputError
from calib.words import message

__all__ = ["Concordance", "kendall_w", "mean_ranks"]


@dataclass(frozen=True, slots=True)
class Concordance:
    """Kendall's coefficient of concordance.

    Parameters
    ----------
    w : tie-corrected W, 0 (none) to 1 (identical orders)
    chi2 : test statistic m(n − 1)W
    df : degrees of freedom n − 1
    p : p-value of "no agreement" by the χ² approximation
    squares : S, sum of squared deviations of the rank sums
    interval : bootstrap interval over experts, (NaN, NaN) if not asked for
    """

    w: float
    chi2: float
    df: int
    p: float
    squares: float
    interval: tuple[float, float] = (float("nan"), float("nan"))


def mean_ranks(values: FloatArray) -> FloatArray:
    """Rank each row from 1 (largest value), ties sharing the mean of their places.

    Parameters
    ----------
    values : (m, n); those that differ by rounding noise only (1e-9 of the largest) are ties
    """
    values = np.asarray(values, dtype=float)
    noise = 1e-9 * np.abs(values).max(axis=1, initial=0.0)[:, None, None]
    more = values[:, None, :] - values[:, :, None]
    above = (more > noise).sum(axis=2)
    tied = (np.abs(more) <= noise).sum(axis=2)
    return np.asarray(above + (tied + 1) / 2.0, dtype=float)


def kendall_w(
    ranks: FloatArray,
    *,
    of: str = "ranks",
    draws: int = 0,
    confidence: float = 0.95,
    rng: Seed = None,
) -> Concordance:
    """Compute Kendall's W over experts, corrected for ties.

    Parameters
    ----------
    ranks : (m, n) a row per expert
    of
        What the rows are: ``"ranks"`` (default), ranks from 1 to n with the mean rank for ties
        (1 2.5 2.5 4), or ``"values"``, for instance ratings or weights, larger for what matters
        more; these are ranked here (:func:`mean_ranks`).
    draws
        Bootstrap samples of the experts; 0 for no interval.
    confidence
        Confidence level of the interval.
    rng
        Generator or seed.

    Returns
    -------
    Concordance

    Raises
    ------
    InputError
        Naming experts whose row has a gap or is not made of ranks; with fewer than two experts or
        items; or when every expert ties all items.

    Notes
    -----
    W = 12S / (m²(n³ − n) − m ΣT), T = Σ(t³ − t) over an expert's ties; χ² = m(n − 1)W.
    Two copies of one expert agree perfectly, so resampling experts plainly would inflate W. The
    bootstrap therefore averages the cross products of *different* experts only and puts
    the mean into W = (own + (m − 1)·cross)/(m·own), which on the sample itself is W exactly.

    References
    ----------
    Kendall and Babington Smith (1939), Annals of Mathematical Statistics 10, 275-287.
    """
    from scipy.special import chdtrc

    ranks = _as_ranks(np.atleast_2d(np.asarray(ranks, dtype=float)), of)
    m, n = ranks.shape
    if m < 2 or n < 2:
        raise InputError(message("experts.faults.too_few", experts=m, items=n))
    centred = ranks - (n + 1) / 2.0
    own = (centred**2).sum()  # Σ (n³ − n − T_i)/12
    if own <= 0:
        raise InputError(message("experts.faults.all_tied"))
    squares = float((centred.sum(axis=0) ** 2).sum())
    w = squares / (m * own)
    chi2 = m * (n - 1) * w
    interval = (float("nan"), float("nan"))
    if draws:
        low, high = np.quantile(
            _bootstrap_w(centred, draws, rng), [(1 - confidence) / 2, (1 + confidence) / 2]
        )
        interval = (float(low), float(high))
    p = float(chdtrc(n - 1, chi2))
    return Concordance(float(w), float(chi2), n - 1, p, squares, interval)


def _as_ranks(rows: FloatArray, of: str) -> FloatArray:
    if of not in ("ranks", "values"):
        msg = f"of is {of!r}; expected 'ranks' or 'values'"
        raise ValueError(msg)
    faults = [
        Fault(
            "",
            message("experts.faults.expert_n", n=e + 1),
            message("experts.faults.no_value_item", n=i + 1),
            None,
            message("experts.faults.every_item"),
        )
        for e, i in np.argwhere(~np.isfinite(rows))
    ]
    if not faults and of == "values":
        return mean_ranks(rows)
    if not faults:
        off = np.abs(rows - mean_ranks(-rows)).max(axis=1, initial=0.0) > 1e-9
        wanted = message("experts.faults.rank_row")
        text = message("experts.faults.no_ranking")
        faults = [
            Fault("", message("experts.faults.expert_n", n=e + 1), text, rows[e].tolist(), wanted)
            for e in np.flatnonzero(off)
        ]
    if faults:
        raise InputError(faults)
    return rows


def _bootstrap_w(centred: FloatArray, draws: int, rng: Seed) -> FloatArray:
    m = len(centred)
    generator = np.random.default_rng(rng)
    counts = generator.multinomial(m, np.full(m, 1.0 / m), size=draws).astype(float)
    norms = (centred**2).sum(axis=1)
    own = counts @ norms / m
    total = ((counts @ centred) ** 2).sum(axis=1)
    pairs = m * m - (counts**2).sum(axis=1)  # ordered pairs of different experts
    usable = (pairs > 0) & (own > 0)  # a sample of one expert m times says nothing
    cross = (total - (counts**2) @ norms)[usable] / pairs[usable]
    w = (own[usable] + (m - 1) * cross) / (m * own[usable])
    return np.asarray(np.clip(w, 0.0, 1.0), dtype=float)
