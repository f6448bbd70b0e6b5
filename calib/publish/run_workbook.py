"""The workbook of a run: main results first, weight sets as calib reads them back, the manifest."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from calib.errors import InputError
from calib.experiment.stored import stored_tables
from calib.files.folders import MANIFEST, changes, read_manifest
from calib.framework.rule import RULE_OPTIONS
from calib.publish.workbook import Sheet, set_sheet_name, write_workbook
from calib.report import Column, Role, Table, option_text
from calib.words import Label, Name, Text, message

__all__ = ["changed_files", "export_run", "sheets_of_run"]

_FIRST = ("stars", "transitions", "weights", "agreement", "movers", "downgrades", "node-stars")


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
        option_text(str(name), str(value)) if is_option else value
        for name, value, is_option in zip(frame["name"], frame["value"], options, strict=True)
    ]
    return Table("manifest", said, message("publish.manifest"), declared=columns)


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


def export_run(folder: str | Path, path: str | Path, *, lang: str | None = None) -> Path:
    """Write a run's folder as a workbook; see :func:`sheets_of_run`.

    Files that do not have the hash of the manifest any more are named on its last sheet.

    Raises
    ------
    InputError
        When the folder holds no run, or the path does not end in ``.xlsx``.
    """
    if Path(path).suffix.lower() != ".xlsx":
        raise InputError(message("publish.workbook_ending", file=str(path)))
    return write_workbook(sheets_of_run(folder), path, lang=lang)
