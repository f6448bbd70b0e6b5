"""Source ``adjusted``: reverse adjustment of another set on the experiment's population."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pydantic import Field

from calib.adjustment.adjust_request import AdjustRequest
from calib.experiment.context import Context
from calib.experiment.registry import Source
from calib.experiment.samples import ensemble_of
from calib.population import Ensemble
from calib.rating import Scored
from calib.report import Note
from calib.weights import Weighed
from calib.words import message

__all__ = ["ADJUSTED"]


class AdjustedParams(AdjustRequest):
    """``adjusted``: ``base`` with no indicator above ``cap``, in ``steps`` or at once.

    The keys are the options of :func:`calib.adjust`; as many draws carry the set's uncertainty.
    """

    base: str
    draws: int = Field(200, ge=0, le=10_000, description="bootstrap refits of the check")
    ensemble: str | None = Field(
        None, description='samples on which the adjustment is judged too ("trial")'
    )
    dominance: bool = Field(True, description="tables and figures of dominance before and after")


def _arguments(context: Context, name: str, params: AdjustedParams) -> dict[str, Any]:
    """Return the arguments of :func:`calib.adjust` for a set."""
    request = params.part(AdjustRequest)
    check = 0 if request.problem == "stars" else params.draws
    request = request.model_copy(update={"draws": check, "replicates": check})
    return {
        "weights": context.set(params.base),
        "population": _enterprises(context, params),
        "rule_options": context.rule_options,
        "request": request,
        "name": name,
        "rng": int(context.rng(f"{name} starts").integers(2**31)),
        "resamples": context.rng("adjusted refits"),
    }


def _adjusted(context: Context, name: str, params: AdjustedParams) -> Weighed:
    from calib.adjustment import adjust

    result = adjust(**_arguments(context, name, params))
    notes = [Note(message("adjustment.of_set", name=name, text=n.text), n.warning)
             for n in result.notes]  # fmt: skip
    return replace(result, notes=notes)


def _enterprises(context: Context, params: AdjustedParams) -> Scored | Ensemble:
    return context.scored if params.ensemble is None else ensemble_of(context, params.ensemble)


ADJUSTED = Source(AdjustedParams, _adjusted, lambda p: [p.base], _arguments)
