"""Complete scores for measures and adjustments, whatever the treatment of missing answers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from calib._types import FloatArray
from calib.errors import InputError
from calib.framework import RuleOptions
from calib.population import Population
from calib.rating import Scored, score_answers
from calib.rating.stars import effective_local, node_scores, scored_nodes
from calib.weights import WeightSet
from calib.words import Text, message

__all__ = ["complete_scores", "scored_for"]


def scored_for(
    population: Population | Scored,
    weights: WeightSet,
    rule_options: RuleOptions | Mapping[str, str] | None,
) -> Scored:
    """Score a population under rule options, and check that it fits the weights."""
    if isinstance(population, Scored):
        if (
            rule_options is not None
            and population.framework.rule.read(rule_options) != population.rule_options
        ):
            raise InputError(message("dominance.fault.rule_options"))
        scored = population
    else:
        scored = score_answers(population, population.framework.rule.read(rule_options))
    if scored.framework.digest != weights.framework.digest:
        raise InputError(message("dominance.fault.frameworks", weights=weights.name))
    if len(scored) == 0:
        raise InputError(message("dominance.fault.empty"))
    return scored


def complete_scores(
    scored: Scored, weights: WeightSet
) -> tuple[dict[str, FloatArray], tuple[Text, ...]]:
    """Return scores (n, L) by track without gaps, and notes on what was filled in.

    Notes
    -----
    Under ``missing = renormalise`` an unanswered item hands its weight to its answered siblings,
    which is the same as scoring it with their weighted mean. That mean is filled in, under
    the given weights, so that moments and stars agree with the rating at those weights.
    """
    out: dict[str, FloatArray] = {}
    notes: list[Text] = []
    for t, sample in scored.samples.items():
        X = sample.X
        gaps = np.isnan(X)
        if gaps.any():
            X = _filled(X, gaps, weights, t)
            notes.append(message("dominance.note.gaps", track=sample.track.name, n=int(gaps.sum()),
                                 weights=weights.name))  # fmt: skip
        out[t] = X
    return out, tuple(notes)


def _filled(X: FloatArray, gaps: FloatArray, weights: WeightSet, t: str) -> FloatArray:
    track, local = weights.framework.tracks[t], weights.local[t]
    out = np.array(X)
    patterns, group = np.unique(gaps, axis=0, return_inverse=True)
    for number, gap in enumerate(patterns):
        if not gap.any():
            continue
        rows = np.flatnonzero(group.ravel() == number)
        known = scored_nodes(track, local, ~gap)
        top = track.families[0].members
        if not (known[top] & (local[top] > 0)).any():
            raise InputError(message("dominance.fault.no_answer", track=t, n=len(rows)))
        own = effective_local(track, local, ~gap)
        scores = node_scores(track, np.nan_to_num(X[rows]), own)
        total = scores[:, top] @ own[top]
        for column in np.flatnonzero(gap):
            up = int(track.parent[track.leaves[column]])
            while up >= 0 and not known[up]:
                up = int(track.parent[up])
            out[rows, column] = total if up < 0 else scores[:, up]
    return out
