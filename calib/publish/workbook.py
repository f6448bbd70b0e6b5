"""A run as a workbook for people who work in Excel.

Excel is a view, not the store: it keeps 15 to 16 digits. Every weight set has a sheet in the form
that calib reads back: ``read_weights("book.xlsx", framework, sheet="set published")``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from calib._folders import MANIFEST, changes, read_manifest
from calib.errors import InputError
from calib.experiment.wording import head
from calib.tables import new_workbook, unmarked

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Sheet", "changed_files", "export_run", "sheets_of_run", "write_workbook"]

_FIRST = ("stars", "transitions", "weights", "agreement", "movers", "downgrades", "node-stars")
_WIDEST = 46


@dataclass(frozen=True, eq=False)
class Sheet:
    """One sheet: its name, what it shows, its table; ``raw`` keeps the columns' own names."""

    name: str
    title: str
    frame: pd.DataFrame
    raw: bool = False


def write_workbook(sheets: Sequence[Sheet], path: str | Path, *, language: str = "zh") -> Path:
    """Write sheets with number formats, frozen and filtered heads, and a list of contents.

    Raises
    ------
    InputError
        When there is no sheet.
    """
    if not sheets:
        raise InputError("a workbook needs at least one sheet")
    names = _sheet_names(sheets)
    with new_workbook(path) as book:
        # The same run gives the same bytes.
        book.set_properties({"created": datetime(2000, 1, 1)})
        formats = _formats(book)
        _contents(book, sheets, names, formats, language)
        for sheet, name in zip(sheets, names, strict=True):
            _write_sheet(book.add_worksheet(name), sheet, formats, language)
    return Path(path)


def _formats(book: Any) -> dict[str, Any]:
    base = {"font_name": "Noto Sans CJK SC", "font_size": 10}
    line = {**base, "bold": True, "bottom": 1, "text_wrap": True, "valign": "top"}
    return {
        "text": book.add_format(base),
        "head": book.add_format({**line, "bg_color": "#E8EDF4"}),
        "title": book.add_format({**base, "bold": True, "font_size": 14}),
        "link": book.add_format({**base, "font_color": "#2B5FA8", "underline": 1}),
        "share": book.add_format({**base, "num_format": "0.0%"}),
        "weight": book.add_format({**base, "num_format": "0.0000"}),
        "points": book.add_format({**base, "num_format": "0.00"}),
        "count": book.add_format({**base, "num_format": "0"}),
        "general": book.add_format({**base, "num_format": "0.####"}),
    }


def _kind(column: str, values: pd.Series) -> str:
    """Return the number format of a column from its name and values."""
    import pandas as pd

    if not pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
        return "text"
    if column == "share" or column.endswith("_share"):
        return "share"
    if pd.api.types.is_integer_dtype(values):
        return "count"
    if "weight" in column or column.endswith("_local") or column in ("lower", "upper"):
        return "weight"
    if column.startswith(("total", "score")) or column.endswith(("_pp", "_change")):
        return "points"
    return "general"


def _write_sheet(page: Any, sheet: Sheet, formats: Mapping[str, Any], language: str) -> None:
    frame = sheet.frame
    columns = [str(c) for c in frame.columns]
    shown = columns if sheet.raw else [head(c, language) for c in columns]
    kinds = [_kind(c, frame[o]) for c, o in zip(columns, frame.columns, strict=True)]
    for j, text in enumerate(shown):
        page.write_string(0, j, text, formats["head"])
    for i, row in enumerate(frame.itertuples(index=False), start=1):
        for j, value in enumerate(row):
            _write_cell(page, i, j, value, formats[kinds[j]])
    for j, text in enumerate(shown):
        cells = [str(v) for v in frame.iloc[:200, j]] if kinds[j] == "text" else ["0.0000"]
        width = max((_places(t) for t in (text, *cells)), default=8)
        page.set_column(j, j, min(_WIDEST, width + 2), formats[kinds[j]])
    # A head that stays in sight, and the columns that name a row.
    page.freeze_panes(1, sum(1 for k in kinds[:3] if k == "text"))
    if len(frame):
        page.autofilter(0, 0, len(frame), max(0, len(columns) - 1))
    page.set_landscape()
    page.fit_to_pages(1, 0)
    page.repeat_rows(0)


def _write_cell(page: Any, i: int, j: int, value: Any, style: Any) -> None:
    if value is None or value != value:
        page.write_blank(i, j, None, style)
    elif isinstance(value, bool) or type(value).__name__ == "bool":
        page.write_boolean(i, j, bool(value), style)
    elif isinstance(value, str):
        page.write_string(i, j, value, style)
    elif math.isinf(value):
        page.write_string(i, j, "∞" if value > 0 else "−∞", style)  # Excel has no infinity
    else:
        page.write_number(i, j, float(value), style)


def _places(text: str) -> int:
    """Return the width of a text in Latin characters; Chinese ones take two."""
    return sum(2 if ord(c) > 0x2E7F else 1 for c in text)


def _sheet_names(sheets: Sequence[Sheet]) -> list[str]:
    """Return names that Excel takes: 31 characters, no signs, no two alike."""
    taken: set[str] = {"contents", "目录"}
    out = []
    for sheet in sheets:
        plain = "".join("-" if c in "[]:*?/\\'" else c for c in sheet.name)[:31] or "sheet"
        name, number = plain, 2
        while name.casefold() in taken:
            tail = f" {number}"
            name, number = plain[: 31 - len(tail)] + tail, number + 1
        taken.add(name.casefold())
        out.append(name)
    return out


def _contents(
    book: Any, sheets: Sequence[Sheet], names: Sequence[str], formats: Mapping[str, Any],
    language: str,
) -> None:  # fmt: skip
    page = book.add_worksheet("目录" if language == "zh" else "contents")
    page.write_string(0, 0, "目录" if language == "zh" else "Contents", formats["title"])
    for i, (sheet, name) in enumerate(zip(sheets, names, strict=True), start=2):
        page.write_url(i, 0, f"internal:'{name}'!A1", formats["link"], name)
        page.write_string(i, 1, sheet.title, formats["text"])
        page.write_number(i, 2, len(sheet.frame), formats["count"])
    page.write_string(1, 2, "行数" if language == "zh" else "rows", formats["head"])
    page.write_string(1, 0, "工作表" if language == "zh" else "sheet", formats["head"])
    page.write_string(1, 1, "内容" if language == "zh" else "what it shows", formats["head"])
    page.set_column(0, 0, 30)
    page.set_column(1, 1, 60)
    page.freeze_panes(2, 0)


def set_sheet_name(name: str) -> str:
    """Return the sheet of a weight set."""
    return f"set {name}".replace("/", "-")[:31]


def sheets_of_run(folder: str | Path, *, language: str = "zh") -> list[Sheet]:
    """Return the sheets of a run's folder: main results first, weight sets, then the rest.

    Raises
    ------
    InputError
        When the folder holds no run.
    """
    place = Path(folder)
    manifest = _manifest(place)
    zh = language == "zh"
    frames = {p.stem: _frame(p) for p in sorted((place / "tables").glob("*.csv"))}
    order = [n for n in _FIRST if n in frames] + [n for n in frames if n not in _FIRST]
    sheets = []
    for name in order:
        if name == "transitions":
            sheets += _matrices(frames[name], zh)
        else:
            sheets.append(Sheet(name, _title(name, zh), frames[name]))
    sheets[3:3] = _set_sheets(place, frames.get("weights"), zh)
    sheets.append(Sheet("manifest", "来源与版本" if zh else "inputs and versions", manifest))
    return sheets


def _frame(path: Path) -> pd.DataFrame:
    """Read a table of a run; texts lose the mark that kept them from being run in a CSV."""
    import pandas as pd

    try:
        frame = pd.read_csv(path, encoding="utf-8-sig", keep_default_na=False, na_values=[""])
    except ValueError as exc:  # pandas' own errors are among these
        raise InputError(f"{path}: is no table of a run any more: {exc}") from exc
    texts = [c for c in frame.columns if not pd.api.types.is_numeric_dtype(frame[c].dtype)]
    frame[texts] = frame[texts].map(unmarked)
    frame.columns = frame.columns.map(unmarked)
    return frame


def _title(name: str, zh: bool) -> str:
    titles = {
        "stars": ("星级分布", "star distribution"), "weights": ("权重比较", "weights compared"),
        "agreement": ("与基准的一致性", "agreement with the baseline"),
        "movers": ("星级变化的企业", "who moves, and why"),
        "downgrades": ("被降级的企业", "downgraded enterprises"),
        "node-stars": ("一级指标星级", "stars of first-level nodes"),
        "distances": ("与基准权重的距离", "distance from the baseline weights"),
        "provenance": ("权重来源", "where the weights come from"),
        "enterprises": ("企业结果", "every enterprise under every set"),
    }  # fmt: skip
    return titles.get(name, (name, name))[0 if zh else 1]


def _manifest(place: Path) -> pd.DataFrame:
    import pandas as pd

    manifest = read_manifest(place)
    if manifest is None or not (place / "tables").is_dir():
        raise InputError(
            f"{place}: no run here; expected a folder that calib run wrote, with {MANIFEST}"
        )
    rows = [("changed since the run", "", text) for text in changed_files(place)]
    for key in ("experiment", "id", "command", "finished", "seed", "population"):
        value = manifest.get(key)
        text = json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value)
        rows.append((key, "", text))
    for group in ("readings", "inputs", "versions"):
        rows += [(group, str(k), str(v)) for k, v in manifest.get(group, {}).items()]
    return pd.DataFrame(rows, columns=["what", "name", "value"])


def _matrices(frame: pd.DataFrame, zh: bool) -> list[Sheet]:
    """Return one sheet with the transition matrices of all sets, overall."""
    import pandas as pd

    own = frame[frame["scope"] == "all"]
    if own.empty:
        return []
    ends = own[["from_star", "to_star"]].to_numpy()
    stars = list(range(min(1, int(ends.min())), int(ends.max()) + 1))
    wide = own.pivot_table(
        index=["set", "from_star"], columns="to_star", values="count", aggfunc="sum", sort=False
    )
    sets = list(dict.fromkeys(own["set"]))
    index = pd.MultiIndex.from_product([sets, stars], names=["set", "from_star"])
    table = wide.reindex(index=index, columns=stars).fillna(0).astype(int).reset_index()
    table.columns = pd.Index([*table.columns[:2], *[f"→ {s}★" for s in stars]])
    title = "星级转移：行为基准星级" if zh else "transitions: rows are stars under the baseline"
    return [Sheet("transitions", title, table)]


def _set_sheets(place: Path, weights: pd.DataFrame | None, zh: bool) -> list[Sheet]:
    """Return the weight sets in the form that calib reads back."""
    if weights is None:
        return []
    columns = ["track", "level", "parent", "code", "name_zh", "name_en"]
    columns += ["local_weight", "global_weight"]
    sheets = []
    for name, table in weights.groupby("set", sort=False):
        kept = table[[c for c in columns if c in table.columns]].reset_index(drop=True)
        title = f"权重方案 {name}" if zh else f"weight set {name}; calib reads this sheet"
        sheets.append(Sheet(set_sheet_name(str(name)), title, kept, raw=True))
    return sheets


def changed_files(folder: str | Path) -> list[str]:
    """Return which files of a run were edited or removed since calib wrote it."""
    manifest = read_manifest(Path(folder))
    found = changes(Path(folder), manifest) if manifest is not None else []
    return [text for text in found if not text.endswith("(added)")]


def export_run(folder: str | Path, path: str | Path, *, language: str = "zh") -> Path:
    """Write a run's folder as a workbook; see :func:`sheets_of_run`.

    Files that do not have the hash of the manifest any more are named on its last sheet.

    Raises
    ------
    InputError
        When the folder holds no run, or the path does not end in ``.xlsx``.
    """
    if Path(path).suffix.lower() != ".xlsx":
        raise InputError(f"{path}: a workbook's name ends in .xlsx")
    return write_workbook(sheets_of_run(folder, language=language), path, language=language)
