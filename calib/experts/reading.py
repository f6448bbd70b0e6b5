"""Read a panel from returned forms and tables, with everything that is wrong with them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from calib.errors import Fault, Faults, InputError
from calib.experts.form_read import read_form
from calib.experts.panel import ExpertForm, Panel, build_panel
from calib.experts.panel_csv import read_panel_csv
from calib.framework import Framework

__all__ = ["read_panel"]


def read_panel(
    files: Sequence[str | os.PathLike[str]],
    framework: Framework,
    *,
    rounds: Sequence[int] | None = None,
    skip_invalid: bool = False,
) -> tuple[Panel, tuple[Fault, ...]]:
    """Read the forms of a panel.

    Parameters
    ----------
    files
        Returned XLSX forms, and tables with the columns of
        :data:`calib.experts.panel_csv.COLUMNS`.
    framework
        The framework that the panel is about.
    rounds
        Rounds of the study; if None they must run from 1 without a gap.
    skip_invalid
        Keep what is sound (a sheet with a fault loses that node only) and return the faults, in
        place of raising them.

    Returns
    -------
    panel : Panel
    faults : what was skipped, and why; empty without ``skip_invalid``

    Raises
    ------
    InputError
        With every fault of every file; or when nothing sound is left.
    """
    faults = Faults()
    forms: list[ExpertForm] = []
    for file in files:
        own = Faults(Path(file).name)
        if Path(file).suffix.lower() in (".xlsx", ".xlsm") and _is_form(file):
            form = read_form(file, framework, own)
            forms += [form] if form is not None else []
        else:
            forms += read_panel_csv(file, framework, own)
        faults.extend(
            Fault(f.file or own.file, f.where, f.problem, f.value, f.expected) for f in own.items
        )
    panel = build_panel(framework, forms, faults, rounds=rounds)
    if len(faults) and not skip_invalid:
        faults.raise_if_any()
    if not panel.forms:
        if len(faults):
            faults.raise_if_any()
        raise InputError("no forms: nothing to read")
    return panel, tuple(faults.items)


def _is_form(file: str | os.PathLike[str]) -> bool:
    """Tell a form from a plain table in a workbook: a table has our columns in its first row."""
    from calib.experts.panel_csv import COLUMNS
    from calib.tables import read_table

    try:
        table = read_table(file)
    except InputError:
        return True  # the form reader says what is wrong
    return not set(COLUMNS) <= set(table.frame.columns)
