"""Size of the tests of equal importance: how often they reject when all items are equal.

Run ``python benchmarks/bench_ballots_size.py [repetitions]``. Ballots of 5 picks from 28 items, and
ballots of 1 to 5 picks, are drawn under equality; a test of nominal level 5% should reject
in 5% of them. The recorded results stand in ``benchmarks/README.md``.
"""

import sys
from datetime import date

import numpy as np

from calib.ballots import equality_tests, simulate_ballots

LEVELS = (0.01, 0.05, 0.10)


def rejections(n: int, short: bool, repetitions: int) -> dict[str, np.ndarray]:
    """Return the p-values of every test over repeated surveys of equally important items."""
    gen = np.random.default_rng(n)
    p: dict[str, list[float]] = {}
    for seed in range(repetitions):
        lengths = gen.integers(1, 6, size=n) if short else None
        ballots = simulate_ballots(np.zeros(28), n, 5, lengths=lengths, rng=seed)
        simulate = n < 50
        tests = equality_tests(ballots, monte_carlo=simulate, replicates=999, rng=10**6 + seed)
        for test in tests.all:
            p.setdefault(f"{test.name}, chi-square", []).append(test.p_chi2)
            if test.p_monte_carlo is not None:
                p.setdefault(f"{test.name}, Monte Carlo", []).append(test.p_monte_carlo)
    return {name: np.array(values) for name, values in p.items()}


def main(repetitions: int) -> None:
    """Print the share of rejections at each nominal level."""
    error = 100 * np.sqrt(0.05 * 0.95 / repetitions)
    print(f"{date.today()}: {repetitions} surveys each; simulation error at 5%: {error:.1f} points")
    print(f"{'n':>4}  {'picks':6} {'test':32} " + " ".join(f"{100 * a:>5.0f}%" for a in LEVELS))
    for n in (30, 100, 500):
        for short in (False, True):
            for name, p in rejections(n, short, repetitions).items():
                shares = " ".join(f"{100 * np.mean(p <= a):>5.1f}%" for a in LEVELS)
                print(f"{n:>4}  {'1-5' if short else '5':6} {name:32} {shares}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
