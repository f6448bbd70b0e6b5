"""The random index: what the consistency index of matrices made at random is on average.

``random_index.json`` beside this file is written by ``tools/make_random_index.py``.
"""

from __future__ import annotations

import json
from functools import lru_cache
from importlib import resources

import numpy as np

from calib._types import FloatArray, Seed
from calib.experts.pairwise import eigenvector_weights, matrix_from_pairs
from calib.words import Text, message

__all__ = [
    "RANDOM_INDICES",
    "SEED",
    "random_index",
    "random_index_label",
    "random_index_name",
    "random_index_source",
    "random_matrices",
    "simulate_random_index",
]

RANDOM_INDICES = ("simulated", "saaty")
SEED = 20170101
"""Of the shipped table, and of what is simulated on demand."""

# Saaty, Theory and Applications of the Analytic Network Process (2005), p. 31.
_SAATY = {3: 0.52, 4: 0.89, 5: 1.11, 6: 1.25, 7: 1.35, 8: 1.40, 9: 1.45, 10: 1.49}
_SCALE = np.concatenate([1.0 / np.arange(9, 1, -1), np.arange(1, 10)])
"""Saaty's 17 values 1/9, 1/8, …, 1, …, 9."""


@lru_cache(maxsize=1)
def _shipped_table() -> dict[int, float]:
    text = resources.files("calib.experts").joinpath("random_index.json").read_text("utf-8")
    return {int(row["n"]): float(row["ri"]) for row in json.loads(text)["rows"]}


@lru_cache(maxsize=256)
def _simulated(n: int) -> float:
    table = _shipped_table()
    if n in table:
        return table[n]
    return simulate_random_index(n, 2_000, rng=np.random.default_rng([SEED, n]))[0]


def random_index(n: int, missing: int = 0, *, index: str | float = "simulated") -> float:
    """Look up or simulate the mean consistency index of random matrices.

    Parameters
    ----------
    n
        Number of items.
    missing
        Number of pairs that were not compared.
    index
        ``"simulated"`` (default): calib's table for 3 to 40, 45, 50 and 60 items, simulated on
        demand with a fixed seed for other n. ``"saaty"``: the rounded table for 3 to 10 items that
        most software prints. A number: that number, for any n.

    Returns
    -------
    float
        0 for n < 3, where every matrix is consistent.

    Notes
    -----
    With missing pairs the index is multiplied by 1 − 2·missing/((n − 1)(n − 2)), which reaches 0
    when the comparisons form a tree (Ágoston and Csató 2022, Omega 108, 102576).

    Examples
    --------
    >>> random_index(7, index=1.35), random_index(2)
    (1.35, 0.0)
    """
    if n < 3:
        return 0.0
    if isinstance(index, str):
        if index == "saaty":
            if n not in _SAATY:
                msg = f"the 'saaty' random index covers 3 to 10 items, not {n}; use 'simulated'"
                raise ValueError(msg)
            base = _SAATY[n]
        elif index == "simulated":
            base = _simulated(n)
        else:
            msg = f"unknown random index {index!r}; known: {', '.join(RANDOM_INDICES)}, or a number"
            raise ValueError(msg)
    else:
        base = float(index)
    return base * max(0.0, 1.0 - 2.0 * missing / ((n - 1) * (n - 2)))


def random_index_label(index: str | float) -> str:
    """Say which random index a consistency ratio used."""
    return index if isinstance(index, str) else f"{index:g}"


def random_index_name(label: str) -> Text | str:
    """Return what readers call a random index: a stated one by its number."""
    return message(f"experts.index_label.{label}") if label in RANDOM_INDICES else label


def random_index_source(label: str) -> Text:
    """Say where the numbers of a random index come from.

    Parameters
    ----------
    label : from :func:`random_index_label`
    """
    return message(f"experts.index_source.{label if label in RANDOM_INDICES else 'stated'}")


def random_matrices(n: int, count: int, *, rng: Seed = None) -> FloatArray:
    """Draw (count, n, n) reciprocal matrices with entries from Saaty's scale."""
    generator = np.random.default_rng(rng)
    pairs = generator.choice(_SCALE, size=(count, n * (n - 1) // 2))
    return matrix_from_pairs(pairs, n)


def simulate_random_index(n: int, count: int, *, rng: Seed = None) -> tuple[float, float]:
    """Estimate the random index of n items and its standard error.

    It is the mean of (λ − n)/(n − 1) over reciprocal matrices whose upper triangle is drawn
    uniformly from Saaty's scale.

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
        values.append((eigenvector_weights(matrices).eigenvalue - n) / (n - 1))
    index = np.concatenate(values)
    return float(index.mean()), float(index.std(ddof=1) / np.sqrt(count))
