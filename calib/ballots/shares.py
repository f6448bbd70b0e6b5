"""Pick shares: how often each item is listed, without a model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calib._types import FloatArray, IntArray
from calib.ballots.data import Ballots
from calib.ballots.robust import cluster_index, effective_size, total_variance

__all__ = ["PickShares", "normal_quantile", "pick_shares", "simultaneous_z", "wilson"]


@dataclass(frozen=True, slots=True)
class PickShares:
    """The share of ballots that list each item.

    Parameters
    ----------
    items : (J,) codes
    count : (J,) weight of the ballots that list the item
    share : (J,) share of ballots, ``X_j / n``
    se : (J,) its standard error
    lower, upper : (J,) intervals that hold for all items at once
    share_of_picks : (J,) share of all picks, ``X_j / sum X``; sums to 1
    expected : share of every item if all were equally important, ``mean k / J``
    level : simultaneous coverage of the intervals
    n : number of ballots
    size : effective number of ballots: Kish's for the weights, of enterprises' total weights when
        these sent several ballots
    """

    items: tuple[str, ...]
    count: FloatArray
    share: FloatArray
    se: FloatArray
    lower: FloatArray
    upper: FloatArray
    share_of_picks: FloatArray
    expected: float
    level: float
    n: int
    size: float


def normal_quantile(p: float) -> float:
    """Return the standard normal quantile of p."""
    from scipy.special import ndtri

    return float(ndtri(p))


def simultaneous_z(J: int, level: float) -> float:
    """Return the critical value of J two-sided intervals that hold at once (Bonferroni)."""
    return normal_quantile(1.0 - (1.0 - level) / (2.0 * J))


def wilson(share: FloatArray, size: FloatArray, z: float) -> tuple[FloatArray, FloatArray]:
    """Return Wilson score intervals for proportions, inside [0, 1] also at 0 and 1."""
    middle = (share + z**2 / (2 * size)) / (1 + z**2 / size)
    half = z / (1 + z**2 / size) * np.sqrt(share * (1 - share) / size + z**2 / (4 * size**2))
    lower = np.where(share <= 0, 0.0, np.maximum(middle - half, 0.0))
    upper = np.where(share >= 1, 1.0, np.minimum(middle + half, 1.0))
    return lower, upper


def pick_shares(ballots: Ballots, *, level: float = 0.95) -> PickShares:
    """Estimate the share of respondents who list each item.

    Parameters
    ----------
    ballots : the ballots
    level : simultaneous coverage, in (0, 1)

    Notes
    -----
    SE ``sqrt(p (1 - p) / n)``; with respondent weights or several ballots per enterprise the
    linearised (clustered) variance of the weighted share instead. Intervals are Wilson's at
    the Bonferroni point ``z(1 - alpha / 2J)`` and the item's effective number of ballots; the
    shares' negative correlation makes that slightly conservative. An item that nobody, or
    everybody, listed shows no variance between enterprises: there every enterprise counts once,
    as if its respondents always agreed.

    References
    ----------
    Wilson (1927), *JASA* 22, 209-212; Brown, Cai & DasGupta (2001), *Statist. Sci.* 16, 101-133.
    """
    weight = ballots.weights
    total = float(weight.sum())
    count = np.zeros(ballots.J)
    for s in range(ballots.K):
        on = ballots.picks[:, s] >= 0
        count += np.bincount(ballots.picks[on, s], weight[on], minlength=ballots.J)
    share = count / total
    clusters = cluster_index(ballots)
    size = effective_size(weight if clusters is None else _by_cluster(clusters[0], weight))

    def residuals(rows: slice) -> FloatArray:
        return listed(ballots, rows) - share

    if ballots.weight is None and ballots.cluster is None:
        variance = share * (1 - share) / ballots.n
    else:
        variance = total_variance(ballots, residuals) / total**2
    plain = share * (1 - share)
    known = (variance > 1e-15) & (plain > 1e-15)
    sizes = np.where(known, plain / np.where(known, variance, 1.0), size)
    lower, upper = wilson(share, np.minimum(sizes, ballots.n), simultaneous_z(ballots.J, level))
    return PickShares(
        ballots.items,
        count,
        share,
        np.sqrt(variance),
        lower,
        upper,
        count / count.sum(),
        float(count.sum() / total / ballots.J),
        level,
        ballots.n,
        size,
    )


def _by_cluster(cluster: IntArray, weight: FloatArray) -> FloatArray:
    return np.asarray(np.bincount(cluster, weight), dtype=float)


def listed(ballots: Ballots, rows: slice) -> FloatArray:
    """Return 1 where a ballot lists an item, (rows, J)."""
    picks = ballots.picks[rows]
    out = np.zeros((len(picks), ballots.J + 1))
    np.put_along_axis(out, np.where(picks >= 0, picks, ballots.J).astype(np.int64), 1.0, axis=1)
    return out[:, : ballots.J]
