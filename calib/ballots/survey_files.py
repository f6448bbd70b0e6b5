"""Surveys read from tables, by name, and from exports of survey platforms; and written."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from calib.ballots.ballot_rows import Faulty, RowReader, column_roles, rank_columns
from calib.ballots.preflib import is_preflib, survey_from_preflib, write_preflib
from calib.ballots.survey import Ballots, Survey, say_fault
from calib.errors import Fault, Faults, InputError, did_you_mean
from calib.files.shipped import shipped_data, shipped_file
from calib.framework import Framework
from calib.imports import Proposal, convert_ballots, prepare, require_ready, stored
from calib.requests import expect
from calib.tables import RawTable, read_table, write_table
from calib.words import message

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "import_ballots",
    "mapped_survey",
    "parse_survey",
    "read_survey",
    "survey_table",
    "write_survey",
]


def read_survey(
    path: str | os.PathLike[str] | Survey,
    framework: Framework,
    *,
    track: str | None = None,
    choices: int = 5,
    sheet: str | None = None,
    ranks: Sequence[str] = (),
    faulty: Faulty = "error",
    mapping: str | os.PathLike[str] | None = None,
) -> Survey:
    """Read a survey of ballots from CSV, XLSX, Parquet or PrefLib.

    Wide, as survey platforms export it: one row a ballot, one column a rank (``rank1`` ...,
    ``第一重要`` ..., ``1`` ...) with indicator codes or Chinese or English names. Long: columns
    ``respondent``, ``rank``, ``indicator``. PrefLib: ``.soi``, ``.toi``, ``.soc``, ``.toc``.
    Columns ``respondent``, ``enterprise``, ``track``, ``segment`` and ``weight`` (or 企业编号,
    企业类型, 分组, 权重 ...) are taken when they are there.

    A column ``synthetic`` marks simulated ballots, and the mark is carried into every report.

    Every indicator of the respondent's track was on offer; one that a ballot does not list is
    ranked below all that it lists.

    Parameters
    ----------
    path : the file, CSV in UTF-8 or GB18030; or the name of a shipped survey: "near-equal",
        "unequal". A survey that is read already is handed back
    framework : names the indicators
    track : track of all ballots, when the file has no such column
    choices : how many ranks were asked for
    sheet : Excel sheet, the first by default
    ranks : names of the rank columns, best first, if they are not recognised
    faulty : ``error`` - any faulty ballot raises, all of them listed; ``set-aside`` - faulty
        ballots are left out and accounted for. Blank ballots are set aside either way
    mapping : what the columns of an export hold; see :func:`calib.import_ballots`. A mapping that
        lies beside the file and is for its layout is used without being named

    Raises
    ------
    InputError
        With every fault by row, value and what would be valid.
    """
    expect("read_survey(path, framework)", framework=(framework, Framework))
    if isinstance(path, Survey):
        return path
    shipped = {p.stem: p for p in sorted((shipped_data() / "surveys").glob("*.csv"))}
    path = shipped_file(path, shipped, "ballots.no_such") or path
    if track is not None:
        code = framework.track(track)
        if code is None:
            known = list(framework.tracks)
            hint = did_you_mean(track, known)
            raise InputError(
                say_fault("no_track", track=repr(track), framework=framework.code, hint=hint,
                          known=known)
            )  # fmt: skip
        track = code
    if is_preflib(path):
        return survey_from_preflib(path, framework, track, faulty)
    found = stored(path, framework, "ballots", mapping, sheet)
    if found is not None:
        table: RawTable = convert_ballots(found.export, found.mapping, framework)
        ranks = [c for c in map(str, table.frame.columns) if c.startswith("rank")]
    else:
        table = read_table(path, sheet=sheet)
    return parse_survey(table, framework, track=track, choices=choices, ranks=ranks, faulty=faulty)


def parse_survey(
    table: RawTable,
    framework: Framework,
    *,
    track: str | None = None,
    choices: int = 5,
    ranks: Sequence[str] = (),
    faulty: Faulty = "error",
) -> Survey:
    """Read a survey from a raw table; see :func:`read_survey`."""
    labels = column_roles(table)
    faults = Faults(table.file)
    long = "rank" in labels and "indicator" in labels and not ranks
    columns = list(ranks) or ([] if long else rank_columns(table, labels, faults))
    for name in ranks:
        if name not in table.frame.columns:
            hint = did_you_mean(name, [str(c) for c in table.frame.columns])
            faults.add(say_fault("header"), say_fault("no_column", name=repr(name), hint=hint))
    if not long and not columns and not len(faults):
        faults.add(
            say_fault("header"),
            say_fault("no_ranks"),
            value=[str(c) for c in table.frame.columns][:8],
            expected=say_fault("ranks_expected"),
        )
    if long and "respondent" not in labels:
        faults.add(
            say_fault("header"),
            say_fault("no_respondents"),
            expected=say_fault("respondents_expected"),
        )
    by_sheet = all(map(framework.track, set(table.sheets())))
    if track is None and "track" not in labels and len(framework.tracks) > 1 and not by_sheet:
        faults.add(
            say_fault("header"), say_fault("no_tracks"), expected=say_fault("tracks_expected")
        )
    faults.raise_if_any()
    reader = RowReader(table, framework, labels, track, choices)
    rows = reader.long_rows() if long else reader.wide_rows(columns)
    used = () if long else (message("ballots.ranks_read", columns=columns),)
    if not long:
        _check_left_out(table, framework, columns, labels)
        reader.note_twice(rows)
    return reader.survey(rows, faulty, used)


def _check_left_out(
    table: RawTable, framework: Framework, columns: Sequence[str], labels: dict[str, str]
) -> None:
    """Refuse a column of choices that is no rank: its header may be misspelt."""
    for column in map(str, table.frame.columns):
        if column in columns or column in labels.values():
            continue
        words = {w for w in table.text(column) if w}
        hits = [w for w in words if any(t.find(w) for t in framework.tracks.values())]
        if len(words) > 2 and len(hits) > len(words) / 2:
            said = say_fault("left_out", column=repr(column))
            raise InputError([Fault(table.file, say_fault("header"), said,
                                    expected=say_fault("left_out_expected"))])  # fmt: skip


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


Form = Literal["wide", "long"]


def survey_table(ballots: Mapping[str, Ballots], *, form: Form = "wide") -> pd.DataFrame:
    """Return ballots as the table that :func:`~calib.ballots.read_survey` reads.

    Parameters
    ----------
    ballots : by track
    form : ``wide`` (one row a ballot, ``rank1`` ... with codes) or ``long`` (one row a choice)
    """
    import pandas as pd

    frames = [_wide(track, part) for track, part in ballots.items()]
    wide = pd.concat(frames, ignore_index=True)
    if "weight" in wide:
        wide["weight"] = wide["weight"].fillna(1.0)
    wide = wide.fillna("")
    if wide["respondent"].duplicated().any():
        wide["respondent"] = [f"R{i + 1:0{len(str(len(wide)))}d}" for i in range(len(wide))]
    if form == "wide":
        return wide
    ranks = [c for c in wide.columns if c.startswith("rank")]
    kept = [c for c in wide.columns if c not in ranks]
    rows = []
    for row in wide.to_dict("records"):
        for place, column in enumerate(ranks, start=1):
            if row[column]:
                rows.append({**{c: row[c] for c in kept}, "rank": place, "indicator": row[column]})
    return pd.DataFrame(rows)


def _wide(track: str, ballots: Ballots) -> pd.DataFrame:
    import pandas as pd

    columns: dict[str, object] = {
        "respondent": ballots.respondent
        if ballots.respondent is not None
        else [f"R{i + 1:0{len(str(ballots.n))}d}" for i in range(ballots.n)]
    }
    if ballots.cluster is not None:
        columns["enterprise"] = ballots.cluster
    columns["track"] = [track] * ballots.n
    if ballots.segment is not None:
        columns["segment"] = ballots.segment
    if ballots.weight is not None:
        columns["weight"] = ballots.weight
    names = np.array([*ballots.items, ""], dtype=object)
    for place in range(ballots.K):
        columns[f"rank{place + 1}"] = names[ballots.picks[:, place]]
    return pd.DataFrame(columns)


def write_survey(
    ballots: Mapping[str, Ballots],
    path: str | os.PathLike[str],
    *,
    form: Form = "wide",
    synthetic: bool = False,
) -> None:
    """Write ballots as CSV, XLSX, Parquet or PrefLib, by the ending of the path.

    Parameters
    ----------
    ballots : by track
    path : where to
    form : wide or long, of a table
    synthetic : mark every ballot as synthetic (PrefLib has no place for the mark but the title)

    Raises
    ------
    InputError
        If PrefLib, which knows no tracks, is asked to hold several of them.
    """
    if is_preflib(path):
        if len(ballots) > 1:
            raise InputError(
                message("ballots.faults.one_track", file=Path(path), known=list(ballots))
            )
        title = f"{Path(path).stem} (SYNTHETIC)" if synthetic else ""
        write_preflib(next(iter(ballots.values())), path, title=title)
        return
    table = survey_table(ballots, form=form)
    if synthetic:
        table.insert(0, "synthetic", "yes")
    write_table(table, path)
