"""From an export of ballots and its mapping to calib's own table of a survey: a column a rank."""

from __future__ import annotations

import numpy as np
import pandas as pd

from calib.errors import Faults, InputError
from calib.framework import Framework
from calib.imports.export import Block, Export
from calib.imports.finder import Finder
from calib.imports.imported_table import Counts, ImportedTable, rows_of
from calib.imports.mapping import ColumnEntry, Mapping
from calib.imports.option_texts import blank_kind, numeric
from calib.imports.text import fold, option_parts
from calib.words import message

__all__ = ["convert_ballots"]

_DETAILS = ("respondent", "enterprise", "track", "segment", "weight")


def convert_ballots(export: Export, mapping: Mapping, framework: Framework) -> ImportedTable:
    """Return the table of a survey.

    Raises
    ------
    InputError
        When the choices are not ranked, or cells say two things at once.
    """
    unranked = [k for k, v in mapping.choices.items() if v == "no-ranking"]
    if unranked:
        raise InputError(message("imports.not_ranked", file=export.file))
    work = _Work(export, mapping, framework)
    rows: list[dict[str, str]] = []
    columns: list[dict[str, int]] = []
    for b, block in enumerate(export.blocks):
        for row in block.rows:
            cells, at = work.row(b, block, row)
            rows.append(cells)
            columns.append(at)
    work.faults.raise_if_any()
    ranks = max((len([k for k in r if k.startswith("rank")]) for r in rows), default=0)
    asked = max((int(c.of) for c in mapping.column("rank")), default=0)
    labels = [d for d in _DETAILS if any(d in r for r in rows)]
    labels += [f"rank{k}" for k in range(1, max(ranks, asked) + 1)]
    frame = pd.DataFrame(
        [[r.get(h, "") for h in labels] for r in rows], columns=labels, dtype=object
    )
    notes = (*(n for b in export.blocks for n in b.grid.notes), *work.counts.note())
    return ImportedTable(
        frame,
        export.file,
        notes=tuple(dict.fromkeys(notes)),
        blocks=export.blocks,
        origin=rows_of(export),
        source={h: np.array([at.get(h, -1) for at in columns], dtype=np.int64) for h in labels},
    )


class _Work:
    def __init__(self, export: Export, mapping: Mapping, framework: Framework) -> None:
        self.mapping, self.framework = mapping, framework
        self.finder = Finder(framework)
        self.faults = Faults(export.file)
        self.counts = Counts()
        self.columns: list[list[tuple[int, ColumnEntry]]] = []
        entries = {c.column: c for c in mapping.columns if c.taken != "aside"}
        for block in export.blocks:
            names = [block.column_name(c) for c in range(len(block.labels))]
            self.columns.append([(c, entries[n]) for c, n in enumerate(names) if n in entries])
        self.known: dict[tuple[str, str], str] = {}

    def row(self, b: int, block: Block, row: int) -> tuple[dict[str, str], dict[str, int]]:
        """Return the cells of one ballot under calib's headers, and where each comes from."""
        cells: dict[str, str] = {}
        at: dict[str, int] = {}
        ranked: list[tuple[int, str, int]] = []
        for column, entry in self.columns[b]:
            text = block.text(row, column)
            if entry.taken in _DETAILS:
                cells[entry.taken], at[entry.taken] = self._detail(entry, text), column
            elif blank := blank_kind(text):
                self.counts.add(blank)
            else:
                ranked += [
                    (k, v, column) for k, v in self._choices(entry, text, block, row, column)
                ]
        if "track" not in cells and len(self.framework.tracks) > 1:
            cells["track"] = self.mapping.choices.get("track", "")
        if self.mapping.choices.get("places") == "one-is-last" and ranked:
            last = max(k for k, _, _ in ranked)
            ranked = [(last + 1 - k, v, c) for k, v, c in ranked]
        for rank, text, column in ranked:
            head = f"rank{rank}"
            if head in cells:
                self.faults.add(
                    block.cell(row, column),
                    message("imports.rank_twice", rank=rank),
                    value=text,
                    expected=message("imports.rank_once"),
                )
            cells[head], at[head] = self._code(text, cells.get("track", "")), column
        return cells, at

    def _detail(self, entry: ColumnEntry, text: str) -> str:
        if blank_kind(text):
            return ""
        if entry.taken == "track":
            return self.mapping.tracks.get(text, text)
        return option_parts(text)[1] or text if entry.taken == "segment" else text

    def _choices(
        self, entry: ColumnEntry, text: str, block: Block, row: int, column: int
    ) -> list[tuple[int, str]]:
        """Return rank and item of each choice that a cell holds."""
        if entry.taken == "rank":
            return [(int(entry.of), text)]
        if entry.taken == "joined":
            pieces = [p.strip() for p in text.split(entry.of) if p.strip()]
            return list(enumerate(pieces, 1))
        if entry.taken == "place":
            number = numeric(text)
            if number == 0:
                self.counts.add("empty")
                return []
            if number is None or number != round(number):
                where = block.cell(row, column, entry.header)
                self.faults.add(where, message("imports.no_place"), value=text)
                return []
            self.counts.add("place")
            return [(int(number), entry.of)]
        return []

    def _code(self, text: str, track: str) -> str:
        """Return the code that an item means on a track; the text itself if it means none."""
        key = (text, track)
        if key not in self.known:
            word = self.mapping.items.get(fold(text), text)
            codes = self.finder.find(word).codes
            own = [c for c in text.split(" | ") if self._on(track, c)]
            self.known[key] = own[0] if own else codes.get(track, text)
        if self.known[key] != text:
            self.counts.add("item")
        return self.known[key]

    def _on(self, track: str, code: str) -> bool:
        tree = self.framework.tracks.get(track)
        return tree is not None and code in tree.leaf_codes
