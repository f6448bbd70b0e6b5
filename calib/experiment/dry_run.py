"""Checking an experiment: the steps of a run, without what takes long and without writing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from calib.errors import CalibError, Fault, InputError
from calib.experiment.context import Context, InputLog
from calib.experiment.registry import Params, find_outcome
from calib.experiment.run import build_set, check_baseline, ordered_sets, start_context
from calib.experiment.spec import Experiment
from calib.imports import read_export
from calib.rating import Unanswered, rate
from calib.weights import read_weights
from calib.words import message

__all__ = ["check_inputs"]

FEW = 20
"""Draws, refits and resamples with which an analysis is tried."""
_LONG = ("draws", "replicates", "resamples", "samples")


def check_inputs(
    experiment: Experiment, ready: Callable[[Context], object] = lambda context: None
) -> list[Fault]:
    """Return what a run of an experiment would refuse.

    The population is read and scored, every set is made and every analysis is tried, by the
    functions that a run uses; draws and refits are few.
    """
    waiting = _unfilled(experiment)
    if waiting:
        return waiting + [
            f for f in _weight_files(experiment) if f.file not in {w.file for w in waiting}
        ]
    faults: list[Fault] = []
    context: Context | None = None
    try:
        context = start_context(experiment)
    except CalibError as exc:
        faults += _faults(exc, experiment.file)
    if context is not None:
        ready(context)
    if context is None:
        return faults + _weight_files(experiment)
    failed: set[str] = set()
    for entry in experiment.sets:
        if any(n.split("/")[0] in failed for n in entry.requires):
            failed.add(entry.name)
            continue
        try:
            context.results[entry.name] = build_set(entry, context, _lightened(entry.params))
        except CalibError as exc:
            failed.add(entry.name)
            faults += _faults(exc, experiment.file)
    if failed:
        return faults
    return faults + _outcomes(experiment, context)


def _outcomes(experiment: Experiment, context: Context) -> list[Fault]:
    faults: list[Fault] = []
    try:
        check_baseline(experiment, context)
        sets = ordered_sets(experiment, context)
        context.ratings = {name: rate(w, context.scored_under(name)) for name, w in sets.items()}
    except CalibError as exc:
        return _faults(exc, experiment.file)
    for name, params in experiment.outcomes.items():
        outcome = find_outcome(name)
        if outcome is None:  # checked when the file was read
            continue
        try:
            outcome.build(context, _lightened(params))
        except Unanswered:
            continue  # a run leaves it out, with a note
        except CalibError as exc:
            for fault in _faults(exc, experiment.file):
                where = fault.where or f"outcomes.{name}"
                faults.append(Fault(fault.file, where, fault.problem, fault.value, fault.expected))
    return faults


def _lightened(params: Params) -> Params:
    """Return the options of a method with few draws, where it states any."""
    fewer: dict[str, int] = {}
    for name, field in type(params).model_fields.items():
        stated: Any = getattr(params, name)
        limits = [v for m in field.metadata if (v := getattr(m, "ge", None)) is not None]
        least = 0 if limits == [0] else max([FEW, *limits])  # 0: the method does without
        if name in _LONG and isinstance(stated, int) and stated > least:
            fewer[name] = least
    return params.model_copy(update=fewer) if fewer else params


def _unfilled(experiment: Experiment) -> list[Fault]:
    """Return a fault for each workbook that still waits to be filled in: a header and no row."""
    named: dict[str, str] = {}
    if experiment.population.file is not None:
        named[experiment.population.file] = "answers"
    for entry in experiment.sets:
        file = getattr(entry.params, "file", None)
        if entry.source == "ballots" and isinstance(file, str):
            named.setdefault(file, "ballots")
    out = []
    for name, kind in named.items():
        path = experiment.folder / name
        if path.is_file() and path.suffix.lower() in (".xlsx", ".csv") and _has_no_rows(path):
            said = message("experiment.unfilled")
            out.append(Fault(str(path), "", said, expected=message(f"experiment.fill.{kind}")))
    return out


def _has_no_rows(path: Path) -> bool:
    """Return whether a table has a header, and nothing below it."""
    try:
        return not any(block.rows for block in read_export(path).blocks)
    except CalibError:
        return False  # whatever it is, it is told with the other faults


def _weight_files(experiment: Experiment) -> list[Fault]:
    """Return the faults of the weight files, which can be read without the population."""
    log = InputLog(experiment.folder, experiment.file)
    faults: list[Fault] = []
    for entry in experiment.sets:
        if entry.source == "file":
            given = entry.params.model_dump()
            try:
                mapping = log.path(given["mapping"]) if given.get("mapping") else None
                read_weights(log.path(given["file"]), experiment.framework, mapping=mapping)
            except InputError as exc:
                faults += exc.faults
    return faults


def _faults(error: CalibError, file: str) -> list[Fault]:
    if isinstance(error, InputError):
        return list(error.faults)
    return [Fault(file, "", str(error))]
