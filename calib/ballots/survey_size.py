"""How many ballots to ask for: until a difference would show, and until equality could be said."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Annotated

from pydantic import Field, StrictInt

from calib._streams import stream, token
from calib._types import Seed
from calib.ballots.equivalence import ballots_for_equal_shares, ballots_for_equal_worths
from calib.ballots.montecarlo import savage_points
from calib.ballots.power import SPREAD, ballots_for_difference, power_of_equality_test
from calib.errors import InputError
from calib.report import Note, Result, Table
from calib.requests import Request, takes
from calib.words import Text, message

__all__ = ["BallotsPlan", "BallotsPlanRequest", "plan_ballots"]


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
    level = {"margin": request.margin, "level": 1 - request.alpha, "power": request.power}
    if picks == items:
        information = float(savage_points(items, picks).variance[picks])
        equal = ballots_for_equal_worths(information, items, **level)
    else:
        equal = ballots_for_equal_shares(picks / items, items, **level)
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
