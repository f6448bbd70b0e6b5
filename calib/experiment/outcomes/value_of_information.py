"""The outcome ``value-of-information``: what further experts, ballots and enterprises are worth."""

from __future__ import annotations

from calib.experiment.context import Context
from calib.experiment.registry import Outcome
from calib.outcomes.planning import ValueRequest, ValueResult, value_of_information

__all__ = ["VALUE"]


class ValueParams(ValueRequest):
    """``value-of-information``: of more data behind ``set``, for rating the enterprises."""

    set: str


def _build(context: Context, params: ValueParams) -> ValueResult:
    return value_of_information(
        context.set(params.set).renamed(params.set), context.scored_under(params.set),
        rng=int(context.rng("value-of-information").integers(2**31)),
        request=params.part(ValueRequest),
    )  # fmt: skip


VALUE = Outcome(ValueParams, _build, lambda p: [p.set])
