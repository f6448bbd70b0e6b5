"""Reverse adjustment in one call: solved, checked on other enterprises and samples, and judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from calib._types import Seed
from calib.adjustment.adjust_request import AdjustRequest
from calib.adjustment.adjust_result import AdjustResult, describe
from calib.adjustment.adjusting import Adjusted, adjust_once
from calib.adjustment.ensemble_check import over_ensemble
from calib.adjustment.out_of_sample import out_of_sample
from calib.adjustment.refits import Refits, followed
from calib.adjustment.relaxation import with_relaxation
from calib.adjustment.rounds import Rounds, run_rounds
from calib.errors import NotFoundError
from calib.framework import RuleOptions
from calib.outcomes.dominance.moments import scored_for
from calib.population import Ensemble, Population
from calib.rating import Scored
from calib.requests import expect, takes
from calib.weights import WeightSet

__all__ = ["adjust", "adjust_rounds"]


@takes(AdjustRequest)
def adjust(
    weights: WeightSet,
    population: Population | Scored | Ensemble,
    *,
    request: AdjustRequest,
    rule_options: RuleOptions | Mapping[str, str] | None = None,
    name: str | None = None,
    rng: Seed = 0,
    resamples: Seed = None,
) -> AdjustResult:
    """Find the nearest weights under which no indicator dominates.

    Parameters
    ----------
    weights : starting weights
    population : the trial sample. Of an ensemble, the example (or the first sample) is adjusted on,
        and the others tell what changes from sample to sample
    {options}
    rule_options : open rule options of the rating rule
    name : name of the new weight set
    rng : seed or generator of the random starts
    resamples : seed of the bootstrap samples of the enterprises; ``rng`` if None. The draws of
        sets that were adjusted on the same enterprises with the same seed are paired

    Returns
    -------
    AdjustResult

    Raises
    ------
    InputError
        A request that makes no sense, every fault listed.
    InfeasibleError
        It is proven that no weights meet the constraints; says which of them conflict.
    NotFoundError
        No weights under the caps, or on the grid, were found, without such a proof; says what
        was closest and by how much it misses.

    Notes
    -----
    Weights keep half of their start at least, and siblings their order, unless asked otherwise
    (``relative_floor``, ``keep_order``). Where caps cannot be met so, the lowest that can be are
    met instead, and the result prices what would meet those asked (table "relaxations"). Whether
    the weights can be recommended is judged by the rules of ``verdict`` (table "verdict").

    In rounds, each goes a share of the straight line of global weights from the current weights to
    the nearest ones under the caps, until the caps hold; the ledger of the rounds replays them.
    """
    expect("adjust(weights, population)", weights=(weights, WeightSet),
           population=(population, (Population, Scored, Ensemble)))  # fmt: skip
    samples: list[Scored] = []
    if isinstance(population, Ensemble):
        samples = [scored_for(p, weights, rule_options) for p in population]
        population = population.example or population[0]
    scored = scored_for(population, weights, rule_options)
    spec = request.resolve(weights.framework)
    seed = _seed(rng)
    made: Rounds | None = None
    last: Adjusted | None
    if request.steps:
        made = run_rounds(weights, scored, spec, seed)
        last = made.rounds[-1].adjusted if made.rounds else None
        final, relaxed = made.final.renamed(name) if name else made.final, made.relaxed
    else:
        once, relaxed = with_relaxation(
            weights, scored, spec,
            lambda one: adjust_once(weights, scored, one, grid=request.grid, name=name, rng=seed),
        )  # fmt: skip
        last, final = once, once.weights
    spec = spec if relaxed is None else relaxed.spec
    refits = Refits(weights, final, scored, spec, seed if resamples is None else resamples,
                    None if made or last is None else last.unrounded)  # fmt: skip
    share = 1 - float(np.prod([1 - s for s in request.steps])) if request.steps else 1.0
    drawn = followed(refits.uncertainty(), weights, final, share, request.grid)
    final = final.with_uncertainty(drawn)
    try:
        check = out_of_sample(refits, spec.draws) if spec.draws else None
    except NotFoundError:
        if request.draws:
            raise
        check = None  # a check that nobody asked for by number
    over = over_ensemble(weights, final, refits, samples) if samples else None
    return describe(
        weights, final, scored, spec, seed,
        last=last, made=made, check=check, refits=refits, ensemble=over, relaxed=relaxed,
    )  # fmt: skip


def adjust_rounds(
    weights: WeightSet,
    population: Population | Scored,
    *,
    steps: Sequence[float] = (0.5, 0.75, 1.0),
    **options: Any,
) -> AdjustResult:
    """Adjust in damped rounds; :func:`adjust` with ``steps``, whose options it takes."""
    return adjust(weights, population, steps=steps, **options)


def _seed(rng: Seed) -> int:
    """Return the integer that everything random in one adjustment is drawn from."""
    if isinstance(rng, int | np.integer):
        return int(rng)
    return int(np.random.default_rng(rng).integers(2**31))
