"""The numbers that a decision between two weight sets rests on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from calib._types import FloatArray, IntArray
from calib.outcomes.certainty import decided_draws, paired_draws
from calib.outcomes.dominance.moments import concentration
from calib.rating import Rating, Scored, rate
from calib.weights import Evidence, Local, WeightSet, blend

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Facts", "ends_of_changes"]

TOLERANCE = 1e-9
"""Weights closer than this are the same."""
MOST_STARS = 20_000_000
"""Stars that are looked up over all draws and samples; of more enterprises, fewer draws."""


@dataclass(frozen=True, eq=False)
class Facts:
    """Stars under two sets, for the sample that is shown and for every one that could have been.

    Attributes
    ----------
    current, proposed : the sets
    scored : the sample that is shown
    samples : the samples of an ensemble, empty without one
    evidence : what the methods on the way have to say
    confidence : level of all intervals
    size : at most so many draws
    """

    current: WeightSet
    proposed: WeightSet
    scored: Scored
    samples: Sequence[Scored]
    evidence: Evidence
    confidence: float
    size: int

    @cached_property
    def ratings(self) -> tuple[Rating, Rating]:
        """The rating under the current and the proposed set."""
        return rate(self.current, self.scored), rate(self.proposed, self.scored)

    @property
    def enterprises(self) -> int:
        """How many enterprises there are in a sample."""
        return len(self.scored)

    @cached_property
    def draws(self) -> tuple[Local, Local] | None:
        """Paired draws (k, m) by track of both sets; None where both are decided.

        Decided sets are repeated for each draw of unanswered items, where these are drawn.
        """
        rows = self.enterprises * max(1, len(self.samples))
        found = paired_draws(self.current, self.proposed, min(self.size, MOST_STARS // rows or 1))
        if found is None and self.scored.imputations:
            return decided_draws((self.current, self.proposed), self.scored.imputations)
        return found

    @property
    def estimated(self) -> bool:
        """Whether the proposed set has draws."""
        return self.proposed.uncertainty is not None

    @cached_property
    def same(self) -> bool:
        """Whether the proposed weights are the current ones."""
        pairs = ((w, self.proposed.local[t]) for t, w in self.current.local.items())
        return all(np.allclose(old, new, rtol=0, atol=TOLERANCE) for old, new in pairs)

    @cached_property
    def before(self) -> dict[str, IntArray]:
        """Current stars (n,) by track, from 0."""
        return {t: s.star for t, s in self.ratings[0].samples.items()}

    @cached_property
    def after(self) -> dict[str, IntArray]:
        """Proposed stars (n,) by track, from 0."""
        return {t: s.star for t, s in self.ratings[1].samples.items()}

    @property
    def moved(self) -> int:
        """How many enterprises change star."""
        return sum(int((self.after[t] != star).sum()) for t, star in self.before.items())

    @cached_property
    def drawn(self) -> dict[str, tuple[IntArray, IntArray]] | None:
        """Stars (k, n) by track under paired draws of both sets."""
        return None if self.draws is None else self._stars(self.scored, *self.draws)

    def _stars(
        self, scored: Scored, before: Local, after: Local
    ) -> dict[str, tuple[IntArray, IntArray]]:
        whole, options = scored.framework.rule, scored.rule_options
        rules = {t: whole.effective(options, t) for t in scored.samples}
        return {
            t: (
                s.stars_by_draw(before[t], rules[t]),
                s.stars_by_draw(after[t], rules[t]),
            )
            for t, s in scored.samples.items()
        }

    @cached_property
    def moved_drawn(self) -> IntArray | None:
        """How many enterprises change star in each draw, (k,)."""
        return None if self.drawn is None else _changes(self.drawn)

    @cached_property
    def moved_samples(self) -> IntArray:
        """How many enterprises change star in each sample of the ensemble, as decided."""
        points = [{t: v[None] for t, v in w.local.items()} for w in (self.current, self.proposed)]
        return np.array([_changes(self._stars(s, *points))[0] for s in self.samples], dtype=int)

    @cached_property
    def probability(self) -> dict[str, FloatArray] | None:
        """P(star) (n, K) by track under the proposed set; None where it is decided."""
        if self.drawn is None or not (self.estimated or self.scored.imputations):
            return None
        stars = self.scored.framework.rule.stars
        return {
            t: np.stack([(after == k).mean(axis=0) for k in range(stars)], axis=1)
            for t, (_, after) in self.drawn.items()
        }

    @cached_property
    def sure(self) -> FloatArray | None:
        """Probability of the star that each enterprise would be given, over all tracks."""
        if self.probability is None:
            return None
        parts = [p[np.arange(len(p)), self.after[t]] for t, p in self.probability.items()]
        return np.concatenate(parts)

    @property
    def misrated(self) -> float | None:
        """Expected number of enterprises that another round would have given another star."""
        return None if self.sure is None else float((1 - self.sure).sum())

    def interval(self, values: FloatArray | IntArray, axis: int = 0) -> tuple[FloatArray, ...]:
        """Return the ends of the interval of the declared level over draws."""
        tail = (1 - self.confidence) / 2
        return tuple(np.quantile(values, [tail, 1 - tail], axis=axis))

    @cached_property
    def moved_interval(self) -> tuple[float, float] | None:
        """Ends of the interval of the number of star changes; None where both sets are decided."""
        if self.moved_drawn is None:
            return None
        low, high = (float(end) for end in self.interval(self.moved_drawn))
        least, most = ends_of_changes(self.moved, low, high)
        return max(0.0, least), min(float(self.enterprises), most)

    @cached_property
    def weights(self) -> pd.DataFrame:
        """One row a node: current and proposed local weight, interval, whether current is outside.

        First-level nodes that tracks share stand once, under track "all". A weight is outside
        where the interval of the paired difference leaves out 0; unknown (None) where the weight
        does not vary between draws, so that it was decided and not estimated. One of ten weights
        is outside a 90 % interval by chance: ``contradicted`` are those that remain outside when
        all are looked at together, the mean difference being larger than as many standard
        deviations as Bonferroni's bound asks for.
        """
        import pandas as pd

        framework, rows = self.proposed.framework, []
        levels = [code for code, _ in framework.levels]
        for t, tree in framework.tracks.items():
            low, high, outside, distance = self._intervals(t)
            for i, node in enumerate(tree.nodes):
                shared = node.code in framework.shared
                if shared and t != next(iter(framework.tracks)):
                    continue
                now, new = float(self.current.local[t][i]), float(self.proposed.local[t][i])
                level = levels[node.depth - 1] if node.depth <= len(levels) else str(node.depth)
                rows.append(("all" if shared else t, level, node.parent, node.code, now, new,
                             low[i], high[i], 100 * (new - now), outside[i],
                             distance[i]))  # fmt: skip
        columns = ["track", "level", "parent", "code", "baseline_local", "local_weight", "low",
                   "high", "local_pp", "outside", "distance"]  # fmt: skip
        table = pd.DataFrame(rows, columns=columns)
        estimated = int(table["outside"].notna().sum())
        bound = NormalDist().inv_cdf(1 - (1 - self.confidence) / (2 * max(1, estimated)))
        table["contradicted"] = [
            None if o is None else bool(o and d > bound)
            for o, d in zip(table["outside"], table.pop("distance"), strict=True)
        ]
        return table

    def _intervals(
        self, track: str
    ) -> tuple[FloatArray, FloatArray, list[bool | None], FloatArray]:
        """Return ends of intervals, whether current weights are outside, and how far, in SD."""
        m = len(self.proposed.local[track])
        nothing = np.full(m, np.nan)
        if self.draws is None or not self.estimated:
            return nothing, nothing, [None] * m, nothing
        before, after = self.draws[0][track], self.draws[1][track]
        low, high = self.interval(after)
        least, most = self.interval(after - before)
        varies = np.ptp(after, axis=0) > TOLERANCE
        outside = [
            bool(a > TOLERANCE or b < -TOLERANCE) if v else None
            for a, b, v in zip(least, most, varies, strict=True)
        ]
        spread = np.maximum((after - before).std(axis=0, ddof=1), TOLERANCE)
        distance = np.abs((after - before).mean(axis=0)) / spread
        return np.where(varies, low, np.nan), np.where(varies, high, np.nan), outside, distance

    @cached_property
    def may_move(self) -> dict[str, FloatArray] | None:
        """Share of draws (n,) by track in which each enterprise changes star, either way."""
        if self.drawn is None:
            return None
        return {t: (a != b).mean(axis=0) for t, (a, b) in self.drawn.items()}

    @cached_property
    def proposal(self) -> Shape:
        """How the proposed set differs from the current one."""
        return Shape.of(self.current, self.proposed.local)

    @cached_property
    def proposal_drawn(self) -> list[Shape]:
        """The same in every draw."""
        if self.draws is None:
            return []
        before, after = self.draws
        k = len(next(iter(after.values())))
        return [
            Shape.between(
                self.current, {t: v[i] for t, v in before.items()},
                {t: v[i] for t, v in after.items()},
            )
            for i in range(k)
        ]  # fmt: skip

    def part_way(self, share: float) -> Facts:
        """Return the facts of going only a share of the way from current to proposed, decided."""
        sets = {self.current.with_uncertainty(None): 1 - share,
                self.proposed.with_uncertainty(None): share}  # fmt: skip
        step = blend(sets, name=self.proposed.name)
        return Facts(self.current.with_uncertainty(None), step, self.scored, (), self.evidence,
                     self.confidence, self.size)  # fmt: skip


@dataclass(frozen=True)
class Shape:
    """What changed in the shape of a set.

    Attributes
    ----------
    reversed : pairs of siblings whose order is reversed, as (track, parent, first, second)
    kept : least ratio of a new weight to its current one, and the code it belongs to
    effective : least ratio of the effective number of nodes to the current one, over tracks and
        levels, with the level it belongs to
    """

    reversed: tuple[tuple[str, str, str, str], ...]
    kept: tuple[float, str]
    effective: tuple[float, str]

    @classmethod
    def of(cls, current: WeightSet, local: Local) -> Shape:
        """Return what local weights by track change of a set."""
        return cls.between(current, current.local, local)

    @classmethod
    def between(cls, named: WeightSet, before: Local, after: Local) -> Shape:
        """Return what changes from local weights by track to others; ``named`` has the names."""
        framework = named.framework
        pairs: list[tuple[str, str, str, str]] = []
        kept, effective = (np.inf, ""), (np.inf, "")
        for t, tree in framework.tracks.items():
            old, new = before[t], after[t]
            for family in tree.families:
                own = family.members
                if family.parent == "" and framework.shared and t != next(iter(framework.tracks)):
                    continue
                where = "all" if family.parent == "" and framework.shared else t
                gap, then = np.subtract.outer(old[own], old[own]), np.subtract.outer(
                    new[own], new[own])  # fmt: skip
                for i, j in np.argwhere((gap > TOLERANCE) & (then < -TOLERANCE)):
                    pairs.append((where, family.parent, tree.codes[own[i]], tree.codes[own[j]]))
            with np.errstate(divide="ignore", invalid="ignore"):
                ratio = np.where(old > TOLERANCE, new / old, np.inf)
            worst = int(ratio.argmin())
            kept = min(kept, (float(ratio[worst]), tree.codes[worst]))
            for depth in range(1, int(tree.depth.max()) + 1):
                nodes = tree.at_depth(depth)
                then_n = concentration(tree.global_weights(old)[nodes]).effective
                now_n = concentration(tree.global_weights(new)[nodes]).effective
                levels = framework.levels
                level = levels[depth - 1][0] if depth <= len(levels) else str(depth)
                effective = min(effective, (now_n / then_n, level))
        return cls(tuple(pairs), kept, effective)


def ends_of_changes(found: float, low: float, high: float) -> tuple[float, float]:
    """Return the ends of the interval of a number of star changes.

    Parameters
    ----------
    found : the number as decided
    low, high : quantiles of the draws

    Notes
    -----
    What varies adds changes of its own, so that the quantiles of the draws lie too high; the same
    interval reflected at what was found (the basic bootstrap) lies too low. The lower end is the
    lower one of both. The upper end is half the width above what was found, or where the reflected
    interval ends if that is higher: the excess of the draws is no part of it. Coverage is measured
    in benchmarks/sim_round.py.

    References
    ----------
    Davison, A. C. and Hinkley, D. V. (1997). Bootstrap Methods and their Application, 5.2-5.3.
    """
    return min(low, 2 * found - high), max(found + (high - low) / 2, 2 * found - low)


def _changes(stars: dict[str, tuple[IntArray, IntArray]]) -> IntArray:
    parts = [(before != after).sum(axis=1) for before, after in stars.values()]
    return np.asarray(np.sum(parts, axis=0), dtype=np.int64)
