"""Assumptions on how enterprises grow while the weights move."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np
from pydantic import Field, StrictFloat

from calib._types import FloatArray
from calib.errors import InputError, did_you_mean
from calib.framework import Track
from calib.rating import Scored, ScoredSample
from calib.requests import Request
from calib.words import Text, message

__all__ = ["Grown", "Growth", "check_growth", "grown_population", "grown_scores"]


class Growth(Request):
    """How scores rise over a path, from its first year to its last.

    A node's growth holds for all indicators under it, the lowest named node counts; "" is
    everything.
    """

    points: dict[str, StrictFloat] = Field(
        default_factory=dict, description="points a year, by node code"
    )
    catch_up: dict[str, Annotated[StrictFloat, Field(ge=0, le=1)]] = Field(
        default_factory=dict,
        description="share of the distance to the highest score closed each year, by node code",
    )


@dataclass(frozen=True, eq=False)
class Grown:
    """Enterprises as they are assumed to have become by the time of a weight set.

    Attributes
    ----------
    label : what is shown beside the set's name, for instance "enterprises grown to 2035"
    grow : returns the scores of that time from those of now
    """

    label: Text
    grow: Callable[[Scored], Scored]


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
        raise InputError(message("shift.outside", year=f"{at:g}", first=f"{first:g}",
                                 last=f"{last:g}"))  # fmt: skip
    rule, part = scored.framework.rule, (at - first) / (last - first)
    samples = {}
    for t, sample in scored.samples.items():

        def later(X: FloatArray, sample: ScoredSample = sample) -> FloatArray:
            end = grown_scores(sample.track, X, growth, last - first, low=rule.low, high=rule.high)
            return np.asarray(end if part == 1 else X + part * (end - X), dtype=float)

        imputed = sample.imputed and replace(sample.imputed, X=later(sample.imputed.X))
        samples[t] = replace(sample, X=later(sample.X), imputed=imputed)
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
            hint = did_you_mean(name, codes)
            raise InputError(message("shift.growth_of_unknown", node=repr(name), hint=hint))
