"""How sure it is that an enterprise moves: stars under paired draws of two weight sets."""

from __future__ import annotations

import numpy as np

from calib._types import FloatArray, IntArray
from calib.rating import Rating
from calib.weights import Local, WeightSet, derive, under

__all__ = ["decided_draws", "move_probability", "paired_draws"]

MOST_STARS = 5_000_000
"""Stars that are looked up for one pair of sets; of more enterprises, fewer draws are used."""


def paired_draws(a: WeightSet, b: WeightSet, size: int | None = None) -> tuple[Local, Local] | None:
    """Return draws (k, m) by track of two sets under the same replicates of what they share.

    None where both are decided. A set without draws stays as it is in every row.

    Raises
    ------
    InputError
        When both rest on the same data but were drawn with different seeds.
    """
    both = derive([a, b], lambda sets, plan: sets[0])
    if both is None:
        return None
    plan = both.plan(size=size)
    k = len(next(iter(plan.values())))
    return under(a, plan, k), under(b, plan, k)


def decided_draws(sets: tuple[WeightSet, WeightSet], size: int) -> tuple[Local, Local]:
    """Return two decided sets as draws (k, m) by track: the same row each time."""
    a, b = ({t: np.repeat(v[None], size, axis=0) for t, v in w.local.items()} for w in sets)
    return a, b


def move_probability(rating: Rating, baseline: Rating, track: str, rows: IntArray) -> FloatArray:
    """Return the share of paired draws in which enterprises move the way they move now.

    Parameters
    ----------
    rating, baseline : ratings of the same enterprises under two sets
    rows : (q,) enterprises of the track whose star differs between the two

    Returns
    -------
    (q,) probabilities; NaN where neither set has draws and no answer was drawn
    """
    out = np.full(len(rows), np.nan)
    if not len(rows):
        return out
    drawn = paired_draws(baseline.weights, rating.weights, max(1, MOST_STARS // len(rows)))
    before, after = (r.scored.samples[track].take(rows) for r in (baseline, rating))
    if drawn is None and (before.imputed or after.imputed):
        drawn = decided_draws((baseline.weights, rating.weights), rating.scored.imputations)
    if drawn is None:
        return out
    now = np.sign(rating.samples[track].star[rows] - baseline.samples[track].star[rows])
    rule = rating.framework.rule
    first = before.stars_by_draw(drawn[0][track], rule.effective(baseline.rule_options, track))
    second = after.stars_by_draw(drawn[1][track], rule.effective(rating.rule_options, track))
    return np.asarray((np.sign(second - first) == now).mean(axis=0), dtype=float)
