"""Runs of shipped experiments, made once for all tests, and what every report keeps to."""

from __future__ import annotations

from functools import cache

from calib.experiment import Run, load_experiment, run_experiment


@cache
def shipped_run(name: str) -> Run:
    """Return the run of a shipped experiment; nobody changes it."""
    return run_experiment(load_experiment(name))


def untitled_intervals(run: Run) -> list[str]:
    """Return titles of tables with interval ends that do not say the level; they are some."""
    with_ends = [
        t for t in run.tables
        if t.rows and any(c.endswith(("lower", "low")) for c in t.frame) and len(t.frame)
    ]  # fmt: skip
    titles = [t.title.get("en") for t in with_ends if not t.name.endswith(("rounds", "margin"))]
    assert len(titles) > 0
    return [title for title in titles if " % " not in title]
