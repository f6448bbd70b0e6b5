"""Speed of batched expert weighting, beside plain alternatives on the same data in one run.

``python benchmarks/bench_experts.py`` needs calib only. Where the package AHPy is installed (it is
no dependency of calib), a loop of it over the same matrices is timed too.
"""

from __future__ import annotations

import datetime
import importlib.util
import itertools
import platform
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import coo_matrix

from calib.experts.bestworst import solve_best_worst
from calib.experts.elicit import elicit
from calib.experts.random_index import random_matrices

K, N = 1000, 11
LOOPED = 20  # matrices given to the slow loop


def best_of(work: Callable[[], Any], times: int = 7) -> float:
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def plain_power_iteration(matrices: np.ndarray) -> np.ndarray:
    """Iterate the whole batch until no eigenvalue's Collatz-Wielandt interval exceeds 1e-12."""
    x = np.ones(matrices.shape[:2])
    while True:
        y = np.matmul(matrices, x[:, :, None])[:, :, 0]
        ratio = y / x
        x = y / y.sum(axis=1, keepdims=True)
        if (ratio.max(axis=1) - ratio.min(axis=1) <= 2e-12 * ratio.max(axis=1)).all():
            return x


def near_consistent(rng: np.random.Generator) -> np.ndarray:
    """Draw matrices as experts give them: consistent ones with lognormal noise."""
    w = rng.dirichlet(np.full(N, 3.0), size=K)
    a = np.ones((K, N, N))
    for i, j in itertools.combinations(range(N), 2):
        a[:, i, j] = w[:, i] / w[:, j] * np.exp(rng.normal(0, 0.3, K))
        a[:, j, i] = 1 / a[:, i, j]
    return a


def ahpy_loop(matrices: np.ndarray) -> None:
    import ahpy

    for a in matrices:
        pairs = {(i, j): a[i, j] for i, j in itertools.combinations(range(N), 2)}
        ahpy.Compare("m", pairs, precision=6, random_index="dd")


def respondents(rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    a, o = rng.integers(1, 10, (2, K, N)).astype(float)
    best = rng.integers(0, N, K)
    worst = (best + rng.integers(1, N, K)) % N
    rows = np.arange(K)
    top = np.maximum(a.max(axis=1), 2)
    a[rows, worst] = o[rows, best] = top
    a[rows, best] = o[rows, worst] = 1
    return a, o, best, worst


def block_diagonal(a: np.ndarray, o: np.ndarray, best: np.ndarray, worst: np.ndarray) -> Any:
    """Set up all respondents as one linear program."""
    k, n = a.shape
    e, j = np.meshgrid(np.arange(k), np.arange(n), indexing="ij")
    own, xi = e * (n + 1) + j, e * (n + 1) + n
    from_best, from_worst = e * (n + 1) + best[:, None], e * (n + 1) + worst[:, None]
    ones = np.ones_like(a)
    blocks = []
    for sign in (1.0, -1.0):
        blocks += [
            (own, sign * a, from_best, -sign * ones),
            (own, sign * ones, from_worst, -sign * o),
        ]
    rows, cols, data = [], [], []
    for number, (p, cp, q, cq) in enumerate(blocks):
        row = number * k * n + e * n + j
        rows += [row, row, row]
        cols += [p, q, xi]
        data += [cp, cq, -ones]
    flat = [np.concatenate([part.ravel() for part in parts]) for parts in (data, rows, cols)]
    upper = coo_matrix((flat[0], (flat[1], flat[2])), shape=(4 * k * n, k * (n + 1))).tocsr()
    equal = coo_matrix((np.ones(k * n), (e.ravel(), own.ravel())), shape=(k, k * (n + 1))).tocsr()
    cost = np.zeros(k * (n + 1))
    cost[n :: n + 1] = 1.0
    return cost, upper, equal


def main() -> None:
    rng = np.random.default_rng(2026)
    print(
        f"{datetime.date.today()}, {platform.machine()}, Python {platform.python_version()},"
        f" numpy {np.__version__}; {K} respondents, {N} items, best of 7"
    )
    for label, a in (
        ("expert-like matrices", near_consistent(rng)),
        ("random matrices", random_matrices(N, K, rng=rng)),
    ):
        plain = best_of(lambda a=a: plain_power_iteration(a))
        ours = best_of(lambda a=a: elicit("ahp", a))
        print(
            f"AHP, {label}: plain power iteration {plain * 1e3:.1f} ms;"
            f" calib, checked, with CR and GCI {ours * 1e3:.1f} ms; ratio {ours / plain:.2f}"
        )
        if importlib.util.find_spec("ahpy") is not None:
            loop = best_of(lambda a=a: ahpy_loop(a[:LOOPED]), 1) * K / LOOPED
            print(
                f"  AHPy loop (from {LOOPED} matrices) {loop:.2f} s; {loop / ours:.0f} times calib"
            )
    judged = respondents(rng)
    cost, upper, equal = block_diagonal(*judged)
    zeros, ones = np.zeros(upper.shape[0]), np.ones(K)
    lp = best_of(lambda: linprog(cost, upper, zeros, equal, ones, method="highs"), 2)
    solved = linprog(cost, upper, zeros, equal, ones, method="highs")
    ours = best_of(lambda: solve_best_worst(*judged))
    found = solve_best_worst(*judged)
    off = np.abs(solved.x.reshape(K, N + 1)[:, N] - found.xi).max()
    print(
        f"Best-Worst: one block-diagonal HiGHS solve {lp:.3f} s; calib's closed form with dual"
        f" certificates {ours * 1e3:.1f} ms; ratio {ours / lp:.4f}; largest difference of ξ"
        f" {off:.1e}, largest duality gap {np.abs(found.gap).max():.1e}"
    )


if __name__ == "__main__":
    main()
