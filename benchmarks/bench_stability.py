"""Exact stability of stars, against one linear program an enterprise.

``scipy.optimize.linprog`` is timed on a sample and extrapolated. Both solve the same problem: the
least weight to move (total variation, all 28 leaf weights) so that the star rises, total and
gates included; the answers are compared too. Run: ``python benchmarks/bench_stability.py``.
"""

from __future__ import annotations

import platform
import time
from datetime import UTC, datetime

import numpy as np
from scipy.optimize import linprog

from calib.framework import load_framework
from calib.outcomes.smallest_shift import smallest_shift
from calib.rating.one_weight import one_weight_intervals
from calib.rating.regions import conditions_up, standing_of

FRAMEWORK = load_framework("aii")
TRACK = FRAMEWORK.tracks["discrete"]
LOCAL = FRAMEWORK.published["discrete"]
RULE = FRAMEWORK.rule.thresholds()
COUNT, SAMPLE = 100_000, 200


def answers(count: int) -> np.ndarray:
    rng = np.random.default_rng(3)
    level = rng.normal(0, 0.8, (count, 1)) + rng.normal(0, 0.9, (count, len(TRACK.leaves)))
    return np.clip(np.rint(level + 2), 0, 4) * 25.0


def by_linprog(X: np.ndarray) -> tuple[np.ndarray, float]:
    now = standing_of(TRACK, X, LOCAL, RULE, TRACK.leaves)
    ((possible, parts),) = conditions_up(now)
    u = len(now.g)
    out = np.full(len(X), np.inf)
    c = np.stack([now.coefficients(p, np.arange(len(X))) for p in parts], axis=1)
    cost = np.r_[np.ones(u), np.zeros(u)]
    balance, bounds = (
        np.r_[-np.ones(u), np.ones(u)][None],
        [(0, w) for w in now.g] + [(0, None)] * u,
    )
    start = time.perf_counter()
    for i in np.flatnonzero(possible):
        found = linprog(cost, A_ub=np.hstack([c[i], -c[i]]), b_ub=c[i] @ now.g, A_eq=balance,
                        b_eq=[0], bounds=bounds)  # fmt: skip
        out[i] = found.fun if found.status == 0 else np.inf
    return out, (time.perf_counter() - start) / int(possible.sum())


def timed(**how: object) -> float:
    best = np.inf
    for _ in range(3):
        start = time.perf_counter()
        smallest_shift(TRACK, X, LOCAL, RULE, **how)  # type: ignore[arg-type]
        best = min(best, time.perf_counter() - start)
    return best


if __name__ == "__main__":
    X = answers(COUNT)
    print(f"{platform.machine()}, 2 cores, numpy {np.__version__}, {datetime.now(UTC):%Y-%m-%d}")
    reference, each = by_linprog(X[:SAMPLE])
    mine = smallest_shift(TRACK, X[:SAMPLE], LOCAL, RULE, direction="up").distance
    some = np.isfinite(mine)
    print(f"linprog: {1e3 * each:.2f} ms each, {each * COUNT:.0f} s for {COUNT:,} (extrapolated); "
          f"largest difference {np.abs(mine[some] - reference[some]).max():.1e}")  # fmt: skip
    for direction in ("up", "down"):
        for depth, name in ((None, "leaf"), (2, "capability"), (1, "pillar")):
            for engine in ("numpy", "numba"):
                took = timed(direction=direction, depth=depth, engine=engine)
                print(f"{direction:>5} {name:<11} {engine:<6} {took:6.3f} s for {COUNT:,}: "
                      f"{each * COUNT / took:6.0f} times faster than one linprog each")  # fmt: skip
    X = X[:20_000]
    for direction in ("up", "down"):
        took = timed(direction=direction, norm="l2")
        print(f"{direction:>5} leaf        least squares   {took:6.3f} s for {len(X):,}")
    start = time.perf_counter()
    one_weight_intervals(TRACK, X, LOCAL, RULE)
    took = time.perf_counter() - start
    print(f"one-weight intervals of all {len(TRACK.nodes)} weights: {took:.2f} s for {len(X):,}")
