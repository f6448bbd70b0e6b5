"""How many ballots it takes to confirm that equal items are equal."""

from __future__ import annotations

import numpy as np

from calib._types import FloatArray
from calib.ballots.shares import simultaneous_z

__all__ = ["ballots_for_equal_shares", "ballots_for_equal_worths", "chance_all_within"]

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
