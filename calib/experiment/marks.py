"""Marks in the files of a run that rests on data which nobody gave."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from calib.experiment.run import Run
from calib.report import Role, Table

__all__ = ["mark_synthetic"]

_OF_ENTERPRISES = (Role.ENTERPRISE, Role.SCORE, Role.STAR, Role.COUNT, Role.SHARE)


def mark_synthetic(table: Table, run: Run) -> Table:
    """Return a table of a run with a column ``synthetic`` where enterprises or judges were made up.

    Tables of enterprises are marked in every row; those of weights in the rows of the sets behind
    which there are synthetic enterprises, experts or ballots. A file is passed on without the
    report that says so.
    """
    if "synthetic" in table.frame or table.frame.empty:
        return table
    made_up = [name for name, w in run.sets.items() if w.provenance.synthetic]
    if run.context.scored.synthetic and table.has(*_OF_ENTERPRISES):
        mark: object = "yes"
    elif made_up and table.has(Role.WEIGHT) and "set" in table.frame:
        mark = np.where(table.frame["set"].isin(made_up), "yes", "no")
    else:
        return table
    return replace(table, frame=table.frame.assign(synthetic=mark), shown=None)
