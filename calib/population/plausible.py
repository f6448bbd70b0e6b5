"""What a table of enterprises says that cannot be right, though every cell by itself could be."""

from __future__ import annotations

import datetime
from collections.abc import Mapping

import numpy as np

from calib.imports.text import fold
from calib.imports.vocabulary import words
from calib.population.population import Sample
from calib.population.rows import TableReading
from calib.words import message

__all__ = ["check_plausible"]

_ENOUGH = 40
"""Values from which a range, or a missing option, says something."""
_FEWEST_ROWS = 6
"""Enterprises from which one gap at an end stands out."""
_MANY_ROWS = 20
"""Enterprises of which one at least would choose the highest option of some item."""


def check_plausible(
    reading: TableReading, samples: Mapping[str, Sample], *, asked: bool, long: bool
) -> None:
    """Note as faults what is wrong beyond doubt, and as notes what a person should look at.

    Parameters
    ----------
    asked : a person has said what the numbers are
    """
    _check_ids(reading, long=long)
    if not long:
        _check_same_answers(reading, samples)
        _note_shifted(reading, samples)
    if reading.kind == "scores" and not asked:
        _check_scores(reading, samples)
    elif reading.kind == "answers":
        _note_highest(reading, samples)


def _check_ids(reading: TableReading, *, long: bool) -> None:
    """Find totals, dates, and ids that only spaces, width or case tell apart."""
    column = reading.labels["enterprise"]
    cells = reading.table.frame[column].tolist()
    first: dict[str, int] = {}
    for row, (text, cell) in enumerate(zip(reading.ids, cells, strict=True)):
        where = reading.table.where(row, column)
        if {fold(text), fold(reading.names[row])} & set(words("weights", "total")):
            reading.faults.add(
                where, message("faults.total_row"), value=text, expected=message("faults.delete_it")
            )
        if isinstance(cell, datetime.date):
            reading.faults.add(where, message("faults.id_is_a_date"), value=text,
                               expected=message("faults.id_as_text"))  # fmt: skip
        if isinstance(cell, float) and abs(cell) >= 2**53:
            reading.faults.add(where, message("faults.id_lost_digits"), value=text,
                               expected=message("faults.id_as_text"))  # fmt: skip
        key = fold(text).replace(" ", "")
        before = first.setdefault(key, row)
        if text and before != row and reading.ids[before] != text:
            reading.faults.add(
                where,
                message("faults.id_like_another"),
                value=text,
                expected=message(
                    "faults.one_row_an_enterprise", where=reading.table.where(before, column)
                ),
            )


def _check_same_answers(reading: TableReading, samples: Mapping[str, Sample]) -> None:
    """Find enterprises that stand twice: same name, same answers, another id."""
    for t, sample in samples.items():
        rows = np.flatnonzero(reading.tracks == t)
        seen: dict[tuple[str, bytes], int] = {}
        for i, row in enumerate(rows.tolist()):
            name = fold(str(sample.names[i]))
            if name == fold(str(sample.ids[i])):
                continue
            before = seen.setdefault((name, sample.values[i].tobytes()), row)
            if before != row:
                column = reading.labels.get("name", reading.labels["enterprise"])
                reading.faults.add(
                    reading.table.where(row, column),
                    message("faults.same_answers_and_name"),
                    value=str(sample.names[i]),
                    expected=message(
                        "faults.one_row_an_enterprise", where=reading.table.where(before, column)
                    ),
                )


def _note_shifted(reading: TableReading, samples: Mapping[str, Sample]) -> None:
    """Say where a column is empty at one end only, as one is that was pasted a row off."""
    for sample in samples.values():
        gap = np.isnan(sample.values)
        if len(gap) < _FEWEST_ROWS:
            continue
        for row, key in ((0, "pasted_low"), (-1, "pasted_high")):
            alone = gap[row] & (gap.sum(axis=0) == 1)
            for j in np.flatnonzero(alone) if gap[row].sum() == 1 else ():
                said = {"column": sample.track.leaf_codes[j], "id": str(sample.ids[row])}
                reading.notes.append(message(f"population.{key}", **said))


def _check_scores(reading: TableReading, samples: Mapping[str, Sample]) -> None:
    """Refuse "scores" that are option numbers or shares: nothing comes near the highest score."""
    given = [s.values[~np.isnan(s.values)] for s in samples.values()]
    every = np.concatenate([np.empty(0), *given])
    rule = reading.framework.rule
    if len(every) < _ENOUGH or rule.high <= 10:
        return
    high = float(every.max())
    if high <= 1 + rule.low:
        key = "faults.scores_are_shares"
    elif high <= 5 + rule.low and bool(np.all(every == np.rint(every))):
        key = "faults.scores_are_options"
    else:
        return
    reading.faults.add(
        "", message(key, high=f"{high:g}", n=len(every)),
        expected=message("faults.scores_expected", low=rule.low, high=rule.high),
    )  # fmt: skip


def _note_highest(reading: TableReading, samples: Mapping[str, Sample]) -> None:
    """Say so where nobody chose the highest option of any item: options counted from 0 look so."""
    if sum(len(s) for s in samples.values()) < _MANY_ROWS:
        return
    for sample in samples.values():
        items = [sample.track.nodes[i].item for i in sample.track.leaves]
        top = np.array([np.nan if i is None or i.span else i.options for i in items])
        if bool((sample.values == top).any()) or bool(np.isnan(top).all()):
            return  # a number has no options
    reading.notes.append(message("population.nobody_highest"))
