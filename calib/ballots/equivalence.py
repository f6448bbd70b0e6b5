"""How unequal items are, and whether they are equal *within a declared margin*.

Sizes of inequality, what a survey could have shown, how many ballots equality takes, and the
verdict of equivalence, which no p-value can give.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from calib._types import FloatArray
from calib.ballots.equality import pick_test, pick_variance
from calib.ballots.likelihood import savage_points
from calib.ballots.prefix import PrefixTable
from calib.ballots.share_intervals import (
    PickShares,
    WorthIntervals,
    chance_all_within,
    normal_quantile,
    simultaneous_z,
)
from calib.ballots.shrinkage import Shrinkage
from calib.ballots.survey import Ballots
from calib.errors import InputError
from calib.words import Message, message

__all__ = [
    "LARGEST_MARGIN",
    "Detectable",
    "Effects",
    "Equivalence",
    "ballots_for_equal_shares",
    "ballots_for_equal_worths",
    "check_alpha",
    "check_margin",
    "detectable",
    "effects",
    "equivalence_of_shares",
    "equivalence_of_worths",
    "fewest",
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
    counts = table.pick_counts
    low = float(counts.min())
    return Effects(
        shrunk.sigma,
        shrunk.sigma_interval,
        None if q is None else q.statistic / (table.kish * (table.J - 1)),
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
    shrunk = 1.0 if size is None else size / table.kish
    information = shrunk * float(table.lengths @ variance) ** 2 / float(table.lengths2 @ variance)
    scale = pick_variance(table) / shrunk
    share: float | None = None
    if scale > 0:
        z = normal_quantile(1.0 - alpha / (2 * J)) + normal_quantile(power)
        share = float(z * np.sqrt(scale * (1.0 - 1.0 / J)) / table.total)
        expected = float(table.pick_counts.sum()) / table.total / J
        share = share if share <= 1.0 - expected else None
    return Detectable(float(np.sqrt(noncentral / (information * df))), share, power, alpha)


def fewest(chance: Callable[[int], float], wanted: float, *, start: int, most: int) -> int | None:
    """Return the smallest number with the wanted chance, which rises with it; None beyond ``most``.

    Parameters
    ----------
    chance : of a verdict, by number of ballots
    start : tried first, then its doubles; a smaller number than half of it is not looked for
    """
    top = start
    while chance(top) < wanted:
        top *= 2
        if top > most:
            return None
    bottom = top // 2
    while top - bottom > 1:
        middle = (bottom + top) // 2
        bottom, top = (bottom, middle) if chance(middle) >= wanted else (middle, top)
    return top


def ballots_for_equal_shares(
    expected: float, J: int, *, margin: float, confidence: float = 0.95, power: float = 0.8
) -> int | None:
    """Return the number of ballots at which equal pick shares would be called equal.

    Parameters
    ----------
    expected : share of every item under equality, inside (0, 1)
    J : number of items
    margin : equivalence margin, a ratio > 1
    confidence : simultaneous coverage of the intervals
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
    tail = (1.0 - confidence) / (2.0 * J)
    low, high = expected / margin, expected * margin

    def chance(n: int) -> float:
        least = float(np.ceil(bdtrik(1.0 - tail, n, low))) + 1.0
        most = float(n) if high >= 1.0 else float(np.ceil(bdtrik(tail, n, high))) - 1.0
        if not least <= most:
            return 0.0
        mean, sd = n * expected, np.sqrt(n * expected * (1.0 - expected))
        return chance_all_within((least - 0.5 - mean) / sd, (most + 0.5 - mean) / sd, J)

    return fewest(chance, power, start=8, most=10**9)


def ballots_for_equal_worths(
    information: float, J: int, *, margin: float, confidence: float = 0.95, power: float = 0.8
) -> int | None:
    """Return the number of ballots at which equal unshrunken worths would be called equal.

    Parameters
    ----------
    information : information of an average ballot on a log-worth at equality: the scale of its
        score's covariance ``information (I - 11'/J)``
    J, margin, confidence, power : as in :func:`ballots_for_equal_shares`

    Notes
    -----
    The logit of a worth has the standard error ``se = 1 / sqrt(n information (1 - 1/J))``, and its
    interval lies inside the band if the logit is ``z se`` away from those of both edges.
    """
    if not information > 0.0 or not margin > 1.0:
        return None
    z = simultaneous_z(J, confidence)
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


LARGEST_MARGIN = 5.0
"""Ratios from here on are refused: items five times apart are equal to nobody, and whoever writes
25 means 25%, that is 1.25."""


@dataclass(frozen=True, slots=True)
class Equivalence:
    """The verdict on equality within a margin.

    Parameters
    ----------
    verdict : ``equal`` - every simultaneous interval lies inside the band; ``unequal`` - some
        interval lies wholly outside it; ``different`` - a test shows differences, the intervals
        do not settle whether they exceed the margin; ``undecided`` - neither. A test that is
        not significant never makes a verdict ``equal``
    measure : ``share`` (pick shares) or ``worth`` (worths without shrinkage)
    margin : declared ratio, > 1: a value is as good as equal within
        ``[centre / margin, centre * margin]``
    centre : the value of every item under equality
    band : the two ends of the band
    lower, upper : (J,) simultaneous intervals
    outside : positions of the items whose interval lies wholly outside the band
    open : positions of the items whose interval is neither inside nor wholly outside
    differences_shown : whether the main test of equality rejects
    smallest_margin : smallest margin at which these ballots would say ``equal``; inf if none
    ballots_needed : ballots like these (lengths, weights, enterprises) that would say ``equal`` at
        this margin with 80% probability if all items were exactly equal; None when no number
        would
    finite : whether every interval is about a finite estimate; else the verdict cannot be
        ``equal``
    """

    verdict: str
    measure: str
    margin: float
    centre: float
    band: tuple[float, float]
    lower: FloatArray
    upper: FloatArray
    outside: tuple[int, ...]
    open: tuple[int, ...]
    differences_shown: bool
    smallest_margin: float
    ballots_needed: int | None
    finite: bool = True


def equivalence_of_shares(
    shares: PickShares, *, margin: float, differences_shown: bool
) -> Equivalence:
    """Judge equality by the pick shares against ``mean k / J``.

    Parameters
    ----------
    shares : pick shares with simultaneous intervals
    margin : ratio > 1
    differences_shown : whether the main test of equality rejects

    Raises
    ------
    InputError
        If the margin is not above 1, or so large that it must be meant as a percentage.
    """
    check_margin(margin)
    needed = ballots_for_equal_shares(
        shares.expected, len(shares.items), margin=margin, confidence=shares.confidence
    )
    # Ballots like these: as many more as it takes of them to be worth one independent ballot.
    return _judge(
        "share",
        shares.expected,
        (shares.lower, shares.upper),
        margin,
        differences_shown,
        _of_these(needed, shares.n / float(np.median(shares.sizes))),
    )


def equivalence_of_worths(
    intervals: WorthIntervals, ballots: Ballots, *, margin: float, differences_shown: bool
) -> Equivalence:
    """Judge equality by worths against ``1 / J``.

    Parameters
    ----------
    intervals : unshrunken worths of the ballots with simultaneous intervals
    ballots : the ballots, whose lengths say how much each tells
    margin : ratio > 1
    differences_shown : whether the main test of equality rejects

    Raises
    ------
    InputError
        If the margin is not above 1, or so large that it must be meant as a percentage.

    Notes
    -----
    Never from shrunken worths, which the shrinkage makes alike: with one of six items at the edge
    of the margin and 100 full rankings they would say ``equal`` one time in five.
    """
    check_margin(margin)
    J = ballots.J
    variance = savage_points(J, ballots.K).variance[ballots.lengths]
    information = float(ballots.weights @ variance / ballots.weights.sum())
    needed = ballots_for_equal_worths(
        information, J, margin=margin, confidence=intervals.confidence
    )
    return _judge(
        "worth",
        1.0 / J,
        (intervals.lower, intervals.upper),
        margin,
        differences_shown,
        _of_these(needed, intervals.n / intervals.size),
        finite=intervals.finite,
    )


def check_margin(margin: float) -> None:
    """Refuse a margin that is no sensible ratio, with a guess at what was meant.

    Raises
    ------
    InputError
        Unless ``1 < margin < LARGEST_MARGIN``.
    """
    if np.isfinite(margin) and 1.0 < margin < LARGEST_MARGIN:
        return
    meant = 0.0
    if 0.0 < margin < 1.0:
        meant = 1.0 + margin if margin <= 0.5 else 1.0 / margin
    elif LARGEST_MARGIN <= margin <= 100.0:
        meant = 1.0 + margin / 100.0
    raise InputError(
        message("ballots.input.margin", value=margin, largest=LARGEST_MARGIN, hint=_meant(meant))
    )


def _meant(value: float) -> Message | str:
    return message("ballots.input.meant", meant=value) if value else ""


def check_alpha(alpha: float) -> None:
    """Refuse a level that no test has, with a guess at what was meant.

    Raises
    ------
    InputError
        Unless ``0 < alpha < 0.5``.
    """
    if 0.0 < alpha < 0.5:
        return
    meant = 0.0
    if 0.5 < alpha < 1.0:
        meant = 1.0 - alpha
    elif 1.0 <= alpha < 100.0:
        meant = alpha / 100.0 if alpha < 50.0 else 1.0 - alpha / 100.0
    raise InputError(message("ballots.input.alpha", value=alpha, hint=_meant(meant)))


def _of_these(needed: int | None, design_effect: float) -> int | None:
    return None if needed is None else int(np.ceil(needed * max(design_effect, 1.0)))


def _judge(
    measure: str,
    centre: float,
    interval: tuple[FloatArray, FloatArray],
    margin: float,
    differences_shown: bool,
    needed: int | None,
    *,
    finite: bool = True,
) -> Equivalence:
    lower, upper = interval
    low, high = centre / margin, centre * margin
    inside = (lower >= low) & (upper <= high)
    outside = (upper < low) | (lower > high)
    if inside.all() and finite:
        verdict = "equal"
    elif outside.any():
        verdict = "unequal"
    else:
        verdict = "different" if differences_shown else "undecided"
    least = float(lower.min())
    smallest = (
        max(float(upper.max()) / centre, centre / least) if least > 0 and finite else float("inf")
    )
    return Equivalence(
        verdict,
        measure,
        margin,
        centre,
        (low, high),
        lower,
        upper,
        tuple(np.flatnonzero(outside).tolist()),
        tuple(np.flatnonzero(~inside & ~outside).tolist()),
        differences_shown,
        smallest,
        needed,
        finite,
    )
