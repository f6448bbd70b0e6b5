"""Power of the tests of equal importance in a trial of the paper's size.

python benchmarks/sim_equality_power.py [simulations] [seed]

Twelve enterprises of the discrete track rank the top five of 28 indicators, ten of the process
track those of 23, and 22 together; true log-worths are normal with a spread of 0 to 0.9.
The tests compare with simulated ballots, as calib does below 50 ballots.
"""

from __future__ import annotations

import sys

import numpy as np

from calib.ballots import simulate_ballots, tabulate
from calib.ballots.equality import pick_test, score_test

TRIALS = ((28, 12), (23, 10), (28, 22), (23, 22))
SPREADS = (0.0, 0.3, 0.45, 0.6, 0.9)
RANKS, LEVEL, NULL = 5, 0.05, 4000


def statistics(items: int, ballots: int, spread: float, runs: int,
               rng: np.random.Generator) -> np.ndarray:  # fmt: skip
    """Return Q and the score statistic of simulated trials, (runs, 2)."""
    out = np.empty((runs, 2))
    for run in range(runs):
        theta = spread * rng.standard_normal(items)
        table = tabulate(simulate_ballots(theta, ballots, RANKS, rng=rng))
        picks = pick_test(table)
        assert picks is not None
        out[run] = picks.statistic, score_test(table).statistic
    return out


def main(runs: int, seed: int) -> None:
    """Print the power of both tests."""
    print(f"{runs} trials a row, tests at {LEVEL:.0%}\n")
    print("| indicators | ballots | spread of log-worths | Q of picks | score |")
    print("|---|---|---|---|---|")
    for items, ballots in TRIALS:
        rng = np.random.default_rng([seed, items, ballots])
        limit = np.quantile(statistics(items, ballots, 0.0, NULL, rng), 1 - LEVEL, axis=0)
        for spread in SPREADS:
            found = statistics(items, ballots, spread, runs, rng)
            q, score = (found > limit + 1e-9).mean(axis=0)
            print(f"| {items} | {ballots} | {spread:g} | {q:.2f} | {score:.2f} |", flush=True)


if __name__ == "__main__":
    arguments = [int(a) for a in sys.argv[1:]]
    main(*(arguments + [2000, 1][len(arguments) :]))
