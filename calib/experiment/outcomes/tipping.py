"""The outcome ``tipping``: exactly when stars change along the shifts of an experiment."""

from __future__ import annotations

from pydantic import Field

from calib.errors import InputError
from calib.experiment.context import Context
from calib.experiment.registry import Outcome
from calib.experiment.samples import EnsembleParams, ensemble_of, together
from calib.outcomes.tipping import Shift, TippingResult, tipping
from calib.rating import OverSamples
from calib.rating.subject import INCOMPLETE, Incomplete
from calib.words import message

__all__ = ["TIPPING"]


class TippingParams(EnsembleParams):
    """``tipping``: the shifts looked at; all of them if ``sets`` is not stated."""

    sets: tuple[str, ...] | None = None
    incomplete: Incomplete = Field("leave-out", description=INCOMPLETE)


def _build(context: Context, params: TippingParams) -> TippingResult | OverSamples[TippingResult]:
    shifts = {n: r for n, r in context.results.items() if isinstance(r, Shift)}
    names = tuple(shifts) if params.sets is None else params.sets
    if not names:
        raise InputError(message("experiment.no_shift", file=context.file))
    unknown = [n for n in names if n not in shifts]
    if unknown:
        raise InputError(message("experiment.not_a_shift", file=context.file, set=repr(unknown[0])))
    enterprises = context.scored if params.ensemble is None else ensemble_of(
        context, params.ensemble)  # fmt: skip
    found = {
        n: tipping(shifts[n], enterprises, rule_options=context.rule_options, name=n,
                   incomplete=params.incomplete)
        for n in names
    }  # fmt: skip
    return together(found, lambda paths: TippingResult.together([*paths.values()]))


TIPPING = Outcome(TippingParams, _build, lambda p: p.sets or ())
