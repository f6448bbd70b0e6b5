"""Experiments: declared in a file, run in one step, written as tables and a report."""

from calib.experiment.beforehand import announcements, enterprises_read, last_run
from calib.experiment.context import Context
from calib.experiment.dry_run import check_inputs
from calib.experiment.history import (
    changed_inputs,
    find_run,
    label_run,
    past_runs,
    remove_run,
    restore_run,
)
from calib.experiment.protocol import lock_protocol, protocol_path, read_protocol
from calib.experiment.registry import Outcome, Params, Source, find_outcome, find_source
from calib.experiment.report import beside_page, section_title
from calib.experiment.results import OutcomeResult
from calib.experiment.run import Run, Step, make_sets, run_experiment
from calib.experiment.run_comparison import compare_runs, comparison_page
from calib.experiment.run_folder import run_id, summary, write_run
from calib.experiment.spec import Experiment, load_experiment, parse_experiment

__all__ = [
    "Context",
    "Experiment",
    "Outcome",
    "OutcomeResult",
    "Params",
    "Run",
    "Source",
    "Step",
    "announcements",
    "beside_page",
    "changed_inputs",
    "check_inputs",
    "compare_runs",
    "comparison_page",
    "enterprises_read",
    "find_outcome",
    "find_run",
    "find_source",
    "label_run",
    "last_run",
    "load_experiment",
    "lock_protocol",
    "make_sets",
    "parse_experiment",
    "past_runs",
    "protocol_path",
    "read_protocol",
    "remove_run",
    "restore_run",
    "run_experiment",
    "run_id",
    "section_title",
    "summary",
    "write_run",
]
