"""Reverse adjustment against an independent solver: no answer only where there is none.

Run ``python benchmarks/check_adjustment.py`` (``--problems 40`` for a look). Each
random problem has two tracks that share their pillars, a synthetic sample of 12 to 60 enterprises,
levels that may move, and caps on variance shares, often together with caps on contributions. The
cap is placed around the lowest one that the independent solver can reach: just above it, where
answers are hard to find; half-way to the shares before; and below it.

The independent solver shares no code with the package beyond the tree itself: local weights are
softmaxes of free numbers, so that every point meets every equality, and gradients go leaf by leaf
through the tree (L-BFGS from many starts). It lowers the largest excess over the caps; and then the
distance from the start plus a growing penalty.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import logsumexp

from calib.adjustment.adjust_request import AdjustRequest, ResolvedRequest
from calib.adjustment.adjusting import space_of
from calib.adjustment.solve import Solution, solve
from calib.adjustment.variables import Space
from calib.errors import CalibError, InfeasibleError, NotFoundError
from calib.framework import Framework, Track, load_framework
from calib.outcomes.dominance.moments import moments_of
from calib.population import generate_population
from calib.rating import score_answers
from calib.weights import WeightSet

KINDS = (
    (("pillar",), "pillar"),
    (("pillar", "capability"), "capability"),
    (("pillar",), "pillar"),
    (("pillar", "capability"), "capability"),
    (("pillar",), "pillar"),
    (("pillar", "indicator"), "indicator"),
    (("pillar", "capability", "indicator"), "capability"),
    (("pillar", "capability", "indicator"), "indicator"),
)
PLACES = (-0.02, 0.01, 0.1, 0.5)
"""Where the cap stands between the lowest that can be reached (0) and the largest before (1)."""
SOLVED = 2e-6
"""Excess at which the independent solver counts as having met a cap."""
FARTHER = 2e-3
"""Relative distance beyond which an answer counts as farther than another."""


@dataclass(frozen=True)
class Problem:
    """One random problem."""

    framework: Framework
    start: WeightSet
    scores: dict[str, np.ndarray]
    levels: tuple[str, ...]
    on: str
    both: bool

    def spec(self, cap: float, starts: int = 8) -> ResolvedRequest:
        """Return the request under a cap."""
        measure = ["variance", "contribution"] if self.both else ["variance"]
        request = AdjustRequest.make(
            # The rival knows of no floor and no order.
            {
                "cap": cap,
                "measure": measure,
                "level": self.levels,
                "on": self.on,
                "starts": starts,
                "floor": 0,
                "keep_order": False,
            }
        )
        return request.resolve(self.framework)

    def space(self) -> Space:
        """Return the variables."""
        return space_of(self.start, list(self.scores), self.spec(1.0).depths)


def random_problem(seed: int, framework: Framework) -> Problem:
    """Draw starting weights, a sample, and what may move."""
    rng = np.random.default_rng(seed)
    local = {t: np.array(v) for t, v in framework.published.items()}
    pillars = rng.dirichlet(np.full(3, 12.0))
    for t, track in framework.tracks.items():
        for family in track.families:
            size = len(family.members)
            local[t][family.members] = (
                rng.dirichlet(np.full(size, 8.0)) if family.parent else pillars
            )
    start = WeightSet.build(framework, "random", local, source="test")
    population = generate_population(framework, int(rng.integers(12, 61)), rng=seed)
    scored = score_answers(population)
    levels, on = KINDS[seed % len(KINDS)]
    scores = {t: s.X for t, s in scored.samples.items() if len(s.X) > 3}
    return Problem(framework, start, scores, levels, on, bool(rng.integers(2)))


class _Tree:
    """A track's tree as matrices."""

    def __init__(self, track: Track) -> None:
        count = len(track.codes)
        self.nodes = track.membership(np.arange(count)).astype(float)
        parent = np.array([int(p) for p in track.parent])
        self.siblings = (parent[:, None] == parent[None, :]).astype(float)
        self.path = [np.flatnonzero(track.depth == d) for d in range(1, int(track.depth.max()) + 1)]
        self.steps = [self.nodes[level].T for level in self.path]

    def leaf(self, local: np.ndarray) -> np.ndarray:
        """Return global weights of the leaves: the product of local weights above each."""
        g = np.ones(self.nodes.shape[1])
        for level, step in zip(self.path, self.steps, strict=True):
            g = g * (step @ local[level])
        return g


class Independent:
    """Softmax search over the local weights of a problem."""

    def __init__(self, problem: Problem) -> None:
        self.tracks = [problem.framework.tracks[t] for t in problem.scores]
        self.means = [X.mean(axis=0) for X in problem.scores.values()]
        self.covs = [np.atleast_2d(np.cov(X.T, ddof=0)) for X in problem.scores.values()]
        self.start = [np.array(problem.start.local[t]) for t in problem.scores]
        spec = problem.spec(1.0)
        self.trees = [_Tree(t) for t in self.tracks]
        self.depths, self.on, self.both = spec.depths, spec.on, problem.both
        self.slots = self._slots()
        self.size = 1 + max(int(s.max()) for s in self.slots)
        self.under = [t.membership(t.at_depth(self.on)).astype(float) for t in self.tracks]
        deepest = max(self.depths)
        self.spread = [t.membership(t.at_depth(deepest)).astype(float) for t in self.tracks]
        self.home = [s @ t.leaf(w) for s, t, w in zip(
            self.spread, self.trees, self.start, strict=True)]  # fmt: skip
        self.free = [np.flatnonzero(s >= 0) for s in self.slots]

    def _slots(self) -> list[np.ndarray]:
        """Give every free local weight a number; a shared pillar has one in all tracks."""
        names: dict[str, int] = {}
        out = []
        for track in self.tracks:
            slot = np.full(len(track.codes), -1)
            for i, code in enumerate(track.codes):
                depth = int(track.depth[i])
                if depth in self.depths:
                    key = code if depth == 1 else f"{track.code}/{code}"
                    slot[i] = names.setdefault(key, len(names))
            out.append(slot)
        return out

    def locals(self, x: np.ndarray) -> list[np.ndarray]:
        """Return local weights by track."""
        out = []
        for tree, slot, start, free in zip(
            self.trees, self.slots, self.start, self.free, strict=True
        ):
            local = start.copy()
            local[free] = np.exp(np.clip(x[slot[free]], -50, 50))
            sums = tree.siblings @ local
            local[free] = (local / sums)[free]
            out.append(local)
        return out

    def origin(self) -> np.ndarray:
        """Return the numbers behind the starting weights."""
        x = np.zeros(self.size)
        for slot, start in zip(self.slots, self.start, strict=True):
            x[slot[slot >= 0]] = np.log(np.maximum(start[slot >= 0], 1e-9))
        return x

    def measures(self, g: np.ndarray, t: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the capped shares of one track and their derivatives in leaf weights."""
        under, s = self.under[t], self.covs[t] @ g
        v = float(g @ s)
        share = under @ (g * s) / v
        slope = (under * s + (under * g) @ self.covs[t] - 2.0 * share[:, None] * s) / v
        if not self.both:
            return share, slope
        mean = self.means[t]
        total = float(mean @ g)
        part = under @ (g * mean) / total
        more = (under * mean - part[:, None] * mean) / total
        return np.append(share, part), np.vstack([slope, more])

    def _back(self, local: list[np.ndarray], slopes: Sequence[np.ndarray]) -> np.ndarray:
        """Carry derivatives in leaf weights back to the free numbers."""
        out = np.zeros(self.size)
        for tree, slot, w, slope, free in zip(
            self.trees, self.slots, local, slopes, self.free, strict=True
        ):
            pull = slope * tree.leaf(w)
            under = tree.nodes @ pull
            rise = under - w * (tree.siblings @ under)
            np.add.at(out, slot[free], rise[free])
        return out

    def highest(self, x: np.ndarray, sharp: float) -> tuple[float, np.ndarray]:
        """Return a smooth maximum of all shares and its gradient."""
        local = self.locals(x)
        parts = [self.measures(t.leaf(w), k) for k, (t, w) in enumerate(
            zip(self.trees, local, strict=True))]  # fmt: skip
        values = np.concatenate([p[0] for p in parts])
        weight = np.exp(sharp * values - logsumexp(sharp * values))
        at, slopes = 0, []
        for share, slope in parts:
            slopes.append(weight[at : at + len(share)] @ slope)
            at += len(share)
        return float(logsumexp(sharp * values)) / sharp, self._back(local, slopes)

    def largest(self, local: Sequence[np.ndarray]) -> float:
        """Return the largest capped share."""
        return max(
            float(self.measures(t.leaf(w), k)[0].max())
            for k, (t, w) in enumerate(zip(self.trees, local, strict=True))
        )

    def lowest(self, rng: np.random.Generator, starts: int) -> tuple[float, np.ndarray]:
        """Return the lowest cap reached, and the numbers behind it."""
        best, where = np.inf, self.origin()
        for k in range(starts):
            x = self.origin() + (0.0 if k == 0 else rng.normal(size=self.size) * (0.3 + 0.1 * k))
            for sharp in (50.0, 1e3, 2e4):
                x = minimize(self.highest, x, args=(sharp,), jac=True, method="L-BFGS-B",
                             options={"maxiter": 200}).x  # fmt: skip
            here = self.largest(self.locals(x))
            if here < best:
                best, where = here, x
        return best, where

    def _penalised(self, x: np.ndarray, cap: float, penalty: float) -> tuple[float, np.ndarray]:
        local = self.locals(x)
        value, slopes = 0.0, []
        for k, (t, w) in enumerate(zip(self.trees, local, strict=True)):
            g = t.leaf(w)
            off = self.spread[k] @ g - self.home[k]
            share, slope = self.measures(g, k)
            over = np.maximum(share - cap, 0.0)
            value += 0.5 * float(off @ off) + 0.5 * penalty * float(over @ over)
            slopes.append(off @ self.spread[k] + penalty * over @ slope)
        return value, self._back(local, slopes)

    def nearest(
        self, cap: float, rng: np.random.Generator, starts: int, also: Sequence[np.ndarray]
    ) -> tuple[float, float]:
        """Return the distance of the nearest weights found, and their excess over the cap."""
        best = (np.inf, np.inf)
        seeds = [self.origin(), *also]
        seeds += [self.origin() + rng.normal(size=self.size) * s for s in np.linspace(
            0.1, 0.8, starts)]  # fmt: skip
        for x in seeds:
            for penalty in (1e2, 1e5, 1e8):
                x = minimize(self._penalised, x, args=(cap - 1e-7, penalty), jac=True,
                             method="L-BFGS-B", options={"maxiter": 250, "ftol": 1e-15,
                                                         "gtol": 1e-12}).x  # fmt: skip
            local = self.locals(x)
            excess = self.largest(local) - cap
            if excess <= SOLVED:
                best = min(best, (self.distance(local), excess))
        return best

    def distance(self, local: Sequence[np.ndarray]) -> float:
        """Return the distance from the start in the weights of the lowest level that moves."""
        off = [
            self.spread[k] @ t.leaf(w) - self.home[k]
            for k, (t, w) in enumerate(zip(self.trees, local, strict=True))
        ]
        return float(np.linalg.norm(np.concatenate(off)))


@dataclass(frozen=True)
class Outcome:
    """One problem under one cap: what each side said."""

    seed: int
    place: float
    verdict: str
    excess: float
    ours: float
    theirs: float
    seconds: float
    starts: int
    converged: int

    @property
    def false_negative(self) -> bool:
        """Whether no answer was given though one exists."""
        return self.verdict != "found" and np.isfinite(self.theirs)

    @property
    def farther(self) -> bool:
        """Whether a nearer answer exists than the one given."""
        return self.verdict == "found" and self.ours > self.theirs * (1 + FARTHER) + 1e-6


def compare(seed: int, framework: Framework, *, effort: int = 2) -> list[Outcome]:
    """Solve one random problem on both sides, under caps around the lowest that can be reached."""
    problem = random_problem(seed, framework)
    if len(problem.scores) < 2:
        return []
    rng = np.random.default_rng([seed, 1])
    other = Independent(problem)
    low, where = other.lowest(rng, effort)
    high = other.largest(other.start)
    if high - low < 1e-3:
        return []
    place = PLACES[(seed // len(KINDS)) % len(PLACES)]
    cap = low + place * (high - low)
    space, spec = problem.space(), problem.spec(cap)
    moments = {t: moments_of(X) for t, X in problem.scores.items()}
    began = time.perf_counter()
    verdict, ours, excess = "found", np.inf, np.nan
    solution: Solution | None = None
    try:
        solution = solve(space, spec, moments, rng=seed)
        local = list(solution.local.values())
        ours, excess = other.distance(local), other.largest(local) - cap
    except InfeasibleError:
        verdict = "infeasible"
    except NotFoundError:
        verdict = "not found"
    except CalibError as error:
        verdict = type(error).__name__
    seconds = time.perf_counter() - began
    theirs = other.nearest(cap, rng, effort, [where])[0]
    starts, converged = (solution.starts, solution.converged) if solution else (0, 0)
    return [Outcome(seed, place, verdict, excess, ours, theirs, seconds, starts, converged)]


def table(outcomes: Sequence[Outcome]) -> str:
    """Return the outcomes by place of the cap, as a table in Markdown."""
    lines = [
        "| cap, from the lowest reached (0) to the largest share before (1) | problems | answered "
        "| independent solver finds weights | no answer though weights exist "
        "| said “infeasible” though weights exist | farther than another optimum "
        "| largest excess of an answer | median time |",
        "|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for place in PLACES:
        part = [o for o in outcomes if o.place == place]
        if not part:
            continue
        found = [o for o in part if o.verdict == "found"]
        lines.append(
            f"| {place:g} | {len(part)} | {len(found)} "
            f"| {sum(np.isfinite(o.theirs) for o in part)} "
            f"| {sum(o.false_negative for o in part)} "
            f"| {sum(o.false_negative and o.verdict == 'infeasible' for o in part)} "
            f"| {sum(o.farther for o in found)} "
            f"| {max((o.excess for o in found), default=0.0):.0e} "
            f"| {1e3 * float(np.median([o.seconds for o in part])):.0f} ms |"
        )
    return "\n".join(lines)


def main() -> None:
    """Compare on random problems and print the table and every failure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--problems", type=int, default=500)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--stride", type=int, default=1, help="to share the work out")
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--effort", type=int, default=2, help="starts of the independent solver")
    args = parser.parse_args()
    framework = load_framework("aii")
    outcomes: list[Outcome] = []
    seed = args.first
    while len(outcomes) < args.problems:
        new = compare(seed, framework, effort=args.effort)
        outcomes += new
        seed += args.stride
        if args.verbose:
            print(*new, sep="\n", flush=True)
    print(table(outcomes))
    for o in outcomes:
        if o.false_negative or o.farther or o.verdict not in ("found", "not found"):
            print(o)


if __name__ == "__main__":
    main()
