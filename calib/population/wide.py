"""Wide tables: one row an enterprise, one column an indicator."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from calib._types import BoolArray, FloatArray
from calib.errors import did_you_mean
from calib.framework import Track
from calib.population.population import Sample
from calib.population.rows import TableReading
from calib.tables import filled
from calib.words import message

__all__ = ["read_wide"]


def read_wide(reading: TableReading) -> dict[str, Sample]:
    """Return the samples of a wide table by track; faults are noted in ``reading``."""
    _check_ids(reading)
    columns = _indicator_columns(reading)
    samples: dict[str, Sample] = {}
    for t, track in reading.framework.tracks.items():
        mask: BoolArray = reading.tracks == t
        if mask.any():
            values = _values(reading, track, columns[t], mask)
            samples[t] = reading.sample(track, np.flatnonzero(mask), values)
    _check_other_track(reading, columns)
    return samples


def _check_ids(reading: TableReading) -> None:
    table, first = reading.table, dict[str, int]()
    for row, value in enumerate(reading.ids):
        if value and value in first:
            reading.faults.add(
                table.where(row, reading.labels["enterprise"]),
                message("faults.duplicate_enterprise_id"),
                value=value,
                expected=message(
                    "faults.each_id_once_first_in", row=table.row_number(first[value])
                ),
            )
        first.setdefault(value, row)


def _values(
    reading: TableReading, track: Track, columns: dict[str, str], mask: BoolArray
) -> FloatArray:
    """Return the values (n, L) of the rows of one track."""
    rows = np.flatnonzero(mask)
    values = np.full((len(rows), len(track.leaves)), np.nan)
    lacking = [c for c in track.leaf_codes if c not in columns]
    if lacking:
        reading.faults.add(
            message("tables.header"),
            message(
                "faults.no_column_for_indicators_of",
                n=len(lacking),
                code=track.code,
                lacking=list(lacking),
            ),
            expected=message("faults.one_column_an_indicator"),
        )
    for j, code in enumerate(track.leaf_codes):
        if code in columns:
            expected = reading.valid(track, j)
            cells = reading.table.numbers(
                columns[code], reading.faults, expected=expected, rows=mask, remedy=reading.remedy
            )[rows]
            reading.check_values(cells, rows, columns[code], track, j)
            values[:, j] = cells
    return values


def _indicator_columns(reading: TableReading) -> dict[str, dict[str, str]]:
    """Map, by track, leaf codes to columns; columns nobody knows are faults."""
    tracks, faults = reading.framework.tracks, reading.faults
    taken = set(reading.labels.values())
    out: dict[str, dict[str, str]] = {t: {} for t in tracks}
    known = [c for tree in tracks.values() for c in tree.leaf_codes]
    unknown: list[str] = []
    for column in map(str, reading.table.frame.columns):
        if column in taken or not column:
            continue
        hits = [(t, tree.find(column)) for t, tree in tracks.items()]
        if not any(code for _, code in hits):
            unknown.append(column)
        for t, code in hits:
            if code is None:
                continue
            if code in out[t]:
                faults.add(
                    message("tables.column", column=column),
                    message("faults.duplicate_indicator", code=code),
                    value=out[t][code],
                    expected=message("faults.one_column_an_indicator"),
                )
            out[t].setdefault(code, column)
    _tell_unknown(reading, unknown, out, known)
    return out


def _tell_unknown(
    reading: TableReading, unknown: list[str], out: dict[str, dict[str, str]], known: list[str]
) -> None:
    """Say which columns are not used; where an indicator has none, each may be it: a fault."""
    present = set(reading.tracks.tolist())
    trees = reading.framework.tracks
    if all(code in out[t] for t, x in trees.items() if t in present for code in x.leaf_codes):
        if unknown:
            said = message("population.unused_columns", n=len(unknown), columns=unknown)
            reading.notes.append(said)
        return
    for column in unknown:
        reading.faults.add(
            message("tables.column", column=column),
            message("faults.unknown_column", hint=did_you_mean(column, known)),
            expected=message("faults.an_indicator_code_or_name"),
            remedy=message("faults.map_columns", file=Path(reading.table.file).name),
        )


def _check_other_track(reading: TableReading, columns: dict[str, dict[str, str]]) -> None:
    """Note filled cells of indicators that the row's track does not have."""
    owners: dict[str, set[str]] = {}
    for t, mapping in columns.items():
        for column in mapping.values():
            owners.setdefault(column, set()).add(t)
    for column, tracks in owners.items():
        foreign = ~np.isin(reading.tracks.astype(str), [*tracks, ""])
        if not foreign.any():
            continue
        cells = reading.table.frame[column]
        for row in np.flatnonzero(foreign)[filled(cells[foreign])]:
            reading.faults.add(
                reading.table.where(int(row), column),
                message(
                    "faults.enterprise_of_track_answers_an",
                    tracks=reading.tracks[row],
                    tracks2=" / ".join(sorted(tracks)),
                ),
                value=cells.iloc[row],
                expected=message("faults.an_empty_cell_or_the"),
                remedy=message("faults.skipped_marks", file=Path(reading.table.file).name),
            )
