"""A table of a population being read: its columns' roles, its rows, and what cells may hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from calib._types import BoolArray, FloatArray, IntArray
from calib.errors import Faults
from calib.framework import Framework, Item, RatingRule, Track
from calib.population.population import Kind, Labels, Sample
from calib.tables import RawTable
from calib.words import Text, message

__all__ = ["CellRange", "TableReading", "start_reading"]


@dataclass(frozen=True, slots=True)
class CellRange:
    """What the cells of an indicator may hold.

    Attributes
    ----------
    kind : ``score``, ``number`` or ``option``
    low, high : least and greatest value; options are whole numbers
    """

    kind: Literal["score", "number", "option"]
    low: float
    high: float

    @classmethod
    def of(cls, item: Item | None, values: Kind, rule: RatingRule) -> CellRange:
        """Return the range of an item's answers, or that of scores."""
        if values == "scores" or item is None:
            return cls("score", rule.low, rule.high)
        if item.span is not None:
            return cls("number", *item.span)
        return cls("option", item.answers[0], item.options)

    def outside(self, values: FloatArray) -> BoolArray:
        """Return which values are none of these; empty cells (NaN) are not."""
        with np.errstate(invalid="ignore"):
            bad = (values < self.low) | (values > self.high)
            if self.kind == "option":
                bad |= values != np.rint(values)
        return np.asarray(bad & ~np.isnan(values))

    @property
    def expected(self) -> Text:
        """What would be valid, in words."""
        return message(f"faults.{self.kind}_between", low=f"{self.low:g}", high=f"{self.high:g}")


@dataclass(frozen=True, eq=False)
class TableReading:
    """A raw table with the roles of its columns.

    Attributes
    ----------
    labels : column by role; attributes of the enterprise have roles of the form ``@name``
    ids, names : of each row
    tracks : code of each row's track, "" where it is none
    notes : what was found and is no fault
    """

    table: RawTable
    framework: Framework
    labels: dict[str, str]
    kind: Kind
    faults: Faults
    ids: list[str]
    names: list[str]
    tracks: Labels
    notes: list[Text] = field(default_factory=list)

    def sample(self, track: Track, members: IntArray, values: FloatArray) -> Sample:
        """Return the sample of a track whose enterprises stand in the rows ``members``."""
        attributes: dict[str, Labels] = {}
        for role, column in self.labels.items():
            if role.startswith("@"):
                cells = self.table.text(column)
                attributes[role[1:]] = np.array([cells[i] for i in members], dtype=object)
        ids = np.array([self.ids[i] for i in members], dtype=object)
        names = np.array([self.names[i] for i in members], dtype=object)
        return Sample(track, ids, names, values, attributes)

    def valid(self, track: Track, j: int) -> Text:
        """Say what the cells of leaf ``j`` may hold."""
        return self._range(track, j).expected

    def _range(self, track: Track, j: int) -> CellRange:
        return CellRange.of(track.nodes[track.leaves[j]].item, self.kind, self.framework.rule)

    @property
    def remedy(self) -> Text:
        """What to do where cells hold option texts."""
        return message("faults.map_options", file=Path(self.table.file).name)

    def check_values(
        self, cells: FloatArray, rows: IntArray, column: str, track: Track, j: int
    ) -> None:
        """Note the cells of leaf ``j`` that are no option or no score.

        Parameters
        ----------
        cells : values as read, NaN where empty
        rows : the table's row of each of them
        """
        allowed = self._range(track, j)
        bad = allowed.outside(cells)
        problem = message(f"faults.{allowed.kind}_out_of_range")
        remedy = self._other_scale(cells, bad) if allowed.kind == "option" else ""
        for at in np.flatnonzero(bad):
            self.faults.add(self.table.where(int(rows[at]), column), problem,
                            value=float(cells[at]), expected=allowed.expected,
                            remedy=remedy)  # fmt: skip

    def _other_scale(self, cells: FloatArray, bad: BoolArray) -> str | Text:
        """Say what to do where a whole column is on another scale than options from 1."""
        wrong, answered = cells[bad], int((~np.isnan(cells)).sum())
        if not len(wrong) or (wrong.any() and 2 * len(wrong) < answered):
            return ""
        return message("faults.other_scale", file=Path(self.table.file).name)


def start_reading(
    table: RawTable, framework: Framework, labels: dict[str, str], kind: Kind, faults: Faults
) -> TableReading:
    """Read ids, names and tracks of the rows; what is wrong with them becomes faults."""
    ids = table.text(labels["enterprise"])
    names = table.text(labels["name"]) if "name" in labels else ids
    if "track" in labels:
        words = table.text(labels["track"])
        known = {w: framework.track(w) for w in set(words)}
        tracks = np.array([known[w] or "" for w in words], dtype=object)
        for at in np.flatnonzero(tracks == ""):
            row = int(at)
            faults.add(
                table.where(row, labels["track"]),
                message("faults.no_such_track_2"),
                value=words[row],
                expected=" | ".join(framework.tracks),
            )
    elif len(framework.tracks) > 1:  # a sheet a track
        tracks = np.array([framework.track(s) or "" for s in table.sheets()], dtype=object)
    else:
        tracks = np.full(len(ids), next(iter(framework.tracks)), dtype=object)
    for role, column in labels.items():
        if role != "value":  # answers and scores are looked at as numbers
            table.refuse_formulas(column, faults, expected=message("tables.value"))
    for row, value in enumerate(ids):
        if not value:
            faults.add(
                table.where(row, labels["enterprise"]), message("faults.enterprise_id_is_empty")
            )
    names = [n or i for n, i in zip(names, ids, strict=True)]
    return TableReading(table, framework, labels, kind, faults, ids, names, tracks)
