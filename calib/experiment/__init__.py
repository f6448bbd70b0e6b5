"""Experiments: declared in a file, run in one step, written as tables and a report."""

from calib.experiment.beforehand import announcements, enterprises_read, last_run
from calib.experiment.context import Context
from calib.experiment.dry_run import check_inputs
from calib.experiment.registry import Outcome, Params, Source
from calib.experiment.report import beside_page, section_title
from calib.experiment.results import Drawing, Note, OutcomeResult, SourceResult, Table
from calib.experiment.run import Run, Step, run_experiment
from calib.experiment.run_folder import run_id, summary, write_run
from calib.experiment.spec import Experiment, load_experiment, parse_experiment

__all__ = [
    "Context",
    "Drawing",
    "Experiment",
    "Note",
    "Outcome",
    "OutcomeResult",
    "Params",
    "Run",
    "Source",
    "SourceResult",
    "Step",
    "Table",
    "announcements",
    "beside_page",
    "check_inputs",
    "enterprises_read",
    "last_run",
    "load_experiment",
    "parse_experiment",
    "run_experiment",
    "run_id",
    "section_title",
    "summary",
    "write_run",
]
