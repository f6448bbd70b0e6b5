"""Error rates on simulated surveys: the test of equal worths at all ranks, and intervals of worths.

Run ``python benchmarks/sim_ballots_stage.py [SIMULATIONS]`` (100 by default, a few minutes). Top
five of 28 with log-worths N(0, 0.5^2) drawn anew for every survey, all ranks alike, so that the
stage test should reject at its level; and 95% intervals of maximum-likelihood worths under
respondent weights of several scales and spreads, which should cover the true worths.
"""

import os
import sys

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np  # noqa: E402

from calib.ballots import Ballots, estimate, simulate_ballots, stage_test, tabulate  # noqa: E402
from calib.ballots.likelihood import worths  # noqa: E402

J, K, SPREAD = 28, 5, 0.5
WEIGHTS = ("none", "all 0.5", "all 1/n", "cv 1", "cv 2")


def rate(hits: list[bool]) -> str:
    """Return a share with its standard error."""
    share = float(np.mean(hits))
    return f"{share:.3f} ± {np.sqrt(share * (1 - share) / len(hits)):.3f}"


def stage_size(n: int, varied: bool, simulations: int) -> tuple[str, str]:
    """Return the share of surveys rejected at 5%: as reported, and by plain chi-square."""
    rng = np.random.default_rng([n, varied])
    used, chi2 = [], []
    for _ in range(simulations):
        theta = SPREAD * rng.standard_normal(J)
        lengths = rng.integers(1, K + 1, size=n) if varied else None
        survey = simulate_ballots(theta, n, K, lengths=lengths, rng=rng)
        found = stage_test(tabulate(survey), rng=rng)
        used.append(found.p <= 0.05)
        chi2.append(found.p_chi2 <= 0.05)
    return rate(used), rate(chi2)


def weights(kind: str, n: int, rng: np.random.Generator) -> np.ndarray | None:
    """Return respondent weights: none, equal ones of a scale, or gamma with a spread."""
    if kind == "none":
        return None
    if kind.startswith("all"):
        return np.full(n, 0.5 if kind == "all 0.5" else 1.0 / n)
    cv = float(kind.split()[1])
    return np.maximum(rng.gamma(1 / cv**2, cv**2, size=n), 1e-6)


def coverage(kind: str, n: int, simulations: int) -> str:
    """Return the share of 95% intervals of maximum-likelihood worths that hold the true worth."""
    rng = np.random.default_rng([n, WEIGHTS.index(kind)])
    hits: list[bool] = []
    for _ in range(simulations):
        theta = SPREAD * rng.standard_normal(J)
        plain = simulate_ballots(theta, n, K, rng=rng)
        survey = Ballots(plain.items, plain.picks, weights(kind, n, rng))
        found = estimate(survey, "maximum_likelihood")
        true = worths(theta)
        if found.lower is None or found.upper is None:
            continue
        known = np.isfinite(found.lower)
        hits.extend(((found.lower <= true) & (true <= found.upper))[known].tolist())
    return f"{float(np.mean(hits)):.3f}"


def main() -> None:
    """Print both tables in Markdown."""
    simulations = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    print(f"{simulations} surveys a row; top {K} of {J}, spread {SPREAD}\n", flush=True)
    print("| respondent weights | ballots | coverage of 95% intervals |\n|---|---|---|", flush=True)
    for kind in WEIGHTS:
        print(f"| {kind} | 300 | {coverage(kind, 300, simulations)} |", flush=True)
    print("\n| ballots | lists | size of the stage test at 5% | by χ² alone |\n|---|---|---|---|")
    for n in (30, 100, 300, 500):
        for varied in (False, True):
            used, chi2 = stage_size(n, varied, simulations)
            lists = "of 1 to 5" if varied else "of 5"
            print(f"| {n} | {lists} | {used} | {chi2} |", flush=True)


if __name__ == "__main__":
    main()
