"""From a table to a population: wide or long, every fault of the table at once."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from calib._types import BoolArray, FloatArray, IntArray
from calib.errors import Faults, suggest
from calib.framework import Framework, Track
from calib.population.population import Kind, Labels, Population, Sample
from calib.tables import RawTable, filled, read_table

__all__ = ["ATTRIBUTES", "parse_population", "read_population"]

_ALIASES = {
    "enterprise": ("enterprise", "enterprise_id", "id", "企业编号", "企业代码", "编号", "企业"),
    "name": ("name", "enterprise_name", "企业名称", "名称"),
    "track": ("track", "企业类型", "行业类型", "类型", "轨道"),
    "indicator": ("indicator", "code", "指标", "指标编码", "指标代码"),
    "value": ("value", "answer", "score", "值", "答案", "选项", "得分", "分值"),
}
ATTRIBUTES = ("size", "region", "industry", "segment", "year", "weight", "province", "ownership")
"""Columns that are taken as attributes of the enterprise without being declared."""
_ATTRIBUTE_ALIASES = {
    "规模": "size", "企业规模": "size", "地区": "region", "省份": "province", "行业": "industry",
    "分组": "segment", "年份": "year", "年度": "year",
}  # fmt: skip


def read_population(
    path: str | os.PathLike[str],
    framework: Framework,
    *,
    kind: Kind = "answers",
    sheet: str | None = None,
    attributes: Sequence[str] = (),
    label: str = "",
    synthetic: bool = False,
) -> Population:
    """Read a population from CSV, XLSX or Parquet, wide or long.

    Wide: one row an enterprise, a column ``enterprise``, ``track`` (if the framework has several),
    optionally ``name`` and attributes, and one column an indicator, headed by its code or by its
    Chinese or English name. Long: columns ``enterprise``, ``track``, ``indicator``, ``value``.
    Chinese heads (企业编号, 企业名称, 企业类型, 指标, 得分 …) are understood.

    Parameters
    ----------
    kind : ``"answers"`` (option numbers from 1) or ``"scores"`` (points on the framework's scale)
    attributes : further columns to keep as attributes of an enterprise

    Raises
    ------
    InputError
        With every fault of the file by cell.
    """
    table = read_table(path, sheet=sheet)
    digest = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    return parse_population(
        table, framework, kind=kind, attributes=attributes, label=label or Path(path).stem,
        synthetic=synthetic, digest=digest,
    )  # fmt: skip


def parse_population(
    table: RawTable,
    framework: Framework,
    *,
    kind: Kind = "answers",
    attributes: Sequence[str] = (),
    label: str = "",
    synthetic: bool = False,
    digest: str = "",
) -> Population:
    """Build a population from a raw table; see :func:`read_population`."""
    faults = Faults(table.file)
    heads = _heads(table, framework, attributes)
    if "enterprise" not in heads:
        faults.add(
            "header",
            "no column of enterprise ids",
            value=list(table.frame.columns)[:8],
            expected="a column enterprise (or 企业编号)",
        )
    if "track" not in heads and len(framework.tracks) > 1:
        faults.add("header", "no column of tracks", expected="a column track (or 企业类型)")
    faults.raise_if_any()
    long = "indicator" in heads and "value" in heads
    if not long:  # a lone column of either kind is a column like any other
        heads = {role: c for role, c in heads.items() if role not in ("indicator", "value")}
    rows = _rows(table, framework, heads, faults)
    read = _read_long if long else _read_wide
    samples = read(table, framework, heads, rows, kind, faults)
    faults.raise_if_any()
    return Population(framework, samples, kind, label, synthetic, digest, table.notes)


class _Rows:
    """The ids, names and tracks of the table's rows."""

    def __init__(self, ids: list[str], names: list[str], tracks: Labels) -> None:
        self.ids, self.names, self.tracks = ids, names, tracks


def _heads(table: RawTable, framework: Framework, attributes: Sequence[str]) -> dict[str, str]:
    """Map roles to the table's columns; attributes are roles of the form ``@name``."""
    heads: dict[str, str] = {}
    for column in map(str, table.frame.columns):
        folded = column.strip().casefold()
        for role, words in _ALIASES.items():
            if folded in words and role not in heads:
                heads[role] = column
        if column in attributes or folded in ATTRIBUTES:
            heads["@" + column] = column
        elif column in _ATTRIBUTE_ALIASES:
            heads["@" + _ATTRIBUTE_ALIASES[column]] = column
    return heads


def _rows(table: RawTable, framework: Framework, heads: dict[str, str], faults: Faults) -> _Rows:
    ids = table.text(heads["enterprise"])
    names = table.text(heads["name"]) if "name" in heads else ids
    if "track" in heads:
        words = table.text(heads["track"])
        known = {w: framework.track(w) for w in set(words)}
        tracks = np.array([known[w] or "" for w in words], dtype=object)
        for at in np.flatnonzero(tracks == ""):
            row = int(at)
            faults.add(
                table.where(row, heads["track"]),
                "no such track",
                value=words[row],
                expected=" | ".join(framework.tracks),
            )
    else:
        tracks = np.full(len(ids), next(iter(framework.tracks)), dtype=object)
    for role, column in heads.items():
        if role != "value":  # answers and scores are looked at as numbers
            table.refuse_formulas(column, faults, expected="a value")
    for row, value in enumerate(ids):
        if not value:
            faults.add(table.where(row, heads["enterprise"]), "enterprise id is empty")
    names = [n or i for n, i in zip(names, ids, strict=True)]
    return _Rows(ids, names, tracks)


def _read_wide(
    table: RawTable,
    framework: Framework,
    heads: dict[str, str],
    rows: _Rows,
    kind: Kind,
    faults: Faults,
) -> dict[str, Sample]:
    first: dict[str, int] = {}
    for row, value in enumerate(rows.ids):
        if value and value in first:
            faults.add(
                table.where(row, heads["enterprise"]),
                "duplicate enterprise id",
                value=value,
                expected=f"each id once; first in row {table.row_number(first[value])}",
            )
        first.setdefault(value, row)
    columns = _indicator_columns(table, framework, heads, faults)
    samples: dict[str, Sample] = {}
    for t, track in framework.tracks.items():
        mask: BoolArray = rows.tracks == t
        if not mask.any():
            continue
        values = np.full((int(mask.sum()), len(track.leaves)), np.nan)
        lacking = [c for c in track.leaf_codes if c not in columns[t]]
        if lacking:
            faults.add(
                "header",
                f"no column for {len(lacking)} indicators of track {t}: " + ", ".join(lacking),
                expected="one column an indicator",
            )
        for j, code in enumerate(track.leaf_codes):
            if code in columns[t]:
                column = columns[t][code]
                cells = table.numbers(
                    column, faults, expected=_valid(track, j, framework, kind), rows=mask
                )
                _check_values(table, column, cells, track, j, framework, kind, faults)
                values[:, j] = cells[mask]
        samples[t] = _sample(track, table, heads, rows, np.flatnonzero(mask), values)
    _check_other_track(table, framework, columns, rows, faults)
    return samples


def _indicator_columns(
    table: RawTable, framework: Framework, heads: dict[str, str], faults: Faults
) -> dict[str, dict[str, str]]:
    """Map, by track, leaf codes to columns; columns nobody knows are faults."""
    taken = set(heads.values())
    out: dict[str, dict[str, str]] = {t: {} for t in framework.tracks}
    known = [c for tree in framework.tracks.values() for c in tree.leaf_codes]
    for column in map(str, table.frame.columns):
        if column in taken or not column:
            continue
        hits = [(t, tree.find(column)) for t, tree in framework.tracks.items()]
        if not any(code for _, code in hits):
            faults.add(
                f"column {column}",
                f"unknown column {suggest(column, known)}".rstrip(),
                expected="an indicator code or name, or a declared attribute",
            )
        for t, code in hits:
            if code is None:
                continue
            if code in out[t]:
                faults.add(
                    f"column {column}",
                    f"duplicate indicator {code}",
                    value=out[t][code],
                    expected="one column an indicator",
                )
            out[t].setdefault(code, column)
    return out


def _check_other_track(
    table: RawTable,
    framework: Framework,
    columns: dict[str, dict[str, str]],
    rows: _Rows,
    faults: Faults,
) -> None:
    """Note filled cells of indicators that the row's track does not have."""
    owners: dict[str, set[str]] = {}
    for t, mapping in columns.items():
        for column in mapping.values():
            owners.setdefault(column, set()).add(t)
    for column, tracks in owners.items():
        foreign = ~np.isin(rows.tracks.astype(str), [*tracks, ""])
        if not foreign.any():
            continue
        cells = table.frame[column]
        for row in np.flatnonzero(foreign)[filled(cells[foreign])]:
            faults.add(
                table.where(int(row), column),
                f"enterprise of track {rows.tracks[row]} answers an indicator of "
                f"track {' / '.join(sorted(tracks))}",
                value=cells.iloc[row],
                expected="an empty cell, or the other track",
            )


def _read_long(
    table: RawTable,
    framework: Framework,
    heads: dict[str, str],
    rows: _Rows,
    kind: Kind,
    faults: Faults,
) -> dict[str, Sample]:
    for head in map(str, table.frame.columns):
        if head and head not in heads.values():
            faults.add(
                f"column {head}",
                "unknown column of a long table",
                expected="enterprise, name, track, indicator, value, or a declared attribute",
            )
    words = table.text(heads["indicator"])
    first: dict[str, int] = {}
    stray = np.zeros(len(rows.ids), dtype=bool)  # rows on another track than their enterprise
    for row, value in enumerate(rows.ids):
        start = first.setdefault(value, row)
        stray[row] = rows.tracks[start] != rows.tracks[row]
        if stray[row] and value and rows.tracks[start] and rows.tracks[row]:
            faults.add(
                table.where(row),
                f"enterprise {value} stands on two tracks",
                value=[rows.tracks[start], rows.tracks[row]],
                expected="one track",
            )
    _check_constant(table, heads, rows, first, faults)
    samples: dict[str, Sample] = {}
    for t, track in framework.tracks.items():
        mask: BoolArray = (rows.tracks == t) & ~stray
        members = [i for i in first.values() if rows.tracks[i] == t]
        if not members:
            continue
        place = {rows.ids[i]: r for r, i in enumerate(members)}
        column = {c: j for j, c in enumerate(track.leaf_codes)}
        found = {w: track.find(w) for w in {words[i] for i in np.flatnonzero(mask)}}
        numbers = table.numbers(
            heads["value"],
            faults,
            rows=mask,
            expected=_scale(framework) if kind == "scores" else "an option",
        )
        values = np.full((len(members), len(column)), np.nan)
        seen = np.zeros(values.shape, dtype=bool)
        for row in map(int, np.flatnonzero(mask)):
            code = found[words[row]]
            if code is None:
                known = [c for tree in framework.tracks.values() for c in tree.leaf_codes]
                elsewhere = any(tree.find(words[row]) for tree in framework.tracks.values())
                problem = (
                    "wrong track: no such indicator in track " + t
                    if elsewhere
                    else f"unknown indicator {suggest(words[row], known)}".rstrip()
                )
                faults.add(
                    table.where(row, heads["indicator"]),
                    problem,
                    value=words[row],
                    expected=f"an indicator of track {t}",
                )
                continue
            at = place[rows.ids[row]], column[code]
            if seen[at]:
                faults.add(
                    table.where(row),
                    f"{code} of enterprise {rows.ids[row]} stands twice",
                    value=words[row],
                    expected="each indicator once an enterprise",
                )
            seen[at] = True
            values[at] = numbers[row]
            fault = _value_fault(numbers[row], track, column[code], framework, kind)
            if fault:
                faults.add(
                    table.where(row, heads["value"]),
                    fault[0],
                    value=numbers[row],
                    expected=fault[1],
                )
        samples[t] = _sample(track, table, heads, rows, np.array(members, np.int64), values)
    return samples


def _check_constant(
    table: RawTable, heads: dict[str, str], rows: _Rows, first: dict[str, int], faults: Faults
) -> None:
    """Note rows of a long table whose name or attribute differs from their enterprise's first."""
    for role, column in heads.items():
        if role != "name" and not role.startswith("@"):
            continue
        cells = table.text(column)
        for row, value in enumerate(rows.ids):
            if cells[row] != cells[first[value]]:
                faults.add(
                    table.where(row, column),
                    f"differs between rows of enterprise {value}",
                    value=cells[row],
                    expected=repr(cells[first[value]]),
                )


def _sample(
    track: Track,
    table: RawTable,
    heads: dict[str, str],
    rows: _Rows,
    members: IntArray,
    values: FloatArray,
) -> Sample:
    attributes: dict[str, Labels] = {}
    for role, column in heads.items():
        if role.startswith("@"):
            cells = table.text(column)
            attributes[role[1:]] = np.array([cells[i] for i in members], dtype=object)
    ids = np.array([rows.ids[i] for i in members], dtype=object)
    names = np.array([rows.names[i] for i in members], dtype=object)
    return Sample(track, ids, names, values, attributes)


def _scale(framework: Framework) -> str:
    return f"a score from {framework.rule.low:g} to {framework.rule.high:g}"


def _valid(track: Track, j: int, framework: Framework, kind: Kind) -> str:
    item = track.nodes[track.leaves[j]].item
    if kind == "scores" or item is None:
        return _scale(framework)
    return f"an option 1 to {item.options}"


def _check_values(
    table: RawTable,
    column: str,
    cells: FloatArray,
    track: Track,
    j: int,
    framework: Framework,
    kind: Kind,
    faults: Faults,
) -> None:
    """Note the cells that are no option or no score; most columns have none, at array speed."""
    item = track.nodes[track.leaves[j]].item
    with np.errstate(invalid="ignore"):
        if kind == "scores" or item is None:
            bad = (cells < framework.rule.low) | (cells > framework.rule.high)
        else:
            bad = (cells < 1) | (cells > item.options) | (cells != np.rint(cells))
    for row in np.flatnonzero(bad & ~np.isnan(cells)):
        fault = _value_fault(cells[row], track, j, framework, kind)
        if fault:
            faults.add(
                table.where(int(row), column), fault[0], value=float(cells[row]), expected=fault[1]
            )


def _value_fault(
    value: float, track: Track, j: int, framework: Framework, kind: Kind
) -> tuple[str, str] | None:
    item = track.nodes[track.leaves[j]].item
    if np.isnan(value):
        return None
    if kind == "scores" or item is None:
        if framework.rule.low <= value <= framework.rule.high:
            return None
        return "score out of range", _scale(framework)
    if value == np.rint(value) and 1 <= value <= item.options:
        return None
    return "answer is no option", f"an option 1 to {item.options}"
