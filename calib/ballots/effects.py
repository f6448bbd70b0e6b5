"""How unequal items are, what a survey could have shown, how many ballots equality takes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calib._types import FloatArray
from calib.ballots.equality import pick_test, pick_variance
from calib.ballots.intervals import normal_quantile, simultaneous_z
from calib.ballots.montecarlo import savage_points
from calib.ballots.prefix import PrefixTable
from calib.ballots.shrinkage import Shrinkage

__all__ = [
    "Detectable",
    "Effects",
    "ballots_for_equal_shares",
    "ballots_for_equal_worths",
    "chance_all_within",
    "detectable",
    "effects",
]


@dataclass(frozen=True, slots=True)
class Effects:
    """Sizes of the differences between items.

    Parameters
    ----------
    sigma, sigma_interval : standard deviation of the log-worths, with its 95% interval; 0 when
        all are equal, 0.2 when worths typically differ by a fifth
    agreement : ``W = Q / (n (J - 1))``, from 0 (picks at random) to 1 (all ballots list the same
        items); None when every ballot lists every item
    worth_ratio : largest over smallest shrunk worth
    share_ratio : largest over smallest pick share; inf when some item was never picked
    """

    sigma: float
    sigma_interval: tuple[float, float]
    agreement: float | None
    worth_ratio: float
    share_ratio: float


def effects(table: PrefixTable, shrunk: Shrinkage) -> Effects:
    """Return effect sizes from the sufficient statistics and the shrunk fit.

    Notes
    -----
    With weights n is Kish's effective number, so that W does not depend on the weights' scale.
    """
    q = pick_test(table)
    size = table.total**2 / float(table.lengths2.sum())
    counts = table.pick_counts
    low = float(counts.min())
    return Effects(
        shrunk.sigma,
        shrunk.sigma_interval,
        None if q is None else q.statistic / (size * (table.J - 1)),
        float(shrunk.worth.max() / shrunk.worth.min()),
        float(counts.max() / low) if low > 0 else float("inf"),
    )


@dataclass(frozen=True, slots=True)
class Detectable:
    """The smallest differences that a survey of this size would probably have shown.

    Parameters
    ----------
    sigma : spread of log-worths at which the score test rejects with the given power
    share : difference of one item's pick share from the others' common expectation at which its
        Holm-corrected residual rejects with that power; None when every ballot lists every item,
        or when no difference between 0 and 1 is large enough
    power, alpha : power and size that these refer to
    """

    sigma: float
    share: float | None
    power: float
    alpha: float


def detectable(
    table: PrefixTable, *, size: float | None = None, alpha: float = 0.05, power: float = 0.8
) -> Detectable:
    """Return the minimal detectable differences.

    Parameters
    ----------
    table : sufficient statistics
    size : effective number of ballots when enterprises sent several; by default Kish's number,
        which allows for respondent weights only
    alpha, power : size of the tests and the power asked of them

    Notes
    -----
    At log-worths theta near 0 the score statistic is non-central chi-square with
    ``lambda = I sum theta_j^2`` and ``I = (sum_i w_i)^2 / sum_i w_i^2`` times the information of
    an average ballot; ``sum theta^2 = (J - 1) sigma^2``. The share uses
    ``(z(1 - alpha/2J) + z(power)) sqrt(V (1 - 1/J)) / n``, Holm's first step. Both I and
    1 / V shrink by ``size`` over Kish's number.
    """
    from scipy.special import chdtri, chndtrinc

    J = table.J
    df = J - 1
    critical = float(chdtri(df, alpha))
    noncentral = float(chndtrinc(critical, df, 1.0 - power))
    variance = savage_points(J, table.lengths.size - 1).variance
    kish = table.total**2 / float(table.lengths2.sum())
    shrunk = 1.0 if size is None else size / kish
    information = shrunk * float(table.lengths @ variance) ** 2 / float(table.lengths2 @ variance)
    scale = pick_variance(table) / shrunk
    share: float | None = None
    if scale > 0:
        z = normal_quantile(1.0 - alpha / (2 * J)) + normal_quantile(power)
        share = float(z * np.sqrt(scale * (1.0 - 1.0 / J)) / table.total)
        expected = float(table.pick_counts.sum()) / table.total / J
        share = share if share <= 1.0 - expected else None
    return Detectable(float(np.sqrt(noncentral / (information * df))), share, power, alpha)


_MOST = 10**9
_CELLS = 1000


def ballots_for_equal_shares(
    expected: float, J: int, *, margin: float, level: float = 0.95, power: float = 0.8
) -> int | None:
    """Return the number of ballots at which equal pick shares would be called equal.

    Parameters
    ----------
    expected : share of every item under equality, inside (0, 1)
    J : number of items
    margin : equivalence margin, a ratio > 1
    level : simultaneous coverage of the intervals
    power : chance of the verdict when all items are exactly equal

    Returns
    -------
    The number of independent ballots of equal length, or None when no number suffices.

    Notes
    -----
    An exact interval lies inside the band if the count of its item is at least the smallest
    that is significantly above the lower edge and at most the largest that is significantly
    under the upper edge. All J counts must be; they are taken as jointly normal with the
    correlation ``-1 / (J - 1)`` of picks that exclude each other (:func:`chance_all_within`).
    """
    from scipy.special import bdtrik

    if not 0.0 < expected < 1.0 or not margin > 1.0:
        return None
    tail = (1.0 - level) / (2.0 * J)
    low, high = expected / margin, expected * margin

    def chance(n: int) -> float:
        least = float(np.ceil(bdtrik(1.0 - tail, n, low))) + 1.0
        most = float(n) if high >= 1.0 else float(np.ceil(bdtrik(tail, n, high))) - 1.0
        if not least <= most:
            return 0.0
        mean, sd = n * expected, np.sqrt(n * expected * (1.0 - expected))
        return chance_all_within((least - 0.5 - mean) / sd, (most + 0.5 - mean) / sd, J)

    top = 8
    while chance(top) < power:
        top *= 2
        if top > _MOST:
            return None
    bottom = top // 2
    while top - bottom > 1:
        middle = (bottom + top) // 2
        bottom, top = (bottom, middle) if chance(middle) >= power else (middle, top)
    return top


def ballots_for_equal_worths(
    information: float, J: int, *, margin: float, level: float = 0.95, power: float = 0.8
) -> int | None:
    """Return the number of ballots at which equal unshrunken worths would be called equal.

    Parameters
    ----------
    information : information of an average ballot on a log-worth at equality: the scale of its
        score's covariance ``information (I - 11'/J)``
    J, margin, level, power : as in :func:`ballots_for_equal_shares`

    Notes
    -----
    The logit of a worth has the standard error ``se = 1 / sqrt(n information (1 - 1/J))``, and its
    interval lies inside the band if the logit is ``z se`` away from those of both edges.
    """
    if not information > 0.0 or not margin > 1.0:
        return None
    z = simultaneous_z(J, level)
    equal = -np.log(J - 1.0)
    low = -np.log(J * margin - 1.0) - equal
    high = np.log(margin / (J - margin)) - equal if margin < J else np.inf

    def chance(se: float) -> float:
        return chance_all_within(low / se + z, high / se - z, J)

    small, large = 1e-6, 1e3
    for _ in range(60):
        middle = float(np.sqrt(small * large))
        small, large = (middle, large) if chance(middle) >= power else (small, middle)
    return int(np.ceil(1.0 / (information * (1.0 - 1.0 / J) * small**2)))


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
