"""Are the items equal *within a declared margin*? A verdict that no p-value can give."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calib._types import FloatArray
from calib.ballots.data import Ballots
from calib.ballots.effects import ballots_for_equal_shares, ballots_for_equal_worths
from calib.ballots.intervals import PickShares, WorthIntervals
from calib.ballots.montecarlo import savage_points
from calib.errors import InputError
from calib.words import Message, message

__all__ = [
    "LARGEST_MARGIN",
    "Equivalence",
    "check_alpha",
    "check_margin",
    "equivalence_of_shares",
    "equivalence_of_worths",
]

LARGEST_MARGIN = 5.0
"""Ratios from here on are refused: items five times apart are equal to nobody, and whoever writes
25 means 25%, that is 1.25."""

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
        shares.expected, len(shares.items), margin=margin, level=shares.level
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
    needed = ballots_for_equal_worths(information, J, margin=margin, level=intervals.level)
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
