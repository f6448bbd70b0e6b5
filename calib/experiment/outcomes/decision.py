"""The outcome ``decision``: the page for the committee, with which a report begins."""

from __future__ import annotations

from calib.experiment.context import Context
from calib.experiment.registry import Outcome
from calib.experiment.samples import ensemble_of
from calib.outcomes.decision import DecisionRequest, DecisionResult, decide

__all__ = ["DECISION"]


class DecisionParams(DecisionRequest):
    """``[decision]``: whether to adopt the set ``proposed`` in place of ``current``.

    ``current`` is the baseline if not stated; ``ensemble`` names samples that agree as well with
    what is known of the population ("trial"), over which stars are counted too.
    """

    current: str | None = None
    proposed: str
    ensemble: str | None = None


def _build(context: Context, params: DecisionParams) -> DecisionResult:
    current = params.current or context.baseline
    on_the_way = [context.results[name] for name in context.behind(params.proposed)]
    found = decide(
        context.set(current), context.set(params.proposed), _population(context, params),
        evidence=on_the_way, rule_options=context.rule_options,
        rng=int(context.rng("decision").integers(2**31)), request=params.part(DecisionRequest),
    )  # fmt: skip
    return found if context.protocol is None else found.with_protocol(context.protocol)


def _population(context: Context, params: DecisionParams) -> object:
    if params.ensemble is None:
        return context.population
    return ensemble_of(context, params.ensemble)


def _needs(params: DecisionParams) -> list[str]:
    return [params.proposed, *([params.current] if params.current else [])]


DECISION = Outcome(DecisionParams, _build, _needs)
