"""A table of a population being read: its columns' roles, its rows, and what cells may hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from calib._types import BoolArray, FloatArray, IntArray
from calib.errors import Faults
from calib.framework import Framework, Track
from calib.population.population import Kind, Labels, Sample
from calib.tables import RawTable
from calib.words import Text, message

__all__ = ["TableReading", "start_reading"]


@dataclass(frozen=True, eq=False)
class TableReading:
    """A raw table with the roles of its columns.

    Attributes
    ----------
    heads : column by role; attributes of the enterprise have roles of the form ``@name``
    ids, names : of each row
    tracks : code of each row's track, "" where it is none
    notes : what was found and is no fault
    """

    table: RawTable
    framework: Framework
    heads: dict[str, str]
    kind: Kind
    faults: Faults
    ids: list[str]
    names: list[str]
    tracks: Labels
    notes: list[Text] = field(default_factory=list)

    def sample(self, track: Track, members: IntArray, values: FloatArray) -> Sample:
        """Return the sample of a track whose enterprises stand in the rows ``members``."""
        attributes: dict[str, Labels] = {}
        for role, column in self.heads.items():
            if role.startswith("@"):
                cells = self.table.text(column)
                attributes[role[1:]] = np.array([cells[i] for i in members], dtype=object)
        ids = np.array([self.ids[i] for i in members], dtype=object)
        names = np.array([self.names[i] for i in members], dtype=object)
        return Sample(track, ids, names, values, attributes)

    def valid(self, track: Track, j: int) -> Text:
        """Say what the cells of leaf ``j`` may hold."""
        item = track.nodes[track.leaves[j]].item
        if self.kind == "scores" or item is None:
            rule = self.framework.rule
            return message("faults.a_score_between", low=rule.low, high=rule.high)
        if item.span is not None:
            low, high = item.span
            return message("faults.a_number_between", low=f"{low:g}", high=f"{high:g}")
        return message("faults.an_option_between", first=item.answers[0], options=item.options)

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
        item = track.nodes[track.leaves[j]].item
        remedy: str | Text = ""
        with np.errstate(invalid="ignore"):
            if self.kind == "scores" or item is None:
                rule, problem = self.framework.rule, message("faults.score_out_of_range")
                bad = (cells < rule.low) | (cells > rule.high)
            elif item.span is not None:
                problem = message("faults.number_out_of_range")
                bad = (cells < item.span[0]) | (cells > item.span[1])
            else:
                problem = message("faults.answer_is_no_option")
                bad = (cells < item.answers[0]) | (cells > item.options) | (cells != np.rint(cells))
                remedy = self._other_scale(cells, bad)
        for at in np.flatnonzero(bad & ~np.isnan(cells)):
            self.faults.add(self.table.where(int(rows[at]), column), problem,
                            value=float(cells[at]), expected=self.valid(track, j),
                            remedy=remedy)  # fmt: skip

    def _other_scale(self, cells: FloatArray, bad: BoolArray) -> str | Text:
        """Say what to do where a whole column is on another scale than options from 1."""
        wrong, answered = cells[bad & ~np.isnan(cells)], int((~np.isnan(cells)).sum())
        if not len(wrong) or (wrong.any() and 2 * len(wrong) < answered):
            return ""
        return message("faults.other_scale", file=Path(self.table.file).name)


def start_reading(
    table: RawTable, framework: Framework, heads: dict[str, str], kind: Kind, faults: Faults
) -> TableReading:
    """Read ids, names and tracks of the rows; what is wrong with them becomes faults."""
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
                message("faults.no_such_track_2"),
                value=words[row],
                expected=" | ".join(framework.tracks),
            )
    elif len(framework.tracks) > 1:  # a sheet a track
        tracks = np.array([framework.track(s) or "" for s in table.sheets()], dtype=object)
    else:
        tracks = np.full(len(ids), next(iter(framework.tracks)), dtype=object)
    for role, column in heads.items():
        if role != "value":  # answers and scores are looked at as numbers
            table.refuse_formulas(column, faults, expected=message("tables.value"))
    for row, value in enumerate(ids):
        if not value:
            faults.add(
                table.where(row, heads["enterprise"]), message("faults.enterprise_id_is_empty")
            )
    names = [n or i for n, i in zip(names, ids, strict=True)]
    return TableReading(table, framework, heads, kind, faults, ids, names, tracks)
