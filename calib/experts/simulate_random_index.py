"""Simulate the random index of pairwise comparisons and write the table that calib ships.

Run ``python -m calib.experts.simulate_random_index`` to make ``random_index.json`` again. The
random index of n items is the mean consistency index (λ − n)/(n − 1) of reciprocal matrices
whose upper triangle is drawn uniformly from Saaty's 17 values 1/9, 1/8, …, 1, …, 9.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from calib._types import FloatArray, Seed
from calib.experts.pairwise import matrix_from_pairs, principal_eigenvalue

__all__ = ["SAATY_SCALE", "random_matrices", "simulate_random_index"]

SAATY_SCALE = np.concatenate([1.0 / np.arange(9, 1, -1), np.arange(1, 10)])
SEED = 20170101
NUMBERS = (*range(3, 41), 45, 50, 60)


def random_matrices(n: int, count: int, *, rng: Seed = None) -> FloatArray:
    """Draw (count, n, n) reciprocal matrices with entries from Saaty's scale."""
    generator = np.random.default_rng(rng)
    pairs = generator.choice(SAATY_SCALE, size=(count, n * (n - 1) // 2))
    return matrix_from_pairs(pairs, n)


def simulate_random_index(n: int, count: int, *, rng: Seed = None) -> tuple[float, float]:
    """Estimate the random index of n items and its standard error.

    Parameters
    ----------
    n
        Number of items, at least 3.
    count
        Number of random matrices.
    rng
        Generator or seed.
    """
    generator = np.random.default_rng(rng)
    block = max(1, min(count, 4_000_000 // (n * n)))
    values = []
    for start in range(0, count, block):
        matrices = random_matrices(n, min(block, count - start), rng=generator)
        values.append((principal_eigenvalue(matrices) - n) / (n - 1))
    index = np.concatenate(values)
    return float(index.mean()), float(index.std(ddof=1) / np.sqrt(count))


def main() -> None:
    """Write the table beside this module."""
    rows = []
    for n in NUMBERS:
        count = 400_000 if n <= 9 else 100_000 if n <= 16 else 20_000
        mean, error = simulate_random_index(n, count, rng=np.random.default_rng([SEED, n]))
        rows.append({"n": n, "ri": round(mean, 5), "se": round(error, 6), "matrices": count})
    table = {
        "what": "mean consistency index of random reciprocal matrices on Saaty's 1/9..9 scale",
        "made_by": "python -m calib.experts.simulate_random_index",
        "seed": SEED,
        "rows": rows,
    }
    path = Path(__file__).with_name("random_index.json")
    path.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
