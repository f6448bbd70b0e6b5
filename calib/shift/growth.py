"""Assumptions on how enterprises grow while the weights move."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from calib._types import FloatArray
from calib.errors import InputError, suggest
from calib.framework import Track
from calib.rating import Scored

__all__ = ["Growth", "check_growth", "grown_population", "grown_scores"]


@dataclass(frozen=True)
class Growth:
    """How scores rise over a path, from its first year to its last.

    Attributes
    ----------
    points : points a year, by node code; a node's growth holds for all indicators under it, the
        lowest named node counts; "" is everything
    catch_up : share of the distance to the highest score that is closed each year, likewise
    """

    points: Mapping[str, float] = field(default_factory=dict)
    catch_up: Mapping[str, float] = field(default_factory=dict)


def grown_scores(
    track: Track, X: FloatArray, growth: Growth, years: float, *, low: float, high: float
) -> FloatArray:
    """Return scores at the end of a path, held to the scale.

    Parameters
    ----------
    X : (n, L) leaf scores now
    years : length of the path
    low, high : ends of the score scale

    Returns
    -------
    (n, L) scores; between now and then each score is taken to move on a straight line

    Notes
    -----
    x + points · years, then the distance to ``high`` shrinks by (1 - catch_up)^years; a negative
    growth in points is a decline.
    """
    points = _by_leaf(track, growth.points, "points")
    closing = _by_leaf(track, growth.catch_up, "catch_up")
    if ((closing < 0) | (closing > 1)).any():
        raise InputError("catch_up is the share of a distance closed each year, from 0 to 1")
    grown = X + points * years
    grown = high - (high - grown) * (1 - closing) ** years
    return np.asarray(np.clip(grown, low, high), dtype=float)


def grown_population(
    scored: Scored, growth: Growth, years: tuple[float, float], at: float
) -> Scored:
    """Return a population with the scores that it is assumed to have in a year of a path.

    Parameters
    ----------
    years : first and last year of the path; ``scored`` is of the first
    at : the year wanted, on the straight line between both ends

    Raises
    ------
    InputError
        For a year outside the path.
    """
    first, last = years
    if not first <= at <= last:
        raise InputError(f"year {at:g} is outside the path, {first:g} to {last:g}")
    rule, part = scored.framework.rule, (at - first) / (last - first)
    samples = {}
    for t, sample in scored.samples.items():
        end = grown_scores(
            sample.track, sample.X, growth, last - first, low=rule.low, high=rule.high
        )
        samples[t] = replace(sample, X=sample.X + part * (end - sample.X))
    return replace(scored, samples=samples)


def _by_leaf(track: Track, given: Mapping[str, float], what: str) -> FloatArray:
    """Spread values by node over the leaves; the lowest named node above a leaf counts."""
    out = np.zeros(len(track.leaves))
    known = ["", *track.codes]
    for code in sorted(given, key=lambda c: track.index.get(c, -1)):
        if code not in known:
            continue  # a node of another track
        rows = [track.index[code]] if code else []
        under = track.membership(rows)[0] if rows else np.ones(len(out), dtype=bool)
        out[under] = given[code]
    return out


def check_growth(codes: tuple[str, ...], growth: Growth) -> None:
    """Raise :class:`InputError` for growth of nodes that the framework does not have."""
    for name in (*growth.points, *growth.catch_up):
        if name and name not in codes:
            raise InputError(f"growth of an unknown node {name!r} {suggest(name, codes)}".rstrip())
