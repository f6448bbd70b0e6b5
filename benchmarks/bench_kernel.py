"""Stars of many enterprises under many weight sets, against the bare matrix product.

Every ratio is to ``X @ G.T`` (28 columns, float64, all BLAS threads) of the same shape, measured
in turns within one run; the best of several turns counts for both. In brackets stands the peak of
the memory that the arrays of a run take: blocks and counts, not enterprises times sets. Run:
``python benchmarks/bench_kernel.py [--million]``; ``--million`` adds a part of a run over a
million enterprises and ten thousand weight sets, with the peak memory of the process.
"""

from __future__ import annotations

import platform
import resource
import sys
import time
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np

from calib.framework import load_framework
from calib.rating.collapse import fold
from calib.rating.kernel import count_folded, star_counts

FRAMEWORK = load_framework("aii")
TRACK = FRAMEWORK.tracks["discrete"]
RULE = FRAMEWORK.rule.thresholds()


def draw(sets: int, rng: np.random.Generator, parents: tuple[str, ...] | None) -> np.ndarray:
    local = np.tile(FRAMEWORK.published["discrete"], (sets, 1))
    for family in TRACK.families:
        if parents is None or family.parent in parents:
            local[:, family.members] = rng.dirichlet(np.ones(len(family.members)), sets)
    return local


def seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def peak_megabytes(run: Callable[[], object]) -> float:
    """Return the most memory that arrays of a run held at once, beside its inputs."""
    tracemalloc.start()
    run()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1024**2


def compare(enterprises: int, sets: int, parents: tuple[str, ...] | None, turns: int = 6) -> None:
    rng = np.random.default_rng(1)
    X = rng.integers(0, 5, (enterprises, len(TRACK.leaves))) * 25.0
    local = draw(sets, rng, parents)
    G = TRACK.leaf_weights(local)
    runs: dict[str, Callable[[], object]] = {"bare product": lambda: X @ G.T}
    for engine in ("numpy", "numba"):
        runs[engine] = lambda e=engine: star_counts(TRACK, X, local, RULE, engine=e)
    runs["auto"] = lambda: star_counts(TRACK, X, local, RULE)
    for run in runs.values():
        run()
    best = {name: min(seconds(run) for _ in range(turns)) for name, run in runs.items()}
    for _ in range(2):  # once more in turns, so that a busy moment hits all of them
        for name, run in runs.items():
            best[name] = min(best[name], seconds(run))
    what = "all leaf weights vary" if parents is None else "pillar weights vary"
    cells = ", ".join(
        f"{name} {value:.3f} s = {value / best['bare product']:.2f} x"
        f" ({peak_megabytes(runs[name]):.0f} MB)"
        for name, value in best.items()
    )
    print(f"{enterprises:>9,} x {sets:>6,}  {what:<22} {cells}")


def million(parts: int = 4) -> None:
    """Count a part of 1,000,000 x 10,000: memory does not depend on how many parts follow."""
    rng = np.random.default_rng(2)
    local = draw(10_000, rng, None)
    folded = fold(TRACK, local, RULE)
    size = 50_000

    start = time.perf_counter()
    counts = np.zeros((folded.sets, len(folded.thresholds.band) + 1), dtype=np.int64)
    for _ in range(parts):
        X = rng.integers(0, 5, (size, len(TRACK.leaves))) * 25.0
        counts += count_folded(folded, X).per_set
    took = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    whole = took * 1_000_000 / (parts * size)
    print(
        f"{parts * size:,} of 1,000,000 enterprises x 10,000 sets: {took:.1f} s "
        f"(the whole: about {whole:.0f} s), peak memory of the process {peak:.2f} GB, "
        f"counts kept {counts.nbytes / 1024**2:.1f} MB"
    )


if __name__ == "__main__":
    print(f"{platform.machine()}, {len(__import__('os').sched_getaffinity(0))} cores, numpy "
          f"{np.__version__}, {datetime.now(UTC):%Y-%m-%d}")  # fmt: skip
    if "--million" in sys.argv:
        million()
    else:
        for enterprises, sets in ((10_000, 1_000), (100_000, 2_000)):
            compare(enterprises, sets, None)
            compare(enterprises, sets, ("",))
