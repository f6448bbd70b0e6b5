"""A run as a workbook for people who work in Excel.

Excel is a view, not the store: it keeps 15 to 16 digits. Every weight set has a sheet in the form
that calib reads back: ``read_weights("book.xlsx", framework, sheet="set published")``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from calib.errors import InputError
from calib.experiment.stored import stored_tables
from calib.figures import star_colours
from calib.files.folders import MANIFEST, changes, read_manifest
from calib.framework.rule import RULE_OPTIONS
from calib.report import (
    WITHHELD,
    Column,
    Role,
    Table,
    display,
    excel_format,
    heading,
)
from calib.tables import new_workbook
from calib.words import Label, Message, Name, Text, message, resolve_language, say, template

__all__ = ["Sheet", "changed_files", "export_run", "sheets_of_run", "write_workbook"]

_FIRST = ("stars", "transitions", "weights", "agreement", "movers", "downgrades", "node-stars")
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


def write_workbook(
    sheets: Sequence[Sheet], path: str | Path, *, language: str | None = None
) -> Path:
    """Write sheets with number formats, frozen and filtered heads, and a list of contents.

    Parameters
    ----------
    language : of headings and words; the current one if None

    Raises
    ------
    InputError
        When there is no sheet.
    """
    if not sheets:
        raise InputError(message("publish.no_sheet"))
    lang = resolve_language(language)
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
    if isinstance(value, Message):
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


def sheets_of_run(folder: str | Path) -> list[Sheet]:
    """Return the sheets of a run's folder: main results first, weight sets, then the rest.

    What the columns mean stands in the run's data dictionary, ``columns.json``.

    Raises
    ------
    InputError
        When the folder holds no run, or no data dictionary.
    """
    place = Path(folder)
    manifest = _manifest(place)
    tables, names = stored_tables(place)
    order = [n for n in _FIRST if n in tables] + [n for n in tables if n not in _FIRST]
    sheets = []
    for name in order:
        if name == "transitions":
            sheets += _matrices(tables[name], names)
        else:
            sheets.append(Sheet(name, tables[name], names))
    sheets[3:3] = _set_sheets(tables.get("weights"))
    sheets[:0] = _summary(tables, names)
    sheets.append(Sheet("manifest", manifest))
    return sheets


def _manifest(place: Path) -> Table:
    import pandas as pd

    manifest = read_manifest(place)
    if manifest is None or not (place / "tables").is_dir():
        raise InputError(message("publish.no_run", folder=str(place), manifest=MANIFEST))
    rows: list[tuple[str, str, str]] = [("changed", "", t) for t in changed_files(place)]
    for key in ("experiment", "id", "command", "finished", "seed", "population"):
        value = manifest.get(key)
        text = json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value)
        rows.append((key, "", text))
    for group in ("rule_options", "inputs", "versions"):
        rows += [(group, str(k), str(v)) for k, v in manifest.get(group, {}).items()]
    columns = tuple(
        Column(key.split("_")[1], Role.TEXT, label=message(key))
        for key in ("publish.manifest_what", "publish.manifest_name", "publish.manifest_value")
    )
    frame = pd.DataFrame(rows, columns=[c.key for c in columns])
    said = frame.astype(object).assign(
        what=[message(f"publish.of_manifest.{k}") for k in frame["what"]]
    )
    asked = {o.key: o.question for o in RULE_OPTIONS}
    options = frame["what"] == "rule_options"
    said["name"] = [
        asked.get(name, name) if is_option else name
        for name, is_option in zip(frame["name"], options, strict=True)
    ]
    said["value"] = [
        _option_value(str(name), str(value)) if is_option else value
        for name, value, is_option in zip(frame["name"], frame["value"], options, strict=True)
    ]
    return Table("manifest", said, message("publish.manifest"), declared=columns)


def _option_value(option: str, value: str) -> Text | str:
    """Return what a value of a rule option is called."""
    key = f"rule_option_values.{option}.{value}"
    return message(key) if template(key, "en") else value


def _summary(tables: Mapping[str, Table], names: Mapping[str, Text]) -> list[Sheet]:
    """Return the first sheet: enterprises by set and star, and how many move."""
    stars = tables.get("stars")
    if stars is None or stars.frame.empty:
        return []
    own = stars.frame[stars.frame["scope"] == "all"]
    wide = own.pivot_table(index="set", columns="star", values="count", aggfunc="sum", sort=False)
    keys = tuple(f"star_{int(k)}" for k in wide.columns)
    wide = wide.set_axis(list(keys), axis=1)
    wide = wide.fillna(0).astype(int).reset_index()
    if "agreement" in tables:
        moves = tables["agreement"].frame.query("scope == 'all'").set_index("set")
        for key in ("up", "down"):
            wide[key] = wide["set"].map(moves[key]).fillna(0).astype(int)
    columns = tuple(
        Column(k, Role.COUNT, label=names.get(k, Name(k.removeprefix("star_"), k))) for k in keys
    )
    table = Table("summary", wide, message("publish.summary"), declared=columns)
    return [Sheet("summary", table, names, stacked=keys)]


def _matrices(table: Table, names: Mapping[str, Text]) -> list[Sheet]:
    """Return one sheet with the transition matrices of all sets, overall."""
    import pandas as pd

    own = table.frame[table.frame["scope"] == "all"]
    if own.empty:
        return []
    ends = own[["from_star", "to_star"]].to_numpy()
    stars = list(range(min(1, int(ends.min())), int(ends.max()) + 1))
    wide = own.pivot_table(
        index=["set", "from_star"], columns="to_star", values="count", aggfunc="sum", sort=False
    )
    sets = list(dict.fromkeys(own["set"]))
    index = pd.MultiIndex.from_product([sets, stars], names=["set", "from_star"])
    matrix = wide.reindex(index=index, columns=stars).fillna(0).astype(int).reset_index()
    columns = tuple(_to_star(k, names) for k in stars)
    matrix.columns = pd.Index([*matrix.columns[:2], *(c.key for c in columns)])
    title = message("publish.transitions")
    return [Sheet("transitions", Table("transitions", matrix, title, declared=columns), names)]


def _to_star(star: int, names: Mapping[str, Text]) -> Column:
    """Return the column of those that come to a star, headed by the framework's name of it."""
    label = names.get(f"star_{star}", Name(str(star), str(star)))
    return Column(f"to_{star}", Role.COUNT, label=message("publish.to_star", star=label))


def _set_sheets(weights: Table | None) -> list[Sheet]:
    """Return the weight sets in the form that calib reads back."""
    if weights is None:
        return []
    columns = ["track", "level", "parent", "code", "name_zh", "name_en"]
    columns += ["local_weight", "global_weight", "synthetic"]
    sheets = []
    for name, rows in weights.frame.groupby("set", sort=False):
        kept = rows[[c for c in columns if c in rows.columns]].reset_index(drop=True)
        title = message("publish.set_sheet_reads", name=str(name))
        table = Table("weights", kept, title, declared=tuple(weights.columns.values()))
        sheets.append(Sheet(set_sheet_name(str(name)), table, raw=True))
    return sheets


def changed_files(folder: str | Path) -> list[Label]:
    """Return which files of a run were edited or removed since calib wrote it."""
    manifest = read_manifest(Path(folder))
    found = changes(Path(folder), manifest) if manifest is not None else []
    return [text for text in found if not text.endswith("(added)")]


def export_run(folder: str | Path, path: str | Path, *, language: str | None = None) -> Path:
    """Write a run's folder as a workbook; see :func:`sheets_of_run`.

    Files that do not have the hash of the manifest any more are named on its last sheet.

    Raises
    ------
    InputError
        When the folder holds no run, or the path does not end in ``.xlsx``.
    """
    if Path(path).suffix.lower() != ".xlsx":
        raise InputError(message("publish.workbook_ending", file=str(path)))
    return write_workbook(sheets_of_run(folder), path, language=language)
