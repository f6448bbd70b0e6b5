"""Surveys of ballots from exports of survey platforms."""

from __future__ import annotations

import os
from collections.abc import Mapping

from calib.ballots.reading import Faulty, parse_survey
from calib.ballots.survey import Survey
from calib.framework import Framework
from calib.imports import Proposal, convert_ballots, prepare, require_ready
from calib.requests import expect

__all__ = ["import_ballots", "mapped_survey"]


def import_ballots(
    path: str | os.PathLike[str],
    framework: Framework,
    *,
    mapping: str | os.PathLike[str] | None = None,
    choices: Mapping[str, str] | None = None,
    confirm: bool = False,
    sheet: str | None = None,
    asked: int = 5,
    faulty: Faulty = "error",
) -> Survey:
    """Read ballots from the export of a survey platform, or from a table filled by hand.

    A column a rank, items of one cell joined by an arrow or another sign, or a column an option
    with its place in the ranking; items by code, name, or a number before the name.

    Parameters
    ----------
    mapping : what the columns hold, as ``calib import`` wrote it; if None, the mapping beside the
        file that is for its layout, else a new proposal
    choices : answers to questions about the whole file, such as ``{"places": "one-is-first"}``
    confirm : accept what is likely, but not certain
    asked : how many choices were asked for
    faulty : ``error`` or ``set-aside``; see :func:`read_survey`

    Raises
    ------
    InputError
        With every open question and what can be answered, or with every faulty ballot.
    """
    expect("import_ballots(path, framework)", framework=(framework, Framework))
    proposal = prepare(
        path, framework, kind="ballots", mapping=mapping, choices=choices, sheet=sheet
    )
    require_ready(proposal, confirm=confirm)
    return mapped_survey(proposal, framework, asked=asked, faulty=faulty)


def mapped_survey(
    proposal: Proposal, framework: Framework, *, asked: int = 5, faulty: Faulty = "error"
) -> Survey:
    """Return the survey of an export whose mapping is ready or was confirmed."""
    table = convert_ballots(proposal.export, proposal.mapping, framework)
    ranks = [c for c in map(str, table.frame.columns) if c.startswith("rank")]
    return parse_survey(table, framework, choices=asked, ranks=ranks, faulty=faulty)
