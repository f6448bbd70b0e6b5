"""What a survey of a given size could show, and how many ballots to ask for.

The power of the test of equal importance; the ballots until a difference would show, and until
equality could be said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated

import numpy as np
from pydantic import Field, StrictInt

from calib._streams import stream, token
from calib._types import FloatArray, IntArray, Seed
from calib.ballots.equality import MONTE_CARLO_BELOW
from calib.ballots.equivalence import ballots_for_equal_shares, ballots_for_equal_worths, fewest
from calib.ballots.likelihood import savage_points
from calib.errors import InputError
from calib.report import Note, Result, Table
from calib.requests import Request, takes
from calib.words import Text, message

__all__ = ["SPREAD", "BallotsPlan", "BallotsPlanRequest", "SurveyPower", "ballots_for_difference",
           "plan_ballots", "power_of_equality_test"]  # fmt: skip

SPREAD = 0.45
"""Spread of log-worths that nobody would call equal importance: an item one standard deviation up
has 2.5 times the worth of one that is one standard deviation down."""
_NULL, _SURVEYS = 4000, 2000
_NULL_ENTRIES = 5_000_000
"""Small surveys are simulated more often: few values of their statistic are possible, and which of
them is the critical one must not be left to chance."""
_MOST_NULL = 20_000
_WORTHS, _BALLOTS = 150, 400
_FEW = 20
"""Worths of fewer items differ more from one survey to the next, so that more are drawn."""
_ENTRIES = 2_000_000


def power_of_equality_test(
    items: int,
    lengths: int | Sequence[int] | IntArray,
    ballots: int,
    *,
    spread: float = SPREAD,
    alpha: float = 0.05,
    rng: Seed = None,
) -> float:
    """Return the chance that the test of equal importance shows a difference that is there.

    Parameters
    ----------
    items : number of items J
    lengths : picks on a ballot; one number, or those that occur, each as often as the others
    ballots : number of independent ballots
    spread : standard deviation of the true log-worths, which are normal
    alpha : size of the test
    rng : seed or Generator

    Returns
    -------
    The power of Q on pick counts; of the score test where every ballot lists every item.

    Raises
    ------
    InputError
        For fewer than two items, no ballots, or lengths outside 1 to J.

    Notes
    -----
    Below 50 ballots, surveys are simulated and compared with simulated surveys of equally
    important items, as the test itself does there. From 50 on, the statistic is non-central
    chi-square, and the power is its average over worths.

    Examples
    --------
    >>> 0.3 < power_of_equality_test(28, 5, 12, rng=1) < 0.42
    True
    """
    given = _lengths(items, lengths, ballots)
    generator = np.random.default_rng(rng)
    if ballots < MONTE_CARLO_BELOW:
        each = given[np.arange(ballots) % len(given)]
        null = max(_NULL, _NULL_ENTRIES // (items * ballots))
        equal = _statistics(items, each, 0.0, min(null, _MOST_NULL), generator)
        limit = float(np.quantile(equal, 1 - alpha))
        found = _statistics(items, each, spread, _SURVEYS, generator)
        return float((found > limit + 1e-9).mean())
    return _TestOfLength(items, given, spread, generator).power(ballots, alpha)


def ballots_for_difference(
    items: int,
    lengths: int | Sequence[int] | IntArray,
    *,
    spread: float = SPREAD,
    alpha: float = 0.05,
    power: float = 0.8,
    rng: Seed = None,
) -> int | None:
    """Return the number of ballots at which a difference would be shown with a given power.

    Parameters
    ----------
    items, lengths, spread, alpha, rng : as in :func:`power_of_equality_test`
    power : chance that is wanted

    Returns
    -------
    The number of independent ballots; None when no number is enough.

    Notes
    -----
    By the non-central chi-square distribution of the statistic, which for 12 ballots on 28 items
    is off by about 0.03 in power.
    """
    known = _TestOfLength(items, _lengths(items, lengths, 1), spread, np.random.default_rng(rng))
    return fewest(lambda n: known.power(n, alpha), power, start=2, most=10**7)


@dataclass(frozen=True, slots=True)
class SurveyPower:
    """What the test of equal importance could have shown in a survey.

    Attributes
    ----------
    spread : standard deviation of the log-worths that are looked for
    power : chance that the test shows them
    needed : ballots that show them with the chance ``wanted``; None when no number does
    wanted : that chance
    """

    spread: float
    power: float
    needed: int | None
    wanted: float

    @property
    def ratio(self) -> float:
        """Worth of an item one standard deviation up over that of one as far down."""
        return float(np.exp(2 * self.spread))


def _lengths(items: int, lengths: int | Sequence[int] | IntArray, ballots: int) -> IntArray:
    given = np.atleast_1d(np.asarray(lengths, dtype=np.int64))
    if items < 2 or ballots < 1 or not given.size or given.min() < 1 or given.max() > items:
        raise InputError(
            message("ballots.input.power", items=items, lengths=given.tolist(), ballots=ballots)
        )
    return given


class _TestOfLength:
    """The test's non-centrality per ballot, under worths drawn once."""

    def __init__(
        self, items: int, lengths: IntArray, spread: float, rng: np.random.Generator
    ) -> None:
        self.df = items - 1
        table, variance = _points(items, lengths)
        more = max(1.0, _FEW / items)
        worths, ballots = int(_WORTHS * more), int(_BALLOTS * np.sqrt(more))
        each = np.arange(ballots) % len(lengths)
        self.per_ballot = np.empty(worths)
        for number in range(worths):
            theta = spread * rng.standard_normal(items)
            points = _scored(theta, lengths[each], table[each], rng)
            mean = points.mean(axis=0)
            # The mean of a sample is off by its own variance, which is taken out again.
            squares = ((mean - mean.mean()) ** 2).sum() - points.var(axis=0).sum() / ballots
            self.per_ballot[number] = max(0.0, squares) / variance.mean()

    def power(self, ballots: int, alpha: float) -> float:
        from scipy.special import chdtri, chndtr

        critical = float(chdtri(self.df, alpha))
        return float(1 - chndtr(critical, self.df, (ballots - 1) * self.per_ballot).mean())


def _points(items: int, lengths: IntArray) -> tuple[FloatArray, FloatArray]:
    """Return scores (l, J) of an item by its rank, and the scale of their covariance (l,).

    Picks count 1, the others 0; where all ballots list every item, Savage scores by rank.
    """
    rank = np.arange(items)
    if (lengths == items).all():
        savage = savage_points(items, items)
        row = np.pad(savage.listed[items], (0, items - len(savage.listed[items])))
        table = np.tile(row, (len(lengths), 1))
    else:
        table = (rank < lengths[:, None]).astype(float)
    centred = table - table.mean(axis=1, keepdims=True)
    return table, np.asarray((centred**2).sum(axis=1) / (items - 1), dtype=float)


def _scored(
    theta: FloatArray, lengths: IntArray, table: FloatArray, rng: np.random.Generator
) -> FloatArray:
    """Return the scores (n, J) of simulated Plackett-Luce ballots.

    Parameters
    ----------
    theta : (J,), or (..., 1, J) of several surveys
    lengths : (n,) picks
    table : (n, J) scores by rank
    """
    shape = (*theta.shape[:-2], len(lengths), theta.shape[-1])
    keys = theta + rng.gumbel(size=shape)
    order = np.argsort(-keys, axis=-1)
    out = np.empty(shape)
    np.put_along_axis(out, order, np.broadcast_to(table, shape), axis=-1)
    return out


def _statistics(
    items: int, lengths: IntArray, spread: float, surveys: int, rng: np.random.Generator
) -> FloatArray:
    """Return the test statistic of simulated surveys, each with worths of its own."""
    table, variance = _points(items, lengths)
    out = np.empty(surveys)
    step = max(1, _ENTRIES // (items * len(lengths)))
    for start in range(0, surveys, step):
        size = min(step, surveys - start)
        theta = spread * rng.standard_normal((size, 1, items))
        sums = _scored(theta, lengths, table, rng).sum(axis=1)
        centred = sums - sums.mean(axis=1, keepdims=True)
        out[start : start + size] = (centred**2).sum(axis=1) / variance.sum()
    return out


class BallotsPlanRequest(Request):
    """What a survey is to show; see :func:`plan_ballots`."""

    items: Annotated[StrictInt, Field(ge=2)] = Field(description="indicators that are ranked")
    picks: Annotated[StrictInt, Field(ge=1)] = Field(5, description="indicators on a ballot")
    ballots: tuple[Annotated[StrictInt, Field(ge=1)], ...] = Field(
        (), description="numbers of ballots whose power to tell"
    )
    spread: Annotated[float, Field(gt=0)] = Field(
        SPREAD, description="standard deviation of the log-worths that are to be shown"
    )
    margin: Annotated[float, Field(gt=1, lt=5)] = Field(
        1.25, description="ratio within which indicators are as good as equal"
    )
    alpha: Annotated[float, Field(gt=0, lt=0.5)] = Field(0.05, description="size of the test")
    power: Annotated[float, Field(gt=0, lt=1)] = Field(
        0.8, description="chance of a verdict that is wanted"
    )


@dataclass(frozen=True, eq=False, repr=False)
class BallotsPlan(Result):
    """Ballots that a verdict on equal importance takes.

    Attributes
    ----------
    request : what is to be shown
    for_difference : ballots that show a difference of the spread; None when no number does
    for_equality : ballots that say "equal within the margin" of indicators that are exactly equal
    powers : by number of ballots, the chance that a difference of the spread is shown

    Tables: ``power`` (one row a number of ballots).
    """

    request: BallotsPlanRequest
    for_difference: int | None
    for_equality: int | None
    powers: dict[int, float]

    def headline(self) -> Text:
        """Return both numbers of ballots."""
        asked = self.request
        return message(
            "ballots.plan.headline", items=asked.items, picks=asked.picks, spread=asked.spread,
            margin=asked.margin, power=asked.power, difference=_number(self.for_difference),
            equality=_number(self.for_equality),
        )  # fmt: skip

    @cached_property
    def tables(self) -> tuple[Table, ...]:  # type: ignore[override]
        """The power by number of ballots."""
        import pandas as pd

        frame = pd.DataFrame(list(self.powers.items()), columns=["ballots", "power"])
        title = message("ballots.plan.table", spread=self.request.spread, alpha=self.request.alpha)
        return (Table("power", frame, title),)

    @property
    def notes(self) -> tuple[Note, ...]:  # type: ignore[override]
        """What a difference not shown means."""
        return (Note(message("ballots.plan.no_evidence")),)


@takes(BallotsPlanRequest)
def plan_ballots(*, request: BallotsPlanRequest, rng: Seed = None) -> BallotsPlan:
    """Return how many ballots a verdict on equal importance takes.

    Parameters
    ----------
    {options}
    rng : seed or Generator

    Raises
    ------
    InputError
        When a ballot would list more indicators than there are.

    Examples
    --------
    >>> found = plan_ballots(items=28, ballots=(12,), rng=1)
    >>> found.for_equality > 20 * found.for_difference
    True
    """
    items, picks = request.items, request.picks
    if picks > items:
        raise InputError(message("ballots.input.power", items=items, lengths=[picks], ballots=1))
    shown = {"spread": request.spread, "alpha": request.alpha}
    seed = token(rng)
    verdict = {
        "margin": request.margin, "confidence": 1 - request.alpha, "power": request.power,
    }  # fmt: skip
    if picks == items:
        information = float(savage_points(items, picks).variance[picks])
        equal = ballots_for_equal_worths(information, items, **verdict)
    else:
        equal = ballots_for_equal_shares(picks / items, items, **verdict)
    difference = ballots_for_difference(
        items, picks, power=request.power, rng=stream(seed, "difference"), **shown
    )
    powers = {
        n: power_of_equality_test(items, picks, n, rng=stream(seed, f"power {n}"), **shown)
        for n in sorted(set(request.ballots))
    }
    return BallotsPlan(request, difference, equal, powers)


def _number(ballots: int | None) -> Text | str:
    return message("ballots.plan.none") if ballots is None else f"{ballots:,}"
