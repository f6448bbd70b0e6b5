"""Coverage of 90 % intervals from the draws of shrunken worths, with known true worths.

python benchmarks/sim_ballots_draws.py [surveys] [seed]

True log-worths are normal with the stated spread, which is what shrinkage assumes; coverage is the
mean over indicators and surveys. Draws are those that weight sets from ballots carry.
"""

from __future__ import annotations

import sys

import numpy as np

from calib.ballots import simulate_ballots
from calib.ballots.likelihood import worths
from calib.ballots.resampling import worth_draws

CASES = (
    (28, 5, 22, 0.45), (28, 5, 100, 0.45), (28, 5, 300, 0.45), (28, 5, 300, 0.2),
    (28, 5, 1000, 0.45), (11, 5, 100, 0.45), (11, 5, 300, 0.0),
)  # fmt: skip
"""Indicators, ranks, ballots, and the spread of true log-worths."""
LEVEL, DRAWS = 0.9, 1000


def held(items: int, ranks: int, ballots: int, spread: float, rng: np.random.Generator) -> float:
    """Return the share of one survey's intervals that hold the true worth."""
    theta = spread * rng.standard_normal(items)
    survey = simulate_ballots(theta, ballots, ranks, rng=rng)
    drawn = worth_draws(survey, DRAWS, rng=int(rng.integers(2**31)))
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    true = worths(theta)
    return float(((low <= true + 1e-12) & (true - 1e-12 <= high)).mean())


def main(surveys: int, seed: int) -> None:
    """Print one row a case, with the simulation error between surveys."""
    print(f"{surveys} surveys a row, {DRAWS} draws, seed {seed}\n")
    print(
        "| indicators | ballots | spread of log-worths | 90 % intervals cover |\n|---|---|---|---|"
    )
    for number, case in enumerate(CASES):
        rng = np.random.default_rng([seed, number])
        found = np.array([held(*case, rng) for _ in range(surveys)])
        error = 100 * found.std(ddof=1) / np.sqrt(surveys)
        print(f"| {case[0]} | {case[2]} | {case[3]:g} | {found.mean():.1%} ± {error:.1f} |",
              flush=True)  # fmt: skip


if __name__ == "__main__":
    arguments = [int(a) for a in sys.argv[1:]]
    main(*(arguments + [200, 1][len(arguments) :]))
