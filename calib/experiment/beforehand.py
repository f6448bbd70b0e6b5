"""What is said before a run starts: who was read, and what unanswered items leave out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from calib.experiment.context import Context
from calib.experiment.history import PastRun, runs_in
from calib.experiment.registry import Params, find_outcome
from calib.experiment.run import Run
from calib.experiment.spec import Experiment
from calib.files.names import file_stem
from calib.population import Population
from calib.report import Note
from calib.words import joined, message

__all__ = ["announcements", "enterprises_read", "last_run"]


def announcements(experiment: Experiment, context: Context) -> tuple[Note, ...]:
    """Return which analyses leave enterprises out because of unanswered items, and how many.

    Under ``leave-out`` nobody of them is rated; under ``renormalise`` they are rated, but what
    needs a score of every item is said of the others only. The other treatments fill items in.
    """
    scored = context.scored
    out: list[Note] = []
    if scored.not_rated:
        n, of = len(scored.not_rated), len(context.population)
        out.append(Note(message("experiment.before_not_rated", n=n, of=of), warning=True))
    lacking = sum(int(np.isnan(s.X).any(axis=1).sum()) for s in scored.samples.values())
    if not lacking:
        return tuple(out)
    names = [n for n, p in experiment.outcomes.items() if _needs_complete(n, p)]
    if names:
        what = joined([message(f"sections.{n}") for n in names])
        none = lacking == len(scored)
        key = "experiment.before_left_out_none" if none else "experiment.before_left_out_some"
        said = message(key, n=lacking, of=len(scored), analyses=what)
        out.append(Note(said, warning=True))
    return tuple(out)


def _needs_complete(name: str, params: Params) -> bool:
    """Return whether an analysis leaves out enterprises with unanswered items."""
    outcome = find_outcome(name)
    stated = getattr(params, "incomplete", None)
    return stated == "leave-out" or (outcome is not None and outcome.complete_only)


def last_run(folder: str | Path, experiment: Experiment) -> PastRun | None:
    """Return the run of an experiment that was made last, None if there is none.

    Parameters
    ----------
    folder : of runs
    """
    runs = runs_in(Path(folder) / file_stem(experiment.name))
    return max(runs, key=lambda r: str(r.manifest.get("finished", "")), default=None)


def enterprises_read(run: Run, before: PastRun | None) -> Note:
    """Return how many enterprises of each track were read, and how many the last run had.

    It is a warning where the last run had more, of any track.
    """
    read = _by_track(run.context.population)
    names = run.experiment.framework.tracks
    tracks = joined(
        [message("experiment.read_track", n=n, track=names[t].name) for t, n in read.items()]
    )
    past = {} if before is None else _past(before)
    if not past:
        return Note(message("experiment.read_first", tracks=tracks))
    total = sum(past.values())
    fewer = [t for t in past if past[t] > read.get(t, 0)]
    if not fewer:
        return Note(message("experiment.read", tracks=tracks, last=total))
    lost = joined(
        [
            message("experiment.read_fewer_of", track=names[t].name if t in names else t,
                    n=read.get(t, 0), last=past[t])
            for t in fewer
        ]
    )  # fmt: skip
    said = message("experiment.read_fewer", tracks=tracks, last=total, lost=lost)
    return Note(said, warning=True)


def _by_track(population: Population) -> dict[str, int]:
    return {t: len(s) for t, s in population.samples.items()}


def _past(run: PastRun) -> dict[str, int]:
    """Return how many enterprises of each track an earlier run read."""
    found: dict[str, Any] = run.summary.get("population") or {}
    counts: dict[str, int] = found.get("read") or found.get("by_track") or {}
    return {str(t): int(n) for t, n in counts.items()}
