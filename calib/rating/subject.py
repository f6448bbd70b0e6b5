"""What is rated and analysed: enterprises, scored, and weight sets of their framework."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Literal

import numpy as np

from calib.errors import InputError
from calib.framework import RuleOptions
from calib.population import Population
from calib.rating.scored import Scored, Unanswered
from calib.rating.scoring import score_answers
from calib.report import Note
from calib.weights import WeightSet
from calib.words import Text, message

__all__ = [
    "INCOMPLETE",
    "Incomplete",
    "check_framework",
    "complete_only",
    "scored_enterprises",
]

Incomplete = Literal["leave-out", "error"]
INCOMPLETE = "enterprises with unanswered items: left out of this analysis, or an error"


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


def complete_only(
    scored: Scored, incomplete: Incomplete, what: Text
) -> tuple[Scored, tuple[Note, ...]]:
    """Return the enterprises whose every item has a score, where the others may be left out.

    Bands that come from the enterprises stay those of all of them.

    Parameters
    ----------
    what : the analysis, for the error

    Returns
    -------
    The enterprises, and a warning of how many were left out.

    Raises
    ------
    Unanswered
        When none is complete; under ``error`` when one is not.
    """
    lacking = {t: np.asarray(np.isnan(s.X).any(axis=1)) for t, s in scored.samples.items()}
    out = sum(int(rows.sum()) for rows in lacking.values())
    if not out:
        return scored, ()
    if incomplete == "error":
        for sample in scored.samples.values():
            sample.require_complete(what)
    if out == len(scored):
        raise Unanswered(message("outcomes.none_complete", n=out))
    kept = {t: s.take(~lacking[t]) for t, s in scored.samples.items()}
    samples = {t: s for t, s in kept.items() if len(s)}
    note = message("outcomes.left_out_incomplete", n=out, of=len(scored))
    return replace(scored, samples=samples), (Note(note, warning=True),)


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
