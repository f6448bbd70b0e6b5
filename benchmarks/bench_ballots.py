"""Top-5 ballots: time against choix on the same ballots, bootstrap, Kemeny, memory.

Run ``python benchmarks/bench_ballots.py``. Every ratio is measured in one run on one machine; the
results that were recorded stand in ``benchmarks/README.md``.
"""

import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # one core for everybody

import numpy as np  # noqa: E402

from calib.ballots import (  # noqa: E402
    Ballots,
    bootstrap,
    fit_ml,
    kemeny,
    simulate_ballots,
    tabulate,
)
from calib.ballots.simulation import simulate_picks  # noqa: E402

J, K = 28, 5
THETA = 0.5 * np.random.default_rng(0).standard_normal(J)
CHOIX_UP_TO = 20_000


def best_of(times: int, work: Callable[[], object]) -> float:
    """Return the shortest of several timings, in seconds."""
    out = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        out.append(time.perf_counter() - start)
    return min(out)


def exploded(ballots: Ballots) -> list[tuple[int, tuple[int, ...]]]:
    """Return the choices as choix wants them: the winner and everything it was chosen over."""
    out = []
    for row in ballots.picks.tolist():
        rest = set(range(J))
        for chosen in row:
            rest.discard(chosen)
            out.append((chosen, tuple(rest)))
    return out


def sizes() -> None:
    """Time counting and fitting from 200 to 2,000,000 ballots; choix up to 20,000."""
    print("ballots   prefix sets  count s  fit s     total s  choix s  times faster  |dlogL|")
    for n in (200, 2_000, 20_000, 200_000, 2_000_000):
        picks = simulate_picks(THETA, min(n, 200_000), K, rng=1)
        ballots = Ballots(
            tuple(f"i{j}" for j in range(J)), np.tile(picks, (max(1, n // 200_000), 1))
        )
        if n > 200_000:  # the tiled ballots repeat: draw the rest anew in pieces
            parts = [simulate_picks(THETA, 200_000, K, rng=r) for r in range(n // 200_000)]
            ballots = Ballots(ballots.items, np.concatenate(parts))
        repeats = 30 if n <= 20_000 else 5
        count = best_of(repeats, lambda b=ballots: tabulate(b))
        table = tabulate(ballots)
        total = best_of(repeats, lambda b=ballots: fit_ml(tabulate(b)))  # everything, from scratch
        fit_time = max(total - count, 0.0)
        line = f"{n:<9,d} {table.cells:<12,d} {count:<8.4f} {fit_time:<9.4f} {total:<8.4f}"
        if n <= CHOIX_UP_TO:
            import choix  # here, so that the memory measured below is not choix's

            data = exploded(ballots)
            start = time.perf_counter()
            theta = choix.ilsr_top1(J, data)
            taken = time.perf_counter() - start
            fit = fit_ml(table)
            difference = abs(-fit.loglik - _choix_loss(data, theta))
            line += f" {taken:<8.2f} {taken / total:<13.0f} {difference:.1e}"
        print(line, flush=True)


def _choix_loss(data: list[tuple[int, tuple[int, ...]]], theta: np.ndarray) -> float:
    e = np.exp(theta)
    return -float(sum(theta[w] - np.log(e[w] + e[list(rest)].sum()) for w, rest in data))


def refits() -> None:
    """Compare 1,000 bootstrap refits of 2,000 ballots with 500 fits one by one."""
    ballots = simulate_ballots(THETA, 2_000, K, rng=2)
    single = best_of(5, lambda: [fit_ml(tabulate(ballots)) for _ in range(100)]) * 5
    batch = best_of(5, lambda: bootstrap(ballots, 1_000, rng=3))
    print(
        f"2,000 ballots: 500 single fits {single:.2f} s, 1,000 bootstrap refits {batch:.2f} s"
        f" (ratio {batch / single:.2f})"
    )


def orders() -> None:
    """Time the exact Kemeny order of 28 items from 1,000 ballots, from equal to unequal."""
    for spread in (0.0, 0.1, 0.3, 0.5):
        worst, cuts = 0.0, 0
        for seed in range(10):
            theta = spread * np.random.default_rng(seed).standard_normal(J)
            ballots = simulate_ballots(theta, 1_000, K, rng=seed)
            worst = max(worst, best_of(2, lambda b=ballots: kemeny(b)))
            cuts = max(cuts, kemeny(ballots).cuts)
        print(f"Kemeny, 28 items, 1,000 ballots, spread {spread}: worst of 10 samples "
              f"{1000 * worst:.0f} ms, proven optimal, at most {cuts} cuts")  # fmt: skip


def memory() -> None:
    """Measure the peak memory of 2,000,000 ballots in a process of their own."""
    peak = int(
        subprocess.run(
            [sys.executable, __file__, "--peak"], check=True, capture_output=True, text=True
        ).stdout
    )
    print(f"2,000,000 ballots held, counted and fitted: peak {peak / 1024:.0f} MB of the process")


def _peak() -> None:
    picks = np.empty((2_000_000, K), dtype=np.int16)
    for part in range(20):
        rows = slice(100_000 * part, 100_000 * (part + 1))
        picks[rows] = simulate_picks(THETA, 100_000, K, rng=part)
    fit_ml(tabulate(Ballots(tuple(f"i{j}" for j in range(J)), picks)))
    status = Path("/proc/self/status").read_text()  # ru_maxrss would count the parent's memory
    print(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))


def main() -> None:
    """Print everything."""
    machine = platform.processor() or platform.machine()
    versions = f"Python {platform.python_version()}, numpy {np.__version__}, choix {_version()}"
    print(f"{date.today()}, {machine}, one core, {versions}")
    sizes()
    refits()
    orders()
    memory()


def _version() -> str:
    from importlib.metadata import version

    return version("choix")


if __name__ == "__main__":
    if "--peak" in sys.argv:
        _peak()
    else:
        main()
