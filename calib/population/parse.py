"""From a table to a population: wide or long, every fault of the table at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from calib.errors import Faults
from calib.framework import Framework
from calib.population.long import read_long
from calib.population.plausible import check_plausible
from calib.population.population import Kind, Population
from calib.population.rows import start_reading
from calib.population.wide import read_wide
from calib.tables import RawTable
from calib.words import Text, message

__all__ = ["ATTRIBUTES", "parse_population"]

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


def parse_population(
    table: RawTable,
    framework: Framework,
    *,
    kind: Kind = "answers",
    attributes: Sequence[str] = (),
    label: str = "",
    synthetic: bool = False,
    digest: str = "",
    asked: bool = False,
) -> Population:
    """Build a population from a raw table; see :func:`calib.read_population`.

    ``asked`` tells that a person has said what the numbers are: their range is not questioned.
    """
    faults = Faults(table.file)
    labels = _labels(table, framework, attributes)
    if "enterprise" not in labels:
        faults.add(
            message("tables.header"),
            message("faults.no_column_of_enterprise_ids"),
            value=list(table.frame.columns)[:8],
            expected=message("faults.a_column_enterprise_or"),
            remedy=message("faults.map_columns", file=Path(table.file).name),
        )
    by_sheet = all(map(framework.track, set(table.sheets())))
    if "track" not in labels and len(framework.tracks) > 1 and not by_sheet:
        faults.add(
            message("tables.header"),
            message("faults.no_column_of_tracks"),
            expected=message("faults.a_column_track_or"),
            remedy=message("faults.map_columns", file=Path(table.file).name),
        )
    faults.raise_if_any()
    long = "indicator" in labels and "value" in labels
    if not long:  # a lone column of either kind is a column like any other
        labels = {role: c for role, c in labels.items() if role not in ("indicator", "value")}
    reading = start_reading(table, framework, labels, kind, faults)
    samples = read_long(reading) if long else read_wide(reading)
    check_plausible(reading, samples, asked=asked, long=long)
    faults.raise_if_any()
    notes = (*table.notes, *_unused(labels), *reading.notes)
    return Population(framework, samples, kind, label, synthetic, digest, notes)


def _unused(labels: Mapping[str, str]) -> list[Text]:
    """Name the column that looks as if it changed results, and does not."""
    return [
        message("population.weight_not_used", column=column)
        for role, column in labels.items()
        if role.casefold() == "@weight"
    ]


def _labels(table: RawTable, framework: Framework, attributes: Sequence[str]) -> dict[str, str]:
    """Map roles to the table's columns; attributes are roles of the form ``@name``."""
    labels: dict[str, str] = {}
    for column in map(str, table.frame.columns):
        folded = column.strip().casefold()
        for role, words in _ALIASES.items():
            if folded in words and role not in labels:
                labels[role] = column
        role = framework.columns.get(column, "")
        if role and not role.startswith("@"):
            labels.setdefault(role, column)
        elif role:
            labels[role] = column
        elif column in attributes or folded in ATTRIBUTES:
            labels["@" + column] = column
        elif column in _ATTRIBUTE_ALIASES:
            labels["@" + _ATTRIBUTE_ALIASES[column]] = column
    return labels
