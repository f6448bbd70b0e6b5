"""Coverage of a panel's intervals, with and without resampling each expert's own answers.

python benchmarks/sim_panels.py [--panels 1000] [--draws 1000] [--seed 1]

Experts have weights of their own, spread around a common truth; each compares all pairs of five
items with errors of their own. The truth is what the pooled weights come to with very many
experts. Counted is how often 90 % intervals of the weights hold it, for three ways of drawing:
experts resampled; within, each expert's matrix drawn anew around its own fit with its own residual
variance, the experts kept; both at once; and experts resampled with draws widened by Student's t.
"""

from __future__ import annotations

import argparse

import numpy as np

from calib._types import FloatArray
from calib.experts import pool_weights
from calib.experts.panel_bootstrap import bootstrap_weights, resample_experts, widened

ITEMS, LEVEL = 5, 0.9
TRUTH = np.array([0.32, 0.26, 0.19, 0.14, 0.09])
SIZES = (5, 7, 10, 15, 30)
CASES = (
    ("arithmetic", 0.4, 0.4), ("geometric", 0.4, 0.4), ("geometric", 0.15, 0.6),
    ("median", 0.4, 0.4),
)  # fmt: skip
"""Pooling, SD of experts' log-weights, SD of one comparison's log."""


def answers(k: int, between: float, within: float, rng: np.random.Generator) -> FloatArray:
    """Return logs of comparisons (k, 5, 5) of k experts."""
    own = np.log(TRUTH) + between * rng.standard_normal((k, ITEMS))
    return own[:, :, None] - own[:, None, :] + noise((k,), within, rng)


def noise(shape: tuple[int, ...], sd: float | FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return antisymmetric errors (..., 5, 5) of logs of comparisons."""
    upper = (
        np.triu(rng.standard_normal((*shape, ITEMS, ITEMS)), 1) * np.asarray(sd)[..., None, None]
    )
    return upper - np.swapaxes(upper, -1, -2)


def solved(logs: FloatArray) -> FloatArray:
    """Return weights by row geometric means."""
    raw = np.exp(logs.mean(axis=-1))
    return raw / raw.sum(axis=-1, keepdims=True)


def own_sd(logs: FloatArray) -> FloatArray:
    """Return each expert's residual SD over pairs, (k,)."""
    fit = logs.mean(axis=-1)
    rest = np.triu(logs - fit[:, :, None] + fit[:, None, :], 1)
    freedom = (ITEMS - 1) * (ITEMS - 2) / 2
    return np.sqrt((rest**2).sum(axis=(1, 2)) / freedom)


def pooled(weights: FloatArray, shares: FloatArray, pooling: str) -> FloatArray:
    """Pool weights (b, k, 5) by a mean with shares (b, k) that sum to 1; NaN for other poolings."""
    if pooling not in ("arithmetic", "geometric"):
        return np.full((len(weights), ITEMS), np.nan)
    values = weights if pooling == "arithmetic" else np.log(weights)
    mean = np.einsum("bk,bkn->bn", shares, values)
    raw = mean if pooling == "arithmetic" else np.exp(mean)
    return np.asarray(raw / raw.sum(axis=-1, keepdims=True))


def one(k: int, case: tuple[str, float, float], limit: FloatArray, draws: int,
        rng: np.random.Generator) -> FloatArray:  # fmt: skip
    """Return, for each way of drawing, the share of the five intervals that hold the truth."""
    pooling, between, within = case
    logs = answers(k, between, within, rng)
    weights = solved(logs)
    counts = resample_experts(np.ones((k, 1), dtype=bool), draws, rng=rng)
    fit = np.log(weights)
    again = solved(fit[:, :, None] - fit[:, None, :] + noise((draws, k), own_sd(logs), rng))
    equal = np.full((draws, k), 1 / k)
    found = bootstrap_weights(weights, pool=pooling, counts=counts, confidence=LEVEL)
    wide = widened(found, None, k, confidence=LEVEL)
    kept, both = (pooled(again, shares, pooling) for shares in (equal, counts / (k - 1)))
    ends = [np.quantile(d, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
            for d in (found.draws, kept, both, wide.draws)]  # fmt: skip
    return np.array([
        np.nan if np.isnan(low).any() else ((low <= limit) & (limit <= high)).mean()
        for low, high in ends
    ])  # fmt: skip


def main() -> None:
    """Print one row a case and size of panel."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--panels", type=int, default=1000)
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    print(f"{asked.panels} panels a row, {asked.draws} draws, seed {asked.seed}")
    print("| pooling | SD between | SD of one comparison | experts | experts resampled "
          "| within only | both | widened |\n|---|---|---|---|---|---|---|---|")  # fmt: skip
    for number, case in enumerate(CASES):
        pooling, between, within = case
        rng = np.random.default_rng([asked.seed, number])
        many = solved(answers(400_000, between, within, rng))
        limit = pool_weights(many, pool=pooling)
        for k in SIZES:
            rng = np.random.default_rng([asked.seed, number, k])
            held = np.mean([one(k, case, limit, asked.draws, rng) for _ in range(asked.panels)], 0)
            cells = " | ".join("–" if np.isnan(h) else f"{h:.1%}" for h in held)
            print(f"| {pooling} | {between:g} | {within:g} | {k} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
