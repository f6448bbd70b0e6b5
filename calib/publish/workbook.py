"""Tables as a workbook for people who work in Excel.

Excel is a view, not the store: it keeps 15 to 16 digits. Every weight set has a sheet in the form
that calib reads back: ``read_weights("book.xlsx", framework, sheet="set published")``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from calib.errors import InputError
from calib.figures import star_colours
from calib.report import (
    WITHHELD,
    Column,
    Table,
    display,
    excel_format,
    heading,
)
from calib.tables import new_workbook
from calib.words import Text, message, resolve_language, say

__all__ = ["Sheet", "set_sheet_name", "write_workbook"]

_WIDEST = 46
_MEASURED = 200
"""Rows by which the width of a column is measured."""


@dataclass(frozen=True, eq=False)
class Sheet:
    """One sheet.

    Attributes
    ----------
    name : of the sheet; Excel takes 31 characters of it
    table : what it shows
    names : names of nodes, tracks and stars by code
    raw : whether columns keep their own names and values their codes, for programs that read it
    stacked : keys of counts that a chart stacks for each row, beside the table
    """

    name: str
    table: Table
    names: Mapping[str, Text] = field(default_factory=dict)
    raw: bool = False
    stacked: tuple[str, ...] = ()

    @property
    def blank(self) -> str | None:
        """The key of a column with a blank, None where every cell says something."""
        frame = self.table.frame
        unknown = [str(c) for c in frame.columns if any(_is_blank(v) for v in frame[c])]
        return unknown[0] if unknown else None


def write_workbook(sheets: Sequence[Sheet], path: str | Path, *, lang: str | None = None) -> Path:
    """Write sheets with number formats, frozen and filtered heads, and a list of contents.

    Parameters
    ----------
    lang : of headings and words; the current one if None

    Raises
    ------
    InputError
        When there is no sheet.
    """
    if not sheets:
        raise InputError(message("publish.no_sheet"))
    lang = resolve_language(lang)
    sheets = [_spoken(sheet, lang) for sheet in sheets]
    names = _sheet_names(sheets, lang)
    with new_workbook(path) as book:
        # The same run gives the same bytes.
        book.set_properties({"created": datetime(2000, 1, 1)})
        formats = _Formats(book)
        pages = dict.fromkeys(range(len(sheets)))
        if sheets[0].stacked:  # what is to be seen first
            pages[0] = book.add_worksheet(names[0])
        _contents(book, sheets, names, formats, lang)
        for i, (sheet, name) in enumerate(zip(sheets, names, strict=True)):
            page = pages[i] or book.add_worksheet(name)
            _write_sheet(page, sheet, formats, lang)
            if sheet.stacked and len(sheet.table.frame):
                _insert_chart(book, page, sheet, name, lang)
        if pages[0] is not None:
            pages[0].activate()
    return Path(path)


def _spoken(sheet: Sheet, lang: str) -> Sheet:
    """Return a sheet with the texts of one language, where files of a run hold those of both."""
    keys = {str(c) for c in sheet.table.frame.columns}
    others = set()
    for key in (k for k in keys if k.endswith("_zh")):
        plain = key.removesuffix("_zh")
        english = plain if plain in keys else f"{plain}_en"
        if english in keys:
            others.add(english if lang == "zh" else key)
    if sheet.raw or not others:
        return sheet
    return replace(
        sheet, table=replace(sheet.table, frame=sheet.table.frame.drop(columns=list(others)))
    )


def _insert_chart(book: Any, page: Any, sheet: Sheet, name: str, lang: str) -> None:
    """Put a chart of Excel's own beside a table: a bar a row, its counts stacked."""
    frame, keys = sheet.table.frame, list(sheet.table.frame.columns)
    chart = book.add_chart({"type": "bar", "subtype": "stacked"})
    colours = star_colours(len(sheet.stacked))
    for key, colour in zip(sheet.stacked, colours, strict=True):
        j = keys.index(key)
        chart.add_series({
            "name": [name, 0, j], "categories": [name, 1, 0, len(frame), 0],
            "values": [name, 1, j, len(frame), j], "fill": {"color": colour}, "gap": 40,
        })  # fmt: skip
    chart.set_title({"name": sheet.table.title.get(lang), "name_font": {"size": 12}})
    chart.set_y_axis({"reverse": True})  # the first set above, as in the table
    chart.set_legend({"position": "bottom"})
    chart.set_size({"width": 760, "height": 160 + 34 * min(len(frame), 24)})
    page.insert_chart(len(frame) + 2, 0, chart)


class _Formats(dict[str, Any]):
    """Formats of a workbook: by their use, or by a number format, each made once."""

    def __init__(self, book: Any) -> None:
        base = {"font_name": "Noto Sans CJK SC", "font_size": 10}
        line = {**base, "bold": True, "bottom": 1, "text_wrap": True, "valign": "top"}
        super().__init__(
            text=book.add_format(base),
            head=book.add_format({**line, "bg_color": "#E8EDF4"}),
            title=book.add_format({**base, "bold": True, "font_size": 14}),
            link=book.add_format({**base, "font_color": "#2B5FA8", "underline": 1}),
        )
        self._make: Callable[[str], Any] = lambda number: book.add_format(
            {**base, "num_format": number}
        )

    def __missing__(self, number: str) -> Any:
        return self.setdefault(number, self._make(number))


def _write_sheet(page: Any, sheet: Sheet, formats: _Formats, lang: str) -> None:
    frame, columns = sheet.table.frame, list(sheet.table.columns.values())
    heads = [c.key if sheet.raw else heading(c, lang, sheet.names) for c in columns]
    styles = [formats[excel_format(c) if c.numeric or c.unit else "text"] for c in columns]
    for j, text in enumerate(heads):
        page.write_string(0, j, text, formats["head"])
    widths = [_places(text) for text in heads]
    for i, row in enumerate(frame.itertuples(index=False), start=1):
        for j, value in enumerate(row):
            shown = _cell(value, columns[j], sheet, lang)
            _write_cell(page, i, j, shown, styles[j])
            if i <= _MEASURED and isinstance(shown, str):
                widths[j] = max(widths[j], _places(shown))
    for j, width in enumerate(widths):
        page.set_column(j, j, min(_WIDEST, max(width, 6) + 2), styles[j])
    # A head that stays in sight, and the columns that name a row.
    page.freeze_panes(1, sum(1 for c in columns[:3] if not c.numeric))
    if len(frame):
        page.autofilter(0, 0, len(frame), max(0, len(columns) - 1))
    page.set_landscape()
    page.fit_to_pages(1, 0)
    page.repeat_rows(0)


def _is_blank(value: Any) -> bool:
    import pandas as pd

    return bool(pd.isna(value)) or (isinstance(value, float) and math.isinf(value))


def _cell(value: Any, column: Column, sheet: Sheet, lang: str) -> Any:
    """Return a value for Excel: codes in words, what is undefined or infinite as None."""
    if _is_blank(value):
        return None
    if isinstance(value, Text) and not isinstance(value, str):
        return value.get(lang)
    if isinstance(value, str) and value == WITHHELD:
        return display(value, column, lang)
    within_a_year = column.unit == "years" and value != math.floor(value)
    if not sheet.raw and (within_a_year or (isinstance(value, str) and column.coded)):
        return display(value, column, lang, sheet.names)
    return value


def _write_cell(page: Any, i: int, j: int, value: Any, style: Any) -> None:
    if value is None:
        page.write_blank(i, j, None, style)
    elif isinstance(value, bool) or type(value).__name__ == "bool":
        page.write_boolean(i, j, bool(value), style)
    elif isinstance(value, str):
        page.write_string(i, j, value, style)
    else:
        page.write_number(i, j, float(value), style)


def _places(text: str) -> int:
    """Return the width of a text in Latin characters; Chinese ones take two."""
    return sum(2 if ord(c) > 0x2E7F else 1 for c in text)


def _sheet_names(sheets: Sequence[Sheet], lang: str) -> list[str]:
    """Return names that Excel takes: 31 characters, no signs, no two alike."""
    taken: set[str] = {say("publish.contents_sheet", lang).casefold()}
    out = []
    for sheet in sheets:
        # A sheet that programs read keeps its name; others are called in the reader's language.
        called = sheet.name if sheet.raw or lang == "en" else sheet.table.title.get(lang)
        plain = "".join("-" if c in "[]:*?/\\'" else c for c in called)[:31] or "sheet"
        name, number = plain, 2
        while name.casefold() in taken:
            tail = f" {number}"
            name, number = plain[: 31 - len(tail)] + tail, number + 1
        taken.add(name.casefold())
        out.append(name)
    return out


def _contents(
    book: Any, sheets: Sequence[Sheet], names: Sequence[str], formats: _Formats,
    language: str,
) -> None:  # fmt: skip
    page = book.add_worksheet(say("publish.contents_sheet", language))
    page.write_string(0, 0, say("publish.contents", language), formats["title"])
    for i, (sheet, name) in enumerate(zip(sheets, names, strict=True), start=2):
        page.write_url(i, 0, f"internal:'{name}'!A1", formats["link"], name)
        page.write_string(i, 1, sheet.table.title.get(language), formats["text"])
        page.write_number(i, 2, len(sheet.table.frame), formats["0"])
        meaning = "" if sheet.blank is None else sheet.table.blank.get(language)
        page.write_string(i, 3, meaning, formats["text"])
    heads = ("publish.sheet", "publish.what", "publish.rows", "publish.blanks")
    for j, key in enumerate(heads):
        page.write_string(1, j, say(key, language), formats["head"])
    page.set_column(0, 0, 30)
    page.set_column(1, 1, 60)
    page.set_column(3, 3, 60)
    page.freeze_panes(2, 0)


def set_sheet_name(name: str) -> str:
    """Return the sheet of a weight set."""
    return f"set {name}".replace("/", "-")[:31]
