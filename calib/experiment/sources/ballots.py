"""``ballots``: weights from respondents' rankings of the most important indicators."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from calib.ballots import BallotsRequest, BallotsResult, read_survey, weigh_ballots
from calib.experiment.context import Context
from calib.experiment.registry import Source

__all__ = ["BALLOTS", "BallotsParams"]


class BallotsParams(BallotsRequest):
    """``ballots``: weights from the survey in ``file``; all levels if none are named.

    ``base`` names the set of the levels that do not come from the ballots; ``also`` makes further
    sets by other estimators, as ``<set>/<estimator>``. ``report = false`` leaves the sentences,
    tables and figures out, for a second set from the same file.
    """

    file: str
    choices: Annotated[int, Field(ge=1)] = 5
    faulty: Literal["error", "set-aside"] = "error"
    ranks: tuple[str, ...] = ()
    mapping: str | None = None
    base: str | None = None
    report: bool = True


def _arguments(context: Context, name: str, params: BallotsParams) -> dict[str, Any]:
    """Return the arguments of :func:`calib.weigh_ballots` for a set."""
    survey = read_survey(
        context.path(params.file),
        context.framework,
        choices=params.choices,
        ranks=params.ranks,
        faulty=params.faulty,
        mapping=context.path(params.mapping) if params.mapping else None,
    )
    request = params.part(BallotsRequest)
    if request.levels is None:
        request = request.model_copy(update={"levels": "all"})
    return {
        "survey": survey,
        "base": context.set(params.base) if params.base else None,
        "name": name,
        "report": params.report,
        # One stream for every set from these ballots, so that their draws are paired.
        "rng": context.rng(f"survey {survey.digest}"),
        "request": request,
    }


def _build(context: Context, name: str, params: BallotsParams) -> BallotsResult:
    return weigh_ballots(**_arguments(context, name, params))


BALLOTS = Source(BallotsParams, _build, lambda p: [p.base] if p.base else [], _arguments)
