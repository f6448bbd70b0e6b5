"""Reverse adjustment: cost after one pass for moments, beside a plain SLSQP on the raw scores.

Run ``python benchmarks/bench_adjustment.py``. Problems A (contribution cap, nearest weights),
B (equal variance shares) and C (variance-share cap, several starts) for the 28 indicators of the
discrete track, on 22 and on 100,000 synthetic enterprises; then all eight dominance measures on
100,000. The plain rival is what one would write first: scipy's SLSQP with constraints that look at
all scores each time, numeric derivatives, one start from the published weights.

At last 200 draws of adjusted weights on the 22 enterprises of the trial, by the processor's time
(alone: ``--draws``).
"""

from __future__ import annotations

import argparse
import platform
import statistics
import time
from collections.abc import Callable
from datetime import date

import numpy as np
from scipy.optimize import minimize

from calib.adjustment import adjust
from calib.adjustment.adjust_request import AdjustRequest
from calib.adjustment.risk_budgeting import risk_budget
from calib.adjustment.solve import solve
from calib.adjustment.variables import build_space
from calib.framework import load_framework
from calib.outcomes.dominance import dominance, moments_of
from calib.population import generate_population, load_population
from calib.rating import score_answers
from calib.weights import published_weights

SIZES = (22, 100_000)


def median_time(call: Callable[[], object], repeats: int) -> float:
    """Return the median of some runs, in seconds."""
    taken = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def plain_slsqp(X: np.ndarray, start: np.ndarray, problem: str, cap: float) -> np.ndarray:
    """Solve on raw scores, as a first script would."""

    def shares(g: np.ndarray) -> np.ndarray:
        part = X * g
        if problem == "A":
            return part.mean(axis=0) / part.sum(axis=1).mean()
        total = part.sum(axis=1)
        centred = total - total.mean()
        return (part * centred[:, None]).mean(axis=0) / (centred**2).mean()

    q = len(start)
    if problem == "B":
        objective = lambda g: 1e3 * float(np.sum((shares(g) - 1 / q) ** 2))  # noqa: E731
        rules = []
    else:
        objective = lambda g: 0.5 * float(np.sum((g - start) ** 2))  # noqa: E731
        rules = [{"type": "ineq", "fun": lambda g: cap - shares(g)}]
    rules.append({"type": "eq", "fun": lambda g: g.sum() - 1})
    found = minimize(
        objective, start, method="SLSQP", bounds=[(0, 1)] * q, constraints=rules,
        options={"maxiter": 100, "ftol": 1e-10},
    )  # fmt: skip
    return np.asarray(found.x)


def main() -> None:
    """Print one table of times and ratios."""
    fw = load_framework("aii")
    track = fw.tracks["discrete"]
    local = np.array(fw.published["discrete"])
    space = build_space({"discrete": track}, {"discrete": local}, (1, 2, 3))
    print(
        f"{platform.machine()}, {platform.python_version()}, numpy {np.__version__}, {date.today()}"
    )
    print(f"{'n':>8} {'problem':8} {'one pass':>10} {'solve':>10} {'plain SLSQP':>12} {'ratio':>8}"
          f" {'KKT':>8} {'objective':>10} {'plain':>10} {'cap kept':>9}")  # fmt: skip
    for n in SIZES:
        population = generate_population(fw, 3 * n, rng=1)
        X = score_answers(population).samples["discrete"].X[:n]
        m = moments_of(X)
        passing = median_time(lambda X=X: moments_of(X), 5)
        share = space.start * (m.cov @ space.start)
        share_cap = max(0.8 * float(share.max() / share.sum()), 1.2 / 28)
        part = space.start * m.mean
        caps = {"A": 0.85 * float(part.max() / part.sum()), "C": share_cap}
        for problem in "ABC":
            cap = caps.get(problem, 0.0)
            if problem == "B":
                call = lambda m=m: risk_budget(m, np.ones(28))  # noqa: E731
            else:
                measure = "contribution" if problem == "A" else "variance"
                request = AdjustRequest(cap={measure: cap}, level="all", floor=0, keep_order=False)
                spec = request.resolve(fw)
                call = lambda m=m, spec=spec: solve(space, spec, {"discrete": m}, rng=0)  # noqa: E731
            own = median_time(call, 7)
            found = call()
            g = found.g if problem == "B" else track.leaf_weights(found.local["discrete"])
            residual = found.residual if problem == "B" else found.certificate.residual
            start = time.perf_counter()
            other = plain_slsqp(X, space.start, problem, cap)
            plain = time.perf_counter() - start
            worst = m.mean * other if problem == "A" else other * (m.cov @ other)
            kept = (worst / worst.sum()).max() <= (cap or 1 / 28) + 1e-6
            distance = [0.5 * float(np.sum((w - space.start) ** 2)) for w in (g, other)]
            print(f"{n:8d} {problem:8} {passing * 1e3:8.2f}ms {own * 1e3:8.2f}ms"
                  f" {plain * 1e3:10.1f}ms {plain / (own + passing):7.0f}x {residual:8.0e}"
                  f" {distance[0]:10.2e} {distance[1]:10.2e} {kept!s:>9}")  # fmt: skip
    measures(fw)


def measures(fw: object) -> None:
    """Print the time of all eight measures on 100,000 enterprises of both tracks."""
    weights = published_weights(fw)  # type: ignore[arg-type]
    scored = score_answers(generate_population(fw, 100_000, rng=2))  # type: ignore[arg-type]
    for level in ("indicator", "all"):
        taken = median_time(lambda level=level: dominance(weights, scored, level=level, rng=0), 3)
        print(
            f"eight measures, level {level}, 100,000 enterprises, tracks and pooled: {taken:.2f} s"
        )


def draws(fw: object) -> None:
    """Print what 200 draws of adjusted weights take, and how many have no answer."""
    weights = published_weights(fw)  # type: ignore[arg-type]
    trial = load_population("trial", fw)  # type: ignore[arg-type]
    free = {"floor": 0, "keep_order": False}
    asked = [
        ({"contribution": 0.085}, "all", {}),
        ({"variance": 0.15}, "all", {}),
        ({"variance": 0.10}, "all", {}),
        ({"variance": 0.08}, "all", {}),
        ({"variance": 0.10}, "all", free),
        ({"variance": 0.10}, "leaf", {}),
    ]
    for cap, level, more in asked:
        found = adjust(weights, trial, cap=cap, level=level, draws=0, **more)
        begin = time.process_time()
        assert found.weights.draws is not None
        taken = time.process_time() - begin
        name = "free" if more else "floor and order"
        print(f"200 draws, cap {cap}, level {level}, {name}: {taken:.2f} s,"
              f" {found.refits.failed} without weights under the caps")  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", action="store_true", help="draws of adjusted weights only")
    if parser.parse_args().draws:
        draws(load_framework("aii"))
    else:
        main()
        draws(load_framework("aii"))
