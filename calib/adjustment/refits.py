"""An adjustment solved again on other enterprises and from other starting weights."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from calib._types import FloatArray, Seed
from calib.adjustment.adjust_request import ResolvedRequest
from calib.adjustment.adjusting import space_of, star_tasks
from calib.adjustment.many import solve_many
from calib.adjustment.solve import solve, spec_for
from calib.adjustment.star_fit import StarTask
from calib.adjustment.variables import Space
from calib.errors import ConvergenceError, InfeasibleError, InputError, NotFoundError
from calib.framework import Track
from calib.outcomes.dominance.main_effect import bootstrap_counts
from calib.outcomes.dominance.moments import (
    Moments,
    complete_scores,
    moments_of,
)
from calib.rating import Scored
from calib.rating.kernel import single_threaded_blas
from calib.weights import Local, Plan, Root, Uncertainty, WeightSet, derive, round_draws
from calib.weights.uncertainty import DECIDED
from calib.words import message

if TYPE_CHECKING:
    pass

__all__ = ["Refits"]


Refit = tuple[Mapping[str, FloatArray], bool]
"""Local weights by track, and whether they meet the request."""


class Refits:
    """An adjustment solved again under other enterprises and other starting weights.

    Replicate ``i`` of the enterprises is a bootstrap sample within each track; it depends on the
    seed and on ``i`` only. A refit is made once, when it is asked for.

    Parameters
    ----------
    weights : starting weights
    after : what the adjustment gave on all enterprises, by track
    scored : the enterprises
    spec : the request on the tree
    rng : seed or generator of the bootstrap samples; a generator is not advanced
    full : the answer on all enterprises before rounding, by track, where it is known
    """

    def __init__(
        self,
        weights: WeightSet,
        after: WeightSet,
        scored: Scored,
        spec: ResolvedRequest,
        rng: Seed,
        full: Mapping[str, FloatArray] | None = None,
    ) -> None:
        self._full = full
        self.weights, self.after, self.spec = weights, after, replace(spec, origin=None)
        self.scored = scored
        self._generator = deepcopy(np.random.default_rng(rng))
        state = repr(self._generator.bit_generator.state)
        self.stream = hashlib.sha256(state.encode()).hexdigest()[:16]
        self._counts: list[dict[str, FloatArray]] = []
        self._made: dict[tuple[bytes, int], Refit] = {}

    @cached_property
    def scores(self) -> dict[str, FloatArray]:
        """Scores (n, L) by track, gaps filled under the starting weights."""
        scores, _ = complete_scores(self.scored, self.weights)
        return {t: X for t, X in scores.items() if len(X)}

    @cached_property
    def space(self) -> Space:
        """The decision variables from the starting weights."""
        return space_of(self.weights, list(self.scores), self.spec.depths)

    @cached_property
    def full(self) -> Mapping[str, FloatArray]:
        """Local weights by track, adjusted on all enterprises and not rounded."""
        if self._full is not None:
            return self._full
        everyone = {t: np.ones(len(X)) for t, X in self.scores.items()}
        rng = deepcopy(self._generator).spawn(1)[0]
        return solve(self.space, self.spec, self.moments(everyone), rng=rng).local

    def counts(self, replicate: int) -> Mapping[str, FloatArray]:
        """Return how often each enterprise is in a replicate, (n,) by track; once each if -1."""
        if replicate == DECIDED:
            return {t: np.ones(len(X)) for t, X in self.scores.items()}
        while len(self._counts) <= replicate:
            sizes = {t: len(X) for t, X in self.scores.items()}
            self._counts.append(
                {t: bootstrap_counts(n, 1, self._generator)[0] for t, n in sizes.items()}
            )
        return self._counts[replicate]

    def moments(
        self, counts: Mapping[str, FloatArray], scores: Mapping[str, FloatArray] | None = None
    ) -> dict[str, Moments]:
        """Return moments of the scores by track, each enterprise counted as often as stated."""
        shares = self.spec.request.problem == "shares"
        table = self.scores if scores is None else scores
        return {t: moments_of(X, counts[t], centred=shares) for t, X in table.items()}

    def refit(self, start: Mapping[str, FloatArray], replicate: int) -> Refit:
        """Return adjusted local weights by track, and whether they meet the request.

        Parameters
        ----------
        start : starting local weights by track
        replicate : of the enterprises; -1 for those observed

        Notes
        -----
        The search starts from the answer on all enterprises, the linear optimum and equal shares.
        Where it finds no answer, the weights are those adjusted on all enterprises. Gaps are
        filled under the starting weights, and the grid is left out: rounding under caps is an
        integer programme of its own.
        """
        return self.refit_all([start], [replicate])[0]

    @single_threaded_blas()
    def refit_all(
        self, starts: Sequence[Mapping[str, FloatArray]], replicates: Sequence[int]
    ) -> list[Refit]:
        """Return the refits of many draws: in one batch, and one by one where that fails.

        Parameters
        ----------
        starts : starting local weights of each draw, by track
        replicates : of the enterprises; -1 for those observed
        """
        keys = [self._key(s, r) for s, r in zip(starts, replicates, strict=True)]
        todo = {
            k: self._data(s, r)
            for k, s, r in zip(keys, starts, replicates, strict=True)
            if k not in self._made
        }
        decided = self._key(self.weights.local, DECIDED)
        if todo.pop(decided, None) is not None:
            self._made[decided] = {t: self.after.local[t] for t in self.scores}, True
        batch = solve_many(
            [space for space, _, _ in todo.values()], self.spec,
            [moments for _, moments, _ in todo.values()], self.full,
        )  # fmt: skip
        for (key, data), found in zip(todo.items(), batch, strict=True):
            if found.unreached:
                self._made[key] = dict(self.full), False
            else:
                self._made[key] = self._complete(found.local, *data)
        return [self._made[k] for k in keys]

    def _key(self, start: Mapping[str, FloatArray], replicate: int) -> tuple[bytes, int]:
        return b"".join(np.asarray(start[t]).tobytes() for t in self.weights.local), int(replicate)

    def _data(
        self, start: Mapping[str, FloatArray], replicate: int
    ) -> tuple[Space, dict[str, Moments], Mapping[str, FloatArray]]:
        """Return the variables, the moments and the scores of a draw."""
        counts = self.counts(replicate)
        if all(np.array_equal(start[t], v) for t, v in self.weights.local.items()):
            return self.space, self.moments(counts), self.scores
        weights = replace(self.weights, local=start, uncertainty=None)
        filled, _ = complete_scores(self.scored, weights)
        scores = {t: filled[t] for t in self.scores}
        space = space_of(weights, list(scores), self.spec.depths)
        return space, self.moments(counts, scores), scores

    def _complete(
        self,
        local: dict[str, FloatArray],
        space: Space,
        moments: Mapping[str, Moments],
        scores: Mapping[str, FloatArray],
    ) -> Refit:
        """Solve by itself what the batch left out of a draw, as the adjustment was solved."""
        missing = [k for k, b in enumerate(space.blocks) if b.track.code not in local]
        if not missing:
            return local, True
        try:
            if len(missing) == len(space.blocks):
                tasks = star_tasks(space, self.spec, scores, self.scored)
                return self._search(space, self.spec, moments, tasks), True
            every = [b.track for b in space.blocks]
            for k in missing:
                own = spec_for(self.spec, [every[k]], every)
                local |= self._search(space.parts[k], own, moments)
        except (InfeasibleError, NotFoundError, ConvergenceError, InputError):
            return dict(self.full), False
        return local, True

    def _search(
        self,
        space: Space,
        spec: ResolvedRequest,
        moments: Mapping[str, Moments],
        tasks: Sequence[StarTask] = (),
    ) -> dict[str, FloatArray]:
        warm = np.concatenate(
            [b.track.global_weights(self.full[b.track.code])[b.nodes] for b in space.blocks]
        )
        return solve(space, spec.quick(), moments, tasks=tasks, extra_starts=[warm], rng=0).local

    @property
    def failed(self) -> int:
        """How many of the refits made so far found no answer."""
        return sum(not met for _, met in self._made.values())

    def uncertainty(self) -> Uncertainty | None:
        """Return how the adjusted weights vary with enterprises and starting weights."""
        size = self.spec.request.replicates
        own = None
        if size and self.spec.request.problem != "stars":
            label = message("adjustment.enterprises", label=self.scored.label)
            n = len(self.scored)
            own = Root(self.scored.digest, "population", label, self.stream, n)

        def procedure(sets: Sequence[Local], plan: Plan) -> Local:
            (start,) = sets
            k = len(next(iter(start.values())))
            which = plan[own.key] if own is not None else np.full(k, DECIDED)
            starts = [{t: v[i] for t, v in start.items()} for i in range(k)]
            made = self.refit_all(starts, [int(i) for i in which])
            return self._whole(start, [local for local, _ in made])

        return derive([self.weights], procedure, own=own, size=size)

    def _whole(self, start: Local, rows: Sequence[Mapping[str, FloatArray]]) -> Local:
        """Return (k, m) by track; tracks without enterprises follow in the shared weights."""
        fw = self.weights.framework
        out = {t: np.array(v) for t, v in start.items()}
        known = next(iter(self.scores))
        for t, track in fw.tracks.items():
            if t in self.scores:
                out[t] = np.array([row[t] for row in rows])
                continue
            for code in fw.shared:
                if code in track.index and code in fw.tracks[known].index:
                    column = fw.tracks[known].index[code]
                    out[t][:, track.index[code]] = [row[known][column] for row in rows]
        return out


def followed(
    found: Uncertainty | None, start: WeightSet, final: WeightSet, share: float, grid: float | None
) -> Uncertainty | None:
    """Return draws that follow the damped rounds and the rounding of the adjusted set as well.

    Parameters
    ----------
    found : draws of the adjustment itself
    start, final : the set before, and the adjusted set
    share : of the way from ``start`` to the nearest weights that the rounds took together
    grid : that ``final`` was rounded to; None if it was not

    Notes
    -----
    Rounds go along a straight line of global weights; towards one nearest point they take
    ``1 - prod(1 - step)`` of the way together. The draws are rounded by largest remainders: the
    exact search for the nearest grid weights under the caps is not repeated in each.
    """
    if found is None or (share == 1 and grid is None):
        return found
    first, trees = start.uncertainty, start.framework.tracks

    def make(plan: Plan) -> Local:
        made, k = found.make(plan), len(next(iter(plan.values())))
        if first is None:
            begun: Local = {t: np.broadcast_to(v, (k, len(v))) for t, v in start.local.items()}
        else:
            begun = first.make({key: plan[key] for key in first.roots})
        if share < 1:
            made = {t: _part_way(trees[t], begun[t], v, share) for t, v in made.items()}
        if grid is not None:
            made = dict(round_draws(final, made, grid))
        observed = np.all([numbers == DECIDED for numbers in plan.values()], axis=0)
        for t, v in made.items():
            v[observed] = final.local[t]
        return made

    return replace(found, make=make)


def _part_way(tree: Track, start: FloatArray, end: FloatArray, share: float) -> FloatArray:
    """Return local weights on the straight line of global weights."""
    leaf = (1 - share) * tree.leaf_weights(start) + share * tree.leaf_weights(end)
    return tree.local_weights(leaf, end)
