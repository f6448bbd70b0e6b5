"""Long tables: one row an answer."""

from __future__ import annotations

import numpy as np

from calib._types import BoolArray, FloatArray, IntArray
from calib.errors import did_you_mean
from calib.framework import Track
from calib.population.population import Sample
from calib.population.rows import TableReading
from calib.words import message

__all__ = ["read_long"]


def read_long(reading: TableReading) -> dict[str, Sample]:
    """Return the samples of a long table by track; faults are noted in ``reading``."""
    labels = [str(c) for c in reading.table.frame.columns]
    unused = [h for h in labels if h and h not in reading.labels.values()]
    if unused:
        said = message("population.unused_columns", n=len(unused), columns=unused)
        reading.notes.append(said)
    first: dict[str, int] = {}
    for row, value in enumerate(reading.ids):
        first.setdefault(value, row)
    stray = _stray_rows(reading, first)
    _check_constant(reading, first)
    samples: dict[str, Sample] = {}
    for t, track in reading.framework.tracks.items():
        members = [i for i in first.values() if reading.tracks[i] == t]
        if members:
            mask: BoolArray = (reading.tracks == t) & ~stray
            values = _values(reading, track, members, mask)
            samples[t] = reading.sample(track, np.array(members, np.int64), values)
    return samples


def _stray_rows(reading: TableReading, first: dict[str, int]) -> BoolArray:
    """Return which rows stand on another track than their enterprise's first row."""
    stray = np.zeros(len(reading.ids), dtype=bool)
    for row, value in enumerate(reading.ids):
        own, started = reading.tracks[row], reading.tracks[first[value]]
        stray[row] = own != started
        if stray[row] and value and started and own:
            reading.faults.add(
                reading.table.where(row),
                message("faults.enterprise_stands_on_two_tracks", value=value),
                value=[started, own],
                expected=message("faults.one_track"),
            )
    return stray


def _check_constant(reading: TableReading, first: dict[str, int]) -> None:
    """Note rows whose name or attribute differs from their enterprise's first."""
    for role, column in reading.labels.items():
        if role != "name" and not role.startswith("@"):
            continue
        cells = reading.table.text(column)
        for row, value in enumerate(reading.ids):
            if cells[row] != cells[first[value]]:
                reading.faults.add(
                    reading.table.where(row, column),
                    message("faults.differs_between_rows_of_enterprise", value=value),
                    value=cells[row], expected=repr(cells[first[value]]),
                )  # fmt: skip


def _values(reading: TableReading, track: Track, members: list[int], mask: BoolArray) -> FloatArray:
    """Return the values (n, L) of the enterprises whose first rows are ``members``."""
    place = {reading.ids[i]: r for r, i in enumerate(members)}
    column = {c: j for j, c in enumerate(track.leaf_codes)}
    rows = np.flatnonzero(mask)
    codes = _codes(reading, track, rows)
    expected = message("faults.an_option") if reading.kind == "answers" else reading.valid(track, 0)
    head = reading.labels["value"]
    numbers = reading.table.numbers(
        head, reading.faults, expected=expected, rows=mask, remedy=reading.remedy
    )
    values = np.full((len(members), len(column)), np.nan)
    source = np.full(values.shape, -1, dtype=np.int64)
    for row, code in zip(rows.tolist(), codes, strict=True):
        if code is None:
            continue
        at = place[reading.ids[row]], column[code]
        if source[at] >= 0:
            reading.faults.add(
                reading.table.where(row),
                message("faults.of_enterprise_stands_twice", code=code, ids=reading.ids[row]),
                value=code,
                expected=message("faults.each_indicator_once_an_enterprise"),
            )
        source[at] = row
        values[at] = numbers[row]
    for j in range(len(column)):
        reading.check_values(values[:, j], source[:, j], head, track, j)
    return values


def _codes(reading: TableReading, track: Track, rows: IntArray) -> list[str | None]:
    """Return the leaf code meant in each of ``rows``; words that mean none are faults."""
    head = reading.labels["indicator"]
    words = reading.table.text(head)
    found = {w: track.find(w) for w in {words[i] for i in rows}}
    trees = reading.framework.tracks.values()
    for row in rows.tolist():
        word = words[row]
        if found[word] is not None:
            continue
        if any(tree.find(word) for tree in trees):
            problem = message("faults.indicator_of_another_track", code=track.code)
        else:
            known = [c for tree in trees for c in tree.leaf_codes]
            problem = message("faults.unknown_indicator", hint=did_you_mean(word, known))
        reading.faults.add(
            reading.table.where(row, head),
            problem,
            value=word,
            expected=message("faults.an_indicator_of_track", code=track.code),
        )
    return [found[words[i]] for i in rows]
