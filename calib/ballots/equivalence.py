"""Are the items equal *within a declared margin*? A verdict that no p-value can give."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calib._types import FloatArray
from calib.ballots.shares import PickShares, normal_quantile, simultaneous_z, wilson
from calib.ballots.shrinkage import Shrinkage
from calib.errors import InputError

__all__ = ["Equivalence", "equivalence_of_shares", "equivalence_of_worths"]

VERDICTS = ("equal", "unequal", "different", "undecided")


@dataclass(frozen=True, slots=True)
class Equivalence:
    """The verdict on equality within a margin.

    Parameters
    ----------
    verdict : ``equal`` - every simultaneous interval lies inside the band; ``unequal`` - some
        interval lies wholly outside it; ``different`` - a test shows differences, the intervals
        do not settle whether they exceed the margin; ``undecided`` - neither. A test that is
        not significant never makes a verdict ``equal``
    measure : ``share`` (pick shares) or ``worth`` (shrunk worths)
    margin : declared ratio, > 1: a value is as good as equal within ``[centre / margin,
        centre * margin]``
    centre : the value of every item under equality
    band : the two ends of the band
    lower, upper : (J,) simultaneous intervals
    outside : positions of the items whose interval lies wholly outside the band
    open : positions of the items whose interval is neither inside nor wholly outside
    differences_shown : whether the main test of equality rejects
    smallest_margin : smallest margin at which these ballots would say ``equal``; inf if none
    ballots_needed : ballots that would say ``equal`` at this margin with 80% probability if all
        items were exactly equal; None when not applicable
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
        If the margin is not above 1.
    """
    return _judge(
        "share",
        shares.expected,
        shares.lower,
        shares.upper,
        margin,
        differences_shown,
        _ballots_needed(shares.expected, len(shares.items), margin, shares.level),
    )


def equivalence_of_worths(
    shrunk: Shrinkage, *, margin: float, differences_shown: bool, level: float = 0.95
) -> Equivalence:
    """Judge equality by worths against ``1 / J``.

    Notes
    -----
    Intervals ``exp(log w_j -+ z(1 - alpha/2J) se)`` with the standard deviation of the
    log-worth share, sigma's uncertainty included; meant for ballots that list every item, where
    pick shares say nothing.
    """
    w = shrunk.worth
    J = w.size
    contrast = np.eye(J) - w  # d log w_j / d theta_l = [j = l] - w_l
    se = np.sqrt(np.maximum(np.diag(contrast @ shrunk.covariance @ contrast.T), 0.0))
    z = simultaneous_z(J, level)
    return _judge(
        "worth",
        1.0 / J,
        w * np.exp(-z * se),
        w * np.exp(z * se),
        margin,
        differences_shown,
        None,
    )


def _judge(
    measure: str,
    centre: float,
    lower: FloatArray,
    upper: FloatArray,
    margin: float,
    differences_shown: bool,
    needed: int | None,
) -> Equivalence:
    if not (np.isfinite(margin) and margin > 1.0):
        msg = f"the equivalence margin is {margin!r}; expected a ratio above 1, such as 1.25"
        raise InputError(msg)
    low, high = centre / margin, centre * margin
    inside = (lower >= low) & (upper <= high)
    outside = (upper < low) | (lower > high)
    if inside.all():
        verdict = "equal"
    elif outside.any():
        verdict = "unequal"
    else:
        verdict = "different" if differences_shown else "undecided"
    least = float(lower.min())
    smallest = max(float(upper.max()) / centre, centre / least) if least > 0 else float("inf")
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
    )


def _ballots_needed(centre: float, J: int, margin: float, level: float) -> int | None:
    """Return the n at which J exactly equal shares would be called equal with 80% probability.

    All J observed shares must lie close enough to the centre that their intervals fit into the
    band; taken as independent, each must with probability ``0.8^(1/J)``.
    """
    if not 0.0 < centre < 1.0 or not margin > 1.0:
        return None
    z = simultaneous_z(J, level)
    away = normal_quantile((1.0 + 0.8 ** (1.0 / J)) / 2.0)

    def fits(n: int) -> bool:
        off = away * np.sqrt(centre * (1.0 - centre) / n)
        seen = np.clip(np.array([centre - off, centre + off]), 0.0, 1.0)
        lower, upper = wilson(seen, np.full(2, float(n)), z)
        return bool(lower[0] >= centre / margin and upper[1] <= min(centre * margin, 1.0))

    high = 1
    while not fits(high):
        high *= 2
        if high > 10**9:
            return None
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if fits(middle) else (middle, high)
    return high
