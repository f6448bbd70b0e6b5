"""Excel workbooks: written in one step, and read within limits whatever is in them."""

from __future__ import annotations

import contextlib
import copy
import io
import os
import posixpath
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from calib.errors import InputError
from calib.files.atomic import write_bytes
from calib.files.inputs import note_input
from calib.words import Text, message

__all__ = [
    "CellMarks",
    "column_letters",
    "formula_cells",
    "marked_cells",
    "new_workbook",
    "read_sheets",
    "read_visible_sheets",
    "sheet_names",
]

MOST_UNPACKED = 1_000_000_000
"""Bytes of a workbook's parts together."""
MOST_CELLS = 20_000_000
"""Cells from A1 to the outermost ones of a sheet, filled or not."""
MOST_BINARY = 100_000_000
"""Bytes of an old .xls workbook, whose extent cannot be looked up beforehand."""
_ROWS, _COLUMNS = 1_048_576, 16_384
_LONGEST = 64
_ADDRESS = re.compile(rb"""r(?<!\wr)\s{0,9}=\s{0,9}["']([A-Za-z]{0,9})(\d{1,12})["']""")
"""The attribute with which a row or a cell says where it is; its first letter is found fast."""


@contextlib.contextmanager
def new_workbook(path: str | os.PathLike[str]) -> Iterator[Any]:
    """Give an empty xlsxwriter workbook; it is written to ``path`` in one step at the end.

    Text stays text, whatever it starts with. The book is made in memory: nothing is left in a
    temporary folder, and its size is known before it is written.
    """
    import xlsxwriter

    stream = io.BytesIO()
    options = {
        "in_memory": True, "strings_to_formulas": False, "strings_to_urls": False,
        "strings_to_numbers": False, "nan_inf_to_errors": False,
    }  # fmt: skip
    book = xlsxwriter.Workbook(stream, options)
    yield book
    book.close()
    write_bytes(path, stream.getvalue())


def column_letters(position: int) -> str:
    """Return the Excel letters of a column counted from 0.

    Examples
    --------
    >>> column_letters(0), column_letters(25), column_letters(26)
    ('A', 'Z', 'AA')
    """
    letters = ""
    position += 1
    while position:
        position, rest = divmod(position - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def sheet_names(path: str | os.PathLike[str]) -> list[str]:
    """Return the names of the sheets of a workbook.

    Raises
    ------
    InputError
        When it cannot be read as an Excel workbook.
    """
    with _opened(path) as book:
        return list(book.sheet_names)


def read_sheets(
    path: str | os.PathLike[str], names: Sequence[str] | None = None
) -> dict[str, list[list[Any]]]:
    """Return the cells of sheets by rows, from A1 on.

    Parameters
    ----------
    names : the sheets; all of them if None

    Raises
    ------
    InputError
        When the file cannot be read as an Excel workbook, or is larger than calib reads: more
        than 1 GB unpacked, or a sheet whose outermost cell spans more than 20 million cells.
    """
    with _opened(path) as book:
        wanted = book.sheet_names if names is None else names
        return {n: book.get_sheet_by_name(n).to_python(skip_empty_area=False) for n in wanted}


def read_visible_sheets(
    path: Path, sheet: str | None = None
) -> tuple[dict[str, list[list[Any]]], tuple[Text, ...]]:
    """Return the cells of the visible sheets that hold something, and notes on the others.

    Parameters
    ----------
    sheet : take this one only, hidden or not

    Raises
    ------
    InputError
        When there is no such sheet, or no visible one that holds anything.
    """
    import python_calamine as calamine

    with _opened(path) as book:
        known = [m for m in book.sheets_metadata if m.typ == calamine.SheetTypeEnum.WorkSheet]
        names = [m.name for m in known]
        if not names:
            raise InputError(message("faults.is_a_workbook_without_a", file=path))
        if sheet is not None and sheet not in names:
            raise InputError(
                message("faults.no_sheet_sheets_are", file=path, sheet=repr(sheet), names=names)
            )
        shown = calamine.SheetVisibleEnum.Visible
        hidden = [m.name for m in known if m.visible != shown]
        wanted = [sheet] if sheet is not None else [n for n in names if n not in hidden]
        cells = {n: book.get_sheet_by_name(n).to_python(skip_empty_area=False) for n in wanted}
    filled = {n: rows for n, rows in cells.items() if any(_filled(v) for r in rows for v in r)}
    if not filled:
        empty = sheet if sheet is not None else (wanted or hidden)[0]
        raise InputError(message("faults.sheet_is_empty_expected_a", file=path, sheet=repr(empty)))
    notes: tuple[Text, ...] = ()
    hidden = [n for n in hidden if not n.startswith("_")]  # calib's own, such as lists of choices
    if sheet is None and hidden:
        notes = (message("tables.hidden_sheets", file=path.name, n=len(hidden), names=hidden),)
    return filled, notes


def _filled(value: Any) -> bool:
    return value is not None and not (isinstance(value, str) and not value.strip())


@contextlib.contextmanager
def _opened(path: str | os.PathLike[str]) -> Iterator[Any]:
    """Open a workbook with the fast reader, after a look at what it would have to hold.

    A single cell far out would make the reader ask for more memory than there is, which ends the
    process: there is no error to be caught then.
    """
    import python_calamine

    note_input(path)
    with _reading(path):
        if zipfile.is_zipfile(path):
            _check_extent(path)
        elif os.stat(path).st_size > MOST_BINARY:
            raise InputError(
                message("faults.is_larger_than_bytes", path=path, most=f"{MOST_BINARY:,}")
            )
        with python_calamine.CalamineWorkbook.from_path(str(path)) as book:
            yield book


@contextlib.contextmanager
def _reading(path: str | os.PathLike[str]) -> Iterator[None]:
    """Turn whatever a reader of XLSX says about a corrupt file into one error."""
    try:
        yield
    except InputError:
        raise
    except Exception as exc:
        what = str(exc) or type(exc).__name__
        raise InputError(message("faults.cannot_be_read_as_an", path=path, what=what)) from exc
    except BaseException as exc:
        if type(exc).__name__ != "PanicException":  # of the reader's native code
            raise
        raise InputError(message("faults.cannot_be_read_as_an_2", path=path, exc=exc)) from exc


def _check_extent(path: str | os.PathLike[str]) -> None:
    with zipfile.ZipFile(path) as archive:
        if sum(info.file_size for info in archive.infolist()) > MOST_UNPACKED:
            raise _too_large(path)
        unpacked = 0  # sizes may be stated wrongly
        for info in archive.infolist():
            rows = columns = 0
            sheet = info.filename.lower().startswith("xl/worksheets/")
            tail = b""
            for block in _blocks(archive, info):
                unpacked += len(block)
                if unpacked > MOST_UNPACKED:
                    raise _too_large(path)
                if sheet:
                    for letters, digits in _ADDRESS.findall(tail + block):
                        rows = max(rows, int(digits))
                        columns = max(columns, _position(letters))
                    tail = block[-_LONGEST:]
            if rows > _ROWS or columns > _COLUMNS:
                raise InputError(
                    message("faults.names_a_cell_that_no", path=path, filename=info.filename)
                )
            if rows * columns > MOST_CELLS:
                raise InputError(
                    message(
                        "faults.its_outermost_cells_span_rows",
                        path=path,
                        filename=info.filename,
                        rows=f"{rows:,}",
                        columns=f"{columns:,}",
                        most_cells=f"{MOST_CELLS:,}",
                    )
                )


def _too_large(path: str | os.PathLike[str]) -> InputError:
    most = f"{MOST_UNPACKED:,}"
    return InputError(
        message("faults.holds_more_than_bytes_unpacked", path=path, most_unpacked=most)
    )


def _blocks(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[bytes]:
    """Unpack a part bit by bit, whatever size it claims to have."""
    honest = copy.copy(info)
    honest.file_size = MOST_UNPACKED + 1
    honest.CRC = None  # type: ignore[assignment]  # not checked: the reader does
    with archive.open(honest) as stream:
        while block := stream.read(1 << 20):
            yield block


def _position(letters: bytes) -> int:
    """Return the column of letters, counted from 1; 1 where there are none."""
    position = 0
    for letter in letters.upper():
        position = position * 26 + letter - 64
    return max(position, 1)


@dataclass(frozen=True)
class CellMarks:
    """What the values of a sheet do not show.

    Attributes
    ----------
    formulas : addresses of the cells that hold a formula
    errors : error codes such as ``#REF!`` by address
    """

    formulas: frozenset[str] = frozenset()
    errors: Mapping[str, str] = field(default_factory=dict)


def formula_cells(path: Path, sheet: str) -> frozenset[str]:
    """Return the addresses of the cells of a sheet that hold a formula."""
    return marked_cells(path, sheet).formulas


def marked_cells(path: Path, sheet: str) -> CellMarks:
    """Return which cells of a sheet hold a formula or an error; none in other than XLSX."""
    if path.suffix.lower() not in (".xlsx", ".xlsm"):
        return CellMarks()
    with _reading(path), zipfile.ZipFile(path) as archive:
        part = _sheet_part(archive, sheet)
        if part is None or part not in archive.namelist():
            return CellMarks()
        formulas: set[str] = set()
        errors: dict[str, str] = {}
        with archive.open(part) as stream:
            for _, element in ElementTree.iterparse(stream):
                tag = element.tag.rpartition("}")[2]
                if tag != "c":
                    continue
                children = {child.tag.rpartition("}")[2]: child for child in element}
                if "f" in children:
                    formulas.add(element.get("r", ""))
                if element.get("t") == "e" and "v" in children:
                    errors[element.get("r", "")] = children["v"].text or ""
                element.clear()
        return CellMarks(frozenset(formulas), errors)


def _sheet_part(archive: zipfile.ZipFile, sheet: str) -> str | None:
    # Names are looked at without their namespaces: Strict Open XML has others.
    workbook = ElementTree.fromstring(archive.read("xl/workbook.xml"))
    sheets = [s for s in workbook.iter() if s.tag.rpartition("}")[2] == "sheet"]
    identifier = next(
        (v for s in sheets if s.get("name") == sheet for k, v in s.items() if k.endswith("}id")),
        None,
    )
    relations = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
    for relation in relations:
        if relation.get("Id") == identifier:
            target = relation.get("Target", "")
            return target.lstrip("/") if target.startswith("/") else posixpath.join("xl", target)
    return None
