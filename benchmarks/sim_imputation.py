"""How often intervals from imputed answers hold what would have been answered, by sample size.

Made-up enterprises of the discrete track lose 15% of their answers at random; nominal 90% intervals
of each enterprise's mean answer (Rubin's rules, t with M - 1 degrees of freedom) are compared
with the mean that it had. Five ways to draw are compared: predictive mean matching with the donors
that calib takes; with five; with the answering enterprises resampled for every draw (approximate
Bayesian bootstrap), regression and all; with both; and the posterior predictive normal with drawn
coefficients and variance, moved to the nearest answer that somebody gave.

    python benchmarks/sim_imputation.py [REPETITIONS]
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from scipy import stats

import calib
from calib._types import FloatArray
from calib.population import draw_answers, imputation

AII = calib.load_framework("aii")
SIZES = (12, 22, 60)
SHARE = 0.15
DRAWN = imputation._matched
DONORS = imputation.DONORS

Draw = Callable[[FloatArray, FloatArray, FloatArray, Sequence[np.random.Generator]], FloatArray]


def resampled(
    P: FloatArray, y: FloatArray, wanted: FloatArray, streams: Sequence[np.random.Generator]
) -> FloatArray:
    """Draw from as many resamples of those who answered."""
    out = []
    for k, rng in enumerate(streams):
        rows = rng.integers(len(y), size=len(y))
        out.append(DRAWN(P[k : k + 1, rows], y[rows], wanted[k : k + 1], [rng])[0])
    return np.stack(out)


def normal(
    P: FloatArray, y: FloatArray, wanted: FloatArray, streams: Sequence[np.random.Generator]
) -> FloatArray:
    """Draw from the posterior predictive distribution, and take the nearest given answer."""
    _, a, p = P.shape
    if a < p + 2:
        return DRAWN(P, y, wanted, streams)
    inverse = np.linalg.inv(P.swapaxes(1, 2) @ P + 1e-8 * np.eye(p))
    beta = np.einsum("mpq,maq,a->mp", inverse, P, y)
    left = ((y - np.einsum("map,mp->ma", P, beta)) ** 2).sum(axis=1)
    sigma = np.sqrt(left / [g.chisquare(a - p) for g in streams])
    root = np.linalg.cholesky((inverse + inverse.swapaxes(1, 2)) / 2)
    moved = np.einsum("mpq,mq->mp", root, np.stack([g.standard_normal(p) for g in streams]))
    mean = np.einsum("mqp,mp->mq", wanted, beta + sigma[:, None] * moved)
    noise = np.stack([g.standard_normal(wanted.shape[1]) for g in streams])
    given = np.unique(y)
    drawn = mean + sigma[:, None] * noise
    return np.asarray(given[np.abs(drawn[..., None] - given).argmin(axis=-1)])


WAYS: dict[str, tuple[Draw, tuple[int, int]]] = {
    "as calib": (DRAWN, DONORS),
    "five donors": (DRAWN, (5, 5)),
    "resampled": (resampled, DONORS),
    "resampled, five donors": (resampled, (5, 5)),
    "normal": (normal, DONORS),
}


def coverage(n: int, repetitions: int) -> tuple[float, float, float, int]:
    """Return coverage, mean error and mean width of the intervals, and how many there were."""
    hits: list[bool] = []
    errors: list[float] = []
    widths: list[float] = []
    for seed in range(repetitions):
        whole = calib.generate_population(AII, {"discrete": n}, rng=seed).samples["discrete"]
        gaps = np.random.default_rng(1000 + seed).random(whole.values.shape) < SHARE
        sample = replace(whole, values=np.where(gaps, np.nan, whole.values))
        drawn = draw_answers(sample, 0, 100, answers=True, seed=seed)
        if drawn is None:
            continue
        means = drawn.values.mean(axis=2)
        m = len(means)
        half = means.std(axis=0, ddof=1) * np.sqrt(1 + 1 / m) * stats.t.ppf(0.95, m - 1)
        error = means.mean(axis=0) - whole.values.mean(axis=1)[drawn.rows]
        hits += (np.abs(error) <= half).tolist()
        errors += error.tolist()
        widths += (2 * half).tolist()
    return float(np.mean(hits)), float(np.mean(errors)), float(np.mean(widths)), len(hits)


def main() -> None:
    """Print a table: a row a way and size."""
    repetitions = int(sys.argv[1]) if len(sys.argv) > 1 else 40
    for name, (draw, donors) in WAYS.items():
        imputation._matched, imputation.DONORS = draw, donors
        for n in SIZES:
            cover, error, width, count = coverage(n, max(4, repetitions * 12 // n))
            print(f"{name:24} n={n:3} coverage {cover:.3f} error {error:+.4f} width {width:.3f} "
                  f"of {count}", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
