"""Checking the files that an experiment names, without running it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from calib.errors import Fault, InputError
from calib.experiment.context import InputLog, rng_for
from calib.experiment.spec import Experiment
from calib.framework import Framework
from calib.population import resolve_population
from calib.rating import score_answers
from calib.weights import read_weights

__all__ = ["check_inputs"]


def _read_weights(file: str, log: InputLog, framework: Framework) -> None:
    read_weights(log.path(file), framework)


def check_inputs(experiment: Experiment) -> list[Fault]:
    """Return the faults of an experiment's population and of the weight files that it names.

    What panels, surveys and other sources read is checked when they are made.
    """
    framework, log = experiment.framework, InputLog(experiment.folder, experiment.file)

    def population() -> None:
        found = resolve_population(
            experiment.population, framework, experiment.folder, log.note,
            rng=rng_for(experiment.seed, "population"),
        )  # fmt: skip
        score_answers(found, framework.rule.read(experiment.rule_options))

    steps: list[Callable[[], object]] = [population]
    for entry in experiment.sets:
        if entry.source == "file":
            file = str(entry.params.model_dump()["file"])
            steps.append(partial(_read_weights, file, log, framework))
    faults: list[Fault] = []
    for step in steps:
        try:
            step()
        except InputError as exc:
            faults += exc.faults
    return faults
