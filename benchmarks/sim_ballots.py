"""Error of the equivalence verdict at the margin, and coverage of simultaneous intervals.

``python benchmarks/sim_ballots.py [simulations] [seed]`` prints the table of docs/methods.md. The
old verdict, from shrunken worths, is simulated beside the present one on the same surveys.
"""

from __future__ import annotations

import sys
import time

import numpy as np

from calib._types import FloatArray
from calib.ballots import (
    Ballots,
    effective_table,
    equivalence_of_shares,
    equivalence_of_worths,
    fit_shrunk,
    pick_shares,
    simulate_ballots,
    worth_intervals,
)
from calib.ballots.likelihood import worths
from calib.ballots.share_intervals import simultaneous_z

MARGIN = 1.25
EDGE = (
    (6, 6, 100),
    (6, 6, 1000),
    (8, 5, 100),
    (8, 5, 1000),
    (11, 11, 100),
    (28, 5, 300),
    (28, 5, 4000),
)
"""Items, ranks and ballots of the surveys with one item at the margin."""
COVERAGE = ((6, 6, 30), (6, 6, 120), (8, 5, 120), (28, 5, 120), (28, 1, 120), (28, 5, 600))
CVS = (0.0, 1.0, 2.0)


def at_the_margin(J: int) -> FloatArray:
    """Return log-worths of which one is ``MARGIN / J`` as a worth and the others alike."""
    theta = np.zeros(J)
    theta[0] = np.log(MARGIN * (J - 1) / (J - MARGIN))
    return theta


def share_at_the_margin(J: int, K: int) -> FloatArray:
    """Return log-worths at which the first item's pick share is ``MARGIN K / J``."""
    if K == J:
        return at_the_margin(J)
    low, high = 0.0, 3.0
    theta = np.zeros(J)
    for _ in range(50):
        theta[0] = (low + high) / 2
        # The others are alike: before rank s the first item competes with J - 1 - s of them.
        missed = np.prod([(J - 1 - s) / (np.exp(theta[0]) + J - 1 - s) for s in range(K)])
        low, high = (theta[0], high) if 1 - missed < MARGIN * K / J else (low, theta[0])
    return theta


def shrunken_interval(ballots: Ballots) -> tuple[FloatArray, FloatArray]:
    """Return simultaneous intervals of the shrunken worths, as the verdict once used them."""
    fit = fit_shrunk(effective_table(ballots).table)
    contrast = np.eye(ballots.J) - fit.worth
    half = simultaneous_z(ballots.J, 0.95) * np.sqrt(
        np.maximum(np.diag(contrast @ fit.covariance @ contrast.T), 0.0)
    )
    return fit.worth * np.exp(-half), fit.worth * np.exp(half)


def edge_row(J: int, K: int, n: int, runs: int, gen: np.random.Generator) -> str:
    """Simulate surveys with one item at the margin; return a row of the table."""
    by_worth = K / J > 0.5
    theta = at_the_margin(J) if by_worth else share_at_the_margin(J, K)
    said = {"now": 0, "shrunken": 0, "unequal": 0}
    for _ in range(runs):
        ballots = simulate_ballots(theta, n, K, rng=gen)
        if by_worth:
            verdict = equivalence_of_worths(
                worth_intervals(ballots), ballots, margin=MARGIN, differences_shown=False
            )
        else:
            verdict = equivalence_of_shares(
                pick_shares(ballots), margin=MARGIN, differences_shown=False
            )
        said["now"] += verdict.verdict == "equal"
        said["unequal"] += verdict.verdict == "unequal"
        if by_worth:
            lower, upper = shrunken_interval(ballots)
            inside = (lower >= 1 / J / MARGIN).all() and (upper <= MARGIN / J).all()
            said["shrunken"] += bool(inside)
    measure = "worths" if by_worth else "pick shares"
    shrunken = f"{said['shrunken'] / runs:.1%}" if by_worth else "–"
    return (
        f"| {J} | {K} | {n} | {measure} | {said['now'] / runs:.1%} | {said['unequal'] / runs:.1%}"
        f" | {shrunken} |"
    )


def coverage_row(J: int, K: int, n: int, cv: float, runs: int, gen: np.random.Generator) -> str:
    """Simulate weighted surveys; return a row of the table: coverage of shares and of worths."""
    theta = 0.3 * gen.standard_normal(J)
    truth = worths(theta)
    many = simulate_ballots(theta, 100_000, K, rng=gen)
    share = np.bincount(many.picks.ravel(), minlength=J) / many.n
    spread = np.sqrt(np.log1p(cv**2))
    held = np.zeros((runs, 2))
    sizes = np.zeros(runs)
    for run in range(runs):
        drawn = simulate_ballots(theta, n, K, rng=gen)
        weight = gen.lognormal(0.0, spread, n) if cv else None
        ballots = Ballots(drawn.items, drawn.picks, weight)
        shares, found = pick_shares(ballots), worth_intervals(ballots)
        held[run, 0] = ((shares.lower <= share) & (share <= shares.upper)).all()
        held[run, 1] = ((found.lower <= truth) & (truth <= found.upper)).all()
        sizes[run] = shares.size
    of_shares = "–" if K == J else f"{held[:, 0].mean():.1%}"
    return (
        f"| {J} | {K} | {n} | {cv:g} | {np.median(sizes):.0f} | {of_shares}"
        f" | {held[:, 1].mean():.1%} |"
    )


def main(runs: int, seed: int) -> None:
    """Print both tables."""
    start = time.perf_counter()
    print(f"One item at the margin {MARGIN}, {runs} surveys a row\n")
    print("| items | ranks | ballots | verdict by | called equal | unequal | equal, shrunken |")
    print("|---|---|---|---|---|---|---|")
    for row in EDGE:
        print(edge_row(*row, runs, np.random.default_rng([seed, *row])), flush=True)
    print(f"\nCoverage of the 95% simultaneous intervals, {runs} surveys a row\n")
    print("| items | ranks | ballots | weight cv | effective | pick shares | worths |")
    print("|---|---|---|---|---|---|---|")
    for row in COVERAGE:
        for cv in CVS:  # every row has its own numbers, so that one can be run alone
            gen = np.random.default_rng([seed, *row, int(10 * cv)])
            print(coverage_row(*row, cv, runs, gen), flush=True)
    print(f"\n{time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    arguments = [int(a) for a in sys.argv[1:]]
    main(*(arguments + [200, 0][len(arguments) :]))
