"""Error rates of main effects: bias of S and coverage of its bootstrap interval.

python benchmarks/sim_main_effect.py [--simulations 300] [--draws 200] [--sizes 22 51] [--seed 1]
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import numpy as np

from calib.outcomes.dominance.main_effect import main_effect

SIZES = (22, 51, 200, 2000)


def samples(
    n: int, rng: np.random.Generator
) -> Iterator[tuple[str, np.ndarray, np.ndarray, float]]:
    """Draw scores and totals of known main effect: name, x (n,), T (n,), S."""
    z = rng.normal(size=n)
    x = rng.uniform(0, 100, n)
    u = (x - 50) / np.sqrt(1e4 / 12)
    normal = rng.normal(size=n)
    five = rng.integers(0, 5, n) * 25.0
    eleven = rng.binomial(10, 0.5, n) * 10.0

    def mixed(part: np.ndarray, share: float) -> np.ndarray:
        return np.sqrt(share) * part + np.sqrt(1 - share) * z

    yield "T on itself, uniform", x, x, 1.0
    yield "T on itself, normal", normal, normal, 1.0
    yield "nothing (noise)", x, z, 0.0
    yield "straight line", x, mixed(u, 0.3), 0.3
    yield "straight line", x, mixed(u, 0.8), 0.8
    yield "straight line, normal x", normal, mixed(normal, 0.5), 0.5
    yield "parabola", x, mixed((u**2 - 1) / np.sqrt(0.8), 0.5), 0.5
    yield "one period of a sine", x, mixed(np.sqrt(2) * np.sin(2 * np.pi * x / 100), 0.6), 0.6
    yield "five levels, nothing", five, z, 0.0
    yield "five levels, line", five, mixed((five - 50) / np.sqrt(1250), 0.4), 0.4
    yield "eleven levels, line", eleven, mixed((eleven - 50) / np.sqrt(250), 0.5), 0.5


def main() -> None:
    """Print one row a function and sample size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--simulations", type=int, default=300)
    parser.add_argument("--draws", type=int, default=200, help="bootstrap draws of each interval")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="enterprises")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    print(f"{asked.simulations} simulations, {asked.draws} draws, seed {asked.seed}")
    print(
        "| T given x | S | n | bias of S | bias corrected | RMSE corrected | coverage 95% | width |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for n in asked.sizes:
        rng = np.random.default_rng([asked.seed, n])
        found: dict[tuple[str, float], list[tuple[float, ...]]] = {}
        for _ in range(asked.simulations):
            for name, x, total, truth in samples(n, rng):
                m = main_effect(x[:, None], total, draws=asked.draws, rng=rng)
                low, high = m.low[0], m.high[0]
                # Cells of 1/256 of the range leave an interval of 0.9999 to 0.9999 for S = 1.
                hit = low - 1e-3 <= truth <= high + 1e-3
                row = (m.effect[0] - truth, m.adjusted[0] - truth, float(hit), high - low)
                found.setdefault((name, truth), []).append(row)
        for (name, truth), rows in found.items():
            v = np.array(rows)
            rmse = np.sqrt(np.mean(v[:, 1] ** 2))
            print(f"| {name} | {truth:g} | {n} | {v[:, 0].mean():+.3f} | {v[:, 1].mean():+.3f} "
                  f"| {rmse:.3f} | {v[:, 2].mean():.3f} | {v[:, 3].mean():.3f} |")  # fmt: skip


if __name__ == "__main__":
    main()
