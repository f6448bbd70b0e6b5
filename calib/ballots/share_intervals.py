"""Simultaneous intervals: of pick shares, and of worths without shrinkage."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calib._types import FloatArray, IntArray
from calib.ballots.likelihood import worths
from calib.ballots.plackett import NoMaximumError, PlackettLuce, fit_ml
from calib.ballots.robust import (
    cluster_index,
    effective_size,
    effective_table,
    sandwich,
    total_variance,
)
from calib.ballots.survey import Ballots
from calib.errors import ConvergenceError, InputError
from calib.rating.kernel import single_threaded_blas
from calib.words import message

__all__ = [
    "PickShares",
    "WorthIntervals",
    "exact_interval",
    "exact_p",
    "few_totals",
    "first_shares",
    "normal_quantile",
    "pick_shares",
    "simultaneous_z",
    "worth_intervals",
]


@dataclass(frozen=True, slots=True)
class PickShares:
    """The share of ballots that list each item.

    Parameters
    ----------
    items : (J,) codes
    count : (J,) weight of the ballots that list the item
    share : (J,) share of ballots, ``X_j / n``
    se : (J,) its standard error
    lower, upper : (J,) intervals that hold for all items at once, with coverage ``confidence``
    share_of_picks : (J,) share of all picks, ``X_j / sum X``; sums to 1
    expected : share of every item if all were equally important, ``mean k / J``
    confidence : simultaneous coverage of the intervals
    n : number of ballots
    size : effective number of ballots: Kish's for the weights, of enterprises' total weights when
        these sent several ballots
    sizes : (J,) effective number of ballots behind each share, at most Kish's
    """

    items: tuple[str, ...]
    count: FloatArray
    share: FloatArray
    se: FloatArray
    lower: FloatArray
    upper: FloatArray
    share_of_picks: FloatArray
    expected: float
    confidence: float
    n: int
    size: float
    sizes: FloatArray


def normal_quantile(p: float) -> float:
    """Return the standard normal quantile of p."""
    from scipy.special import ndtri

    return float(ndtri(p))


def simultaneous_z(J: int, confidence: float) -> float:
    """Return the critical value of J two-sided intervals that hold at once (Bonferroni)."""
    return normal_quantile(1.0 - (1.0 - confidence) / (2.0 * J))


_CELLS = 1000


def chance_all_within(low: float, high: float, J: int) -> float:
    """Return the chance that J exchangeable standard normals that sum to 0 lie in [low, high].

    Notes
    -----
    Such variables have correlation ``-1 / (J - 1)`` and are J independent normals of variance
    ``J / (J - 1)`` given that these sum to 0. The density at 0 of the sum of J independent
    normals cut to the interval, a J-fold convolution, over that of the sum of uncut ones is
    the chance wanted.
    """
    if not low < 0.0 < high:
        return 0.0
    if J == 2:  # one is the other's negative
        width = min(-low, high)
        return 1.0 - 2.0 * _normal_tail(width)
    variance = J / (J - 1.0)
    low, high = max(low, -12.0), min(high, 12.0)
    step = (high - low) / _CELLS
    mass = _normal_mass(np.linspace(low, high, _CELLS + 1), variance)
    size = 1 << int(np.ceil(np.log2(J * _CELLS)))
    total = np.fft.irfft(np.fft.rfft(mass, size) ** J, size)
    at = -J * (low / step + 0.5)  # the place at which the J middles sum to 0
    place = int(np.clip(np.floor(at), 0, size - 2))
    density = (total[place] + (at - place) * (total[place + 1] - total[place])) / step
    whole = 1.0 / np.sqrt(2.0 * np.pi * J * variance)
    return float(np.clip(density / whole, 0.0, 1.0))


def _normal_mass(edges: FloatArray, variance: float) -> FloatArray:
    """Return the mass of a normal about 0 between one edge and the next."""
    from scipy.special import ndtr

    return np.asarray(np.diff(ndtr(edges / np.sqrt(variance))), dtype=float)


def _normal_tail(x: float) -> float:
    from scipy.special import ndtr

    return float(ndtr(-x))


def exact_interval(
    share: FloatArray, size: FloatArray, tail: float
) -> tuple[FloatArray, FloatArray]:
    """Return Clopper-Pearson intervals for proportions.

    Parameters
    ----------
    share : (J,) observed proportions
    size : (J,) effective numbers of ballots behind them, not necessarily whole
    tail : largest chance of an end on the wrong side of the truth, for either end

    Notes
    -----
    Score intervals (Wilson's) miss too often at the small tails of simultaneous intervals: one
    ballot of one choice from 28 would prove that all are not equal.

    References
    ----------
    Clopper & Pearson (1934), *Biometrika* 26, 404-413. Korn & Graubard (1998), *Survey
    Methodology* 24, 193-201 (weighted and clustered samples, by an effective size).
    """
    from scipy.special import betaincinv

    hits = np.clip(share * size, 0.0, size)
    some, all_hit = hits > 1e-9 * size, hits >= size * (1 - 1e-9)
    lower = betaincinv(np.where(some, hits, 1.0), size - hits + 1.0, tail)
    upper = betaincinv(hits + 1.0, np.where(all_hit, 1.0, size - hits), 1.0 - tail)
    return np.where(some, lower, 0.0), np.where(all_hit, 1.0, upper)


def exact_p(share: FloatArray, size: FloatArray, centre: float) -> FloatArray:
    """Return two-sided binomial p-values of the hypothesis that a share is ``centre``, (J,).

    Parameters
    ----------
    share, size : as in :func:`exact_interval`
    centre : share under the hypothesis, inside (0, 1)

    Notes
    -----
    Twice the smaller tail, the observed count included in both.
    """
    from scipy.special import betainc

    hits = np.clip(share * size, 0.0, size)
    some, all_hit = hits > 1e-9 * size, hits >= size * (1 - 1e-9)
    above = np.where(some, betainc(np.where(some, hits, 1.0), size - hits + 1.0, centre), 1.0)
    misses = np.where(all_hit, 1.0, size - hits)
    below = np.where(all_hit, 1.0, betainc(misses, hits + 1.0, 1.0 - centre))
    return np.asarray(np.minimum(2.0 * np.minimum(above, below), 1.0), dtype=float)


def pick_shares(ballots: Ballots, *, confidence: float = 0.95) -> PickShares:
    """Estimate the share of respondents who list each item.

    Parameters
    ----------
    ballots : the ballots
    confidence : simultaneous coverage, in (0, 1)

    Raises
    ------
    InputError
        If the confidence is not inside (0, 1).

    Notes
    -----
    SE ``sqrt(p (1 - p) / n_j)``. The effective number of ballots ``n_j`` is n; with respondent
    weights or several ballots per enterprise that number of equal, independent ballots which
    gives the linearised (clustered) variance of the weighted share, and never more than Kish's:
    where a few heavy ballots happen to agree, their variance says nothing. An item that nobody,
    or everybody, listed shows no variance between enterprises: there every enterprise counts
    once, as if its respondents always agreed. Intervals are exact binomial ones
    (:func:`exact_interval`) with ``alpha / 2J`` in either tail; the shares' negative correlation
    makes that slightly conservative. A variance known from the totals of G enterprises only
    shortens ``n_j`` there by the squared ratio of the normal to the t quantile (G - 1 df).
    """
    if not 0.0 < confidence < 1.0:
        raise InputError(message("ballots.input.level", level=confidence))
    weight = ballots.weights
    total = float(weight.sum())
    count = np.zeros(ballots.J)
    for s in range(ballots.K):
        on = ballots.picks[:, s] >= 0
        count += np.bincount(ballots.picks[on, s], weight[on], minlength=ballots.J)
    share = np.minimum(count / total, 1.0)
    tail = (1.0 - confidence) / (2.0 * ballots.J)
    size, sizes, counted = _effective_sizes(ballots, share, tail)
    lower, upper = exact_interval(share, counted, tail)
    return PickShares(
        ballots.items,
        count,
        share,
        np.sqrt(share * (1.0 - share) / sizes),
        lower,
        upper,
        count / count.sum(),
        float(count.sum() / total / ballots.J),
        confidence,
        ballots.n,
        size,
        sizes,
    )


def first_shares(ballots: Ballots, *, confidence: float = 0.95) -> PickShares:
    """Estimate the share of respondents who put each item first; see :func:`pick_shares`."""
    first = Ballots(ballots.items, ballots.picks[:, :1], ballots.weight, ballots.cluster)
    return pick_shares(first, confidence=confidence)


def _effective_sizes(
    ballots: Ballots, share: FloatArray, tail: float
) -> tuple[float, FloatArray, FloatArray]:
    """Return the effective number of ballots in all, behind each share, and for its interval."""
    weight = ballots.weights
    clusters = cluster_index(ballots)
    if ballots.weight is None and clusters is None:
        sizes = np.full(ballots.J, float(ballots.n))
        return float(ballots.n), sizes, sizes
    kish = effective_size(weight)
    size = kish if clusters is None else effective_size(_by_cluster(clusters[0], weight))

    def residuals(rows: slice) -> FloatArray:
        return listed(ballots, rows) - share

    variance = total_variance(ballots, residuals) / float(weight.sum()) ** 2
    plain = share * (1 - share)
    known = (variance > 1e-15) & (plain > 1e-15)
    sizes = np.where(known, plain / np.where(known, variance, 1.0), size)
    few = 1.0 if clusters is None else few_totals(clusters[1], tail)
    counted = np.where(known, sizes * few, sizes)
    return size, np.minimum(sizes, kish), np.minimum(counted, kish)


def few_totals(groups: int, tail: float) -> float:
    """Return the squared ratio of the normal quantile to that of t with ``groups - 1`` df."""
    from scipy.special import stdtrit

    return float((normal_quantile(tail) / stdtrit(groups - 1, tail)) ** 2)


def _by_cluster(cluster: IntArray, weight: FloatArray) -> FloatArray:
    return np.asarray(np.bincount(cluster, weight), dtype=float)


def listed(ballots: Ballots, rows: slice) -> FloatArray:
    """Return 1 where a ballot lists an item, (rows, J)."""
    picks = ballots.picks[rows]
    out = np.zeros((len(picks), ballots.J + 1))
    np.put_along_axis(out, np.where(picks >= 0, picks, ballots.J).astype(np.int64), 1.0, axis=1)
    return out[:, : ballots.J]


@dataclass(frozen=True, slots=True)
class WorthIntervals:
    """Unshrunken worths with intervals that hold for all items at once.

    Parameters
    ----------
    items : (J,) codes
    worth : (J,) worths, summing to 1: maximum likelihood, or the shares of first choices where
        the likelihood has no finite maximum
    lower, upper : (J,) simultaneous intervals
    confidence : their coverage
    finite : whether the likelihood has a finite maximum
    never : codes of the items that nobody chose, in whose way a finite maximum does not exist
    above, below : codes of items that stand above, and below, each other on every ballot, in
        whose way it does not exist
    size : effective number of ballots
    n : number of ballots
    """

    items: tuple[str, ...]
    worth: FloatArray
    lower: FloatArray
    upper: FloatArray
    confidence: float
    finite: bool
    never: tuple[str, ...]
    above: tuple[str, ...]
    below: tuple[str, ...]
    size: float
    n: int


@single_threaded_blas()
def worth_intervals(ballots: Ballots, *, confidence: float = 0.95) -> WorthIntervals:
    """Estimate worths without shrinkage, with simultaneous intervals.

    Parameters
    ----------
    ballots : the ballots
    confidence : simultaneous coverage, in (0, 1)

    Notes
    -----
    Intervals about the maximum-likelihood worths at the point ``z(1 - alpha/2J)``, on the scale
    of ``log w_j / (1 - w_j)``, where they stay within (0, 1). The variance there is the larger
    of two: the model's at the effective number of ballots (Kish's for respondent weights), and
    the sandwich's, which also holds if Plackett-Luce does not. A sandwich of G enterprises is
    widened by the squared ratio of the t quantile (G - 1 df) to the normal one.

    Without a finite maximum (an item that nobody chose, items that stand above others on every
    ballot) there is no such interval. The share of first choices estimates the same worth without
    a fit, and has an exact interval always; it is wider, and an item that is never first has 0
    as its lower end, so that it cannot be shown to be equal.
    """
    from scipy.special import expit

    effective = effective_table(ballots)
    never: tuple[str, ...] = ()
    above: tuple[str, ...] = ()
    below: tuple[str, ...] = ()
    fit: PlackettLuce | None = None
    try:
        fit = fit_ml(effective.table)
    except NoMaximumError as exc:
        above, below = _codes(ballots, exc.upper), _codes(ballots, exc.lower)
    except (ConvergenceError, np.linalg.LinAlgError):
        pass  # as good as no maximum: the likelihood is flat as far as Newton's steps went
    if fit is not None:
        never = _codes(ballots, ~fit.chosen)
    if fit is None or never:
        first = first_shares(ballots, confidence=confidence)
        worth, lower, upper = first.share, first.lower, first.upper
    else:
        worth = worths(fit.theta)
        logit = np.log(worth) - np.log1p(-worth)
        errors = _errors(ballots, fit, effective.size, confidence)
        half = simultaneous_z(ballots.J, confidence) * errors
        lower, upper = expit(logit - half), expit(logit + half)
    return WorthIntervals(
        ballots.items,
        worth,
        lower,
        upper,
        confidence,
        fit is not None and not never,
        never,
        above,
        below,
        effective.size,
        ballots.n,
    )


def _codes(ballots: Ballots, which: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> tuple[str, ...]:
    return tuple(ballots.items[j] for j in np.flatnonzero(which))


def _errors(ballots: Ballots, fit: PlackettLuce, size: float, confidence: float) -> FloatArray:
    """Return standard errors of the worths' logits, (J,), from a fit at the effective size."""
    w = worths(fit.theta)
    contrast = (np.eye(ballots.J) - w) / (1.0 - w)[:, None]  # d logit w_j / d theta_l

    def variances(covariance: FloatArray) -> FloatArray:
        return np.asarray(np.einsum("ij,jk,ik->i", contrast, covariance, contrast), dtype=float)

    whole = PlackettLuce(
        fit.theta, fit.covariance * (size / float(ballots.weights.sum())), fit.loglik, 0
    )
    robust = variances(sandwich(ballots, whole))
    clusters = cluster_index(ballots)
    if clusters is not None:
        robust = robust / few_totals(clusters[1], (1.0 - confidence) / (2.0 * ballots.J))
    return np.sqrt(np.maximum(np.maximum(variances(fit.covariance), robust), 0.0))
