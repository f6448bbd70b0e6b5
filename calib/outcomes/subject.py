"""What an analysis is about: weight sets and enterprises, checked and scored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from calib.errors import InputError
from calib.files.names import names_apart
from calib.framework import RuleOptions
from calib.population import Population
from calib.rating import Scored, score_answers
from calib.requests import expect
from calib.weights import WeightSet
from calib.words import message

__all__ = ["check_framework", "named_sets", "scored_enterprises"]


def scored_enterprises(
    population: Population | Scored, rule_options: RuleOptions | Mapping[str, str] | None = None
) -> Scored:
    """Return the scores of enterprises; what is scored already must be under the same rule options.

    Raises
    ------
    InputError
        When scores were made under other rule options.
    """
    rule = population.framework.rule
    if isinstance(population, Scored):
        if rule_options is not None and rule.read(rule_options) != population.rule_options:
            raise InputError(message("outcomes.other_rule_options"))
        return population
    return score_answers(population, rule.read(rule_options))


def named_sets(
    call: str, weights: WeightSet | Mapping[str, WeightSet] | Sequence[WeightSet]
) -> dict[str, WeightSet]:
    """Return one or several weight sets by name; sets of one name are numbered.

    Raises
    ------
    InputError
        When something else than a weight set is among them, or nothing is.
    """
    if isinstance(weights, Mapping):
        named = dict(weights)
    elif isinstance(weights, Iterable) and not isinstance(weights, WeightSet):
        every = list(weights)
        names = names_apart([getattr(w, "name", "") for w in every])
        named = dict(zip(names, every, strict=True))
    else:
        named = {getattr(weights, "name", ""): weights}
    for value in named.values():
        expect(call, weights=(value, WeightSet))
    if not named:
        raise InputError(message("outcomes.no_sets", call=call))
    return named


def check_framework(weights: Iterable[WeightSet], scored: Scored) -> None:
    """Raise :class:`InputError` where a set belongs to another framework than the enterprises."""
    for w in weights:
        if w.framework.digest != scored.framework.digest:
            raise InputError(
                message(
                    "outcomes.other_framework", set=w.name, own=_version(w), other=_version(scored)
                )
            )


def _version(thing: WeightSet | Scored) -> str:
    return f"{thing.framework.code} {thing.framework.version}"
