"""Two versions of calib side by side: how long the same tasks take, in turns, in one run.

Run ``python benchmarks/bench_versions.py OLD NEW``, each a folder that holds a version of calib (a
worktree of git). Every round runs each version once in a process of its own; the best of all
rounds counts, and times are of the processor, so that what else the machine does does not count.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

ROUNDS, REPEATS = 4, 5
ALONE = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "NUMBA", "MKL")}


def tasks() -> dict[str, Callable[[], object]]:
    """Return the tasks by name, on public functions that both versions have."""
    import calib
    from calib.ballots import Ballots, fit_ml, tabulate
    from calib.rating import rate

    framework = calib.load_framework("aii")
    published = calib.published_weights(framework)
    trial = calib.load_population("trial", framework)
    few = calib.generate_population(framework, 300, rng=1)
    many = calib.generate_population(framework, 20_000, rng=2)
    rng = np.random.default_rng(3)
    items = tuple(f"i{j:02d}" for j in range(28))
    picks = np.array([rng.permutation(28)[:5] for _ in range(4_000)])
    return {
        "rate 20,000 enterprises": lambda: rate(published, many),
        "stability of 300 enterprises": lambda: calib.stability(published, few),
        "fit of 4,000 ballots of 5 of 28": lambda: fit_ml(tabulate(Ballots(items, picks))),
        "adjust under caps, without refits": lambda: calib.adjust(
            published, trial, cap=0.25, level="capability", rng=1, replicates=0
        ),
        "dominance of the trial": lambda: calib.dominance(published, trial, draws=0, rng=1),
    }


def measure() -> dict[str, float]:
    """Return the best time of each task in this process, in seconds."""
    out = {}
    for name, task in tasks().items():
        task()  # compiles and imports
        best = np.inf
        for _ in range(REPEATS):
            start = time.process_time()
            task()
            best = min(best, time.process_time() - start)
        out[name] = best
    return out


def main(old: str, new: str) -> None:
    """Print a table of both versions."""
    best: dict[str, dict[str, float]] = {old: {}, new: {}}
    for number in range(ROUNDS):
        for tree in (old, new) if number % 2 == 0 else (new, old):
            env = {**os.environ, "PYTHONPATH": str(Path(tree).resolve()), **ALONE}
            done = subprocess.run([sys.executable, __file__, "--measure"], env=env, check=True,
                                  capture_output=True, text=True)  # fmt: skip
            for name, seconds in json.loads(done.stdout).items():
                best[tree][name] = min(seconds, best[tree].get(name, np.inf))
    print("| task | old | new | new / old |\n| --- | --- | --- | --- |")
    for name, before in best[old].items():
        after = best[new][name]
        print(f"| {name} | {1e3 * before:.1f} ms | {1e3 * after:.1f} ms | {after / before:.2f} |")


if __name__ == "__main__":
    if sys.argv[1:] == ["--measure"]:
        print(json.dumps(measure()))
    else:
        main(*sys.argv[1:])
