"""A copy of a user's own table in which faulty cells are coloured and say what is wrong."""

from __future__ import annotations

import datetime
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from calib.errors import Cell, Fault
from calib.tables.grids import read_grids
from calib.tables.xlsx import new_workbook
from calib.words import Text, say

__all__ = ["write_marked"]

_MOST_COMMENTS = 5_000
"""Comments that a sheet gets; Excel becomes slow beyond."""


def write_marked(
    source: str | os.PathLike[str],
    faults: Sequence[Fault],
    out: str | os.PathLike[str],
    *,
    lang: str,
) -> int:
    """Write a copy of a table as XLSX, its faulty cells coloured, with comments; return how many.

    Values are copied, formats and formulas are not. A first sheet lists every fault.

    Parameters
    ----------
    faults : of this file; those that are about no cell are only listed
    """
    own = [f for f in faults if f.file in ("", os.fspath(source))]
    marked: dict[tuple[str, int, int], list[Fault]] = {}
    for fault in own:
        if isinstance(fault.where, Cell):
            place = (fault.where.sheet, fault.where.row, max(fault.where.column, 0))
            marked.setdefault(place, []).append(fault)
    with new_workbook(out) as book:
        _list(book, own, lang)
        red = book.add_format({"bg_color": "#F8CBAD"})
        dates = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        for grid in read_grids(source):
            title = (grid.sheet or Path(source).stem)[:31]
            sheet = book.add_worksheet(title)
            for r, row in enumerate(grid.rows):
                for c, value in enumerate(row):
                    faulty = (grid.sheet, r, c) in marked
                    _put(sheet, r, c, value, red if faulty else None, dates)
            places = [p for p in marked if p[0] == grid.sheet]
            for _, r, c in places[:_MOST_COMMENTS]:
                sheet.write_comment(r, c, _comment(marked[grid.sheet, r, c], lang))
            sheet.freeze_panes(1, 0)
    return len(marked)


def _list(book: Any, faults: Iterable[Fault], lang: str) -> None:
    sheet = book.add_worksheet(say("tables.marked.sheet", lang))
    labels = [say(f"tables.marked.{k}", lang) for k in ("where", "problem", "value", "expected")]
    bold = book.add_format({"bold": True, "bottom": 1})
    for c, head in enumerate(labels):
        sheet.write_string(0, c, head, bold)
    for r, fault in enumerate(faults, 1):
        value = "" if fault.value is None else str(fault.value)
        cells = (fault.where, fault.problem, value, fault.expected, fault.remedy)
        for c, text in enumerate(cells):
            sheet.write_string(r, c, _said(text, lang))
    sheet.freeze_panes(1, 0)
    sheet.set_column(0, 4, 32)


def _said(text: str | Text, lang: str) -> str:
    return text if isinstance(text, str) else text.get(lang)


def _comment(faults: Sequence[Fault], lang: str) -> str:
    lines = []
    for fault in faults[:3]:
        parts = [fault.problem, fault.expected, fault.remedy]
        lines.append(" ".join(_said(p, lang) for p in parts if p))
    return "\n".join(lines)[:1000]


def _put(sheet: Any, row: int, column: int, value: Any, colour: Any, dates: Any) -> None:
    if value is None or value == "":
        if colour is not None:
            sheet.write_blank(row, column, None, colour)
    elif isinstance(value, bool):
        sheet.write_boolean(row, column, value, colour)
    elif isinstance(value, int | float):
        sheet.write_number(row, column, float(value), colour)
    elif isinstance(value, datetime.datetime):
        sheet.write_datetime(row, column, value, colour or dates)
    else:
        sheet.write_string(row, column, str(value), colour)
