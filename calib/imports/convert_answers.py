"""From an export of answers and its mapping to calib's own table of a population."""

from __future__ import annotations

from collections.abc import Mapping as Entries
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from calib._types import IntArray
from calib.errors import Faults
from calib.framework import Framework, Item, Node
from calib.imports.export import Export
from calib.imports.imported_table import Counts, ImportedTable, rows_of
from calib.imports.mapping import ColumnEntry, LadderEntry, Mapping
from calib.imports.option_texts import blank_kind, numeric
from calib.imports.text import bare, option_parts
from calib.words import message

__all__ = ["convert_answers", "framework_of"]


def framework_of(mapping: Mapping, framework: Framework) -> Framework:
    """Return the framework with the numbers of options that the questionnaire has, if so chosen."""
    if mapping.choices.get("item-options") != "as-in-file":
        return framework
    asked = {
        code: len(mapping.options[c.options - 1].texts)
        for c in mapping.column("indicator")
        if c.options
        for code in c.of.split(" | ")
    }
    tracks = {t: replace(tree, nodes=_with_options(tree.nodes, asked)) for t, tree in
              framework.tracks.items()}  # fmt: skip
    return replace(framework, tracks=tracks)


def _with_options(nodes: Sequence[Node], asked: Entries[str, int]) -> tuple[Node, ...]:
    out = []
    for node in nodes:
        options = asked.get(node.code)
        if node.item is not None and options not in (None, node.item.options):
            node = replace(node, item=Item(node.item.kind, int(options), None))
        out.append(node)
    return tuple(out)


def convert_answers(
    export: Export, mapping: Mapping, framework: Framework
) -> tuple[ImportedTable, str]:
    """Return the table, and whether it holds ``"answers"`` or ``"scores"``.

    Raises
    ------
    InputError
        For texts that the mapping does not know, by cell.
    """
    work = _Work(export, mapping, framework)
    tracks = work.tracks()
    frame: dict[str, list[object]] = {}
    source: dict[str, IntArray] = {}
    for role in ("enterprise", "name"):
        cells, at = work.plain(role)
        if any(cells):
            frame[role], source[role] = list(cells), at
    if len(framework.tracks) > 1:
        frame["track"] = list(tracks)
        source["track"] = work.plain("track")[1]
    for key in dict.fromkeys(c.of for c in mapping.column("attribute")):
        cells, at = work.plain("attribute", key)
        frame[key], source[key] = [option_parts(c)[1] or c if c else "" for c in cells], at
    for code in dict.fromkeys(c for t in framework.tracks.values() for c in t.leaf_codes):
        found = work.indicator(code, tracks)
        if found is not None:
            frame[code], source[code] = found
    work.faults.raise_if_any()
    formulas = {
        f"{b.sheet}!{a}" if b.sheet else a for b in export.blocks for a in b.grid.marks.formulas
    }
    notes = (*(n for b in export.blocks for n in b.grid.notes), *work.counts.note())
    table = ImportedTable(
        pd.DataFrame(frame, dtype=object),
        export.file,
        notes=tuple(dict.fromkeys(notes)),
        formulas=frozenset(formulas),
        blocks=export.blocks,
        origin=work.origin,
        source=source,
    )
    scores = mapping.choices.get("numbers", "").startswith("scores")
    return table, "scores" if scores else "answers"


class _Work:
    """An export being converted: rows of all sheets, faults and counts so far."""

    def __init__(self, export: Export, mapping: Mapping, framework: Framework) -> None:
        self.export, self.mapping, self.framework = export, mapping, framework
        self.origin = rows_of(export)
        self.faults = Faults(export.file)
        self.counts = Counts()
        self.numbers = mapping.choices.get("numbers", "options")
        names = [
            (b, c, block.column_name(c))
            for b, block in enumerate(export.blocks)
            for c in range(len(block.labels))
        ]
        self.place = {name: (b, c) for b, c, name in names}
        self.ladders = [_positions(ladder) for ladder in mapping.options]

    def columns(self, role: str, of: str | None = None) -> dict[int, tuple[int, ColumnEntry]]:
        """Return the column of a role in each block, with its entry."""
        out: dict[int, tuple[int, ColumnEntry]] = {}
        for entry in self.mapping.column(role):
            if (of is None or entry.of == of) and entry.column in self.place:
                block, column = self.place[entry.column]
                out.setdefault(block, (column, entry))
        return out

    def plain(self, role: str, of: str | None = None) -> tuple[list[str], IntArray]:
        """Return the cells of a role as text, and the column that each comes from."""
        held = self.columns(role, of)
        cells, at = [], []
        for b, block in enumerate(self.export.blocks):
            if b not in held:
                cells += [""] * len(block.rows)
                at += [-1] * len(block.rows)
                continue
            column = held[b][0]
            cells += ["" if blank_kind(t) else t for t in block.texts[column]]
            at += [column] * len(block.rows)
        return cells, np.array(at, dtype=np.int64)

    def tracks(self) -> list[str]:
        """Return the track of each row; unknown words stay, for the reader to refuse."""
        if len(self.framework.tracks) == 1:
            return [next(iter(self.framework.tracks))] * len(self.origin)
        cells, at = self.plain("track")
        branch = self._by_branch()
        out = []
        for row, (b, _) in enumerate(self.origin.tolist()):
            if at[row] >= 0:
                out.append(self.mapping.tracks.get(cells[row], cells[row]))
                self.counts.add("track", int(out[-1] != cells[row]))
                continue
            sheet = self.export.blocks[b].sheet
            chosen = self.mapping.choices.get(f"track of {sheet}") or self.mapping.choices.get(
                "track", ""
            )
            out.append(branch[row] if chosen == "by-branch" else chosen)
        return out

    def _by_branch(self) -> list[str]:
        """Return the one track whose questions each row answers, "" where it is not one."""
        answered: list[set[str]] = [set() for _ in self.origin]
        start = 0
        for b, block in enumerate(self.export.blocks):
            for entry in self.mapping.column("indicator"):
                if entry.column in self.place and self.place[entry.column][0] == b:
                    texts = block.texts[self.place[entry.column][1]]
                    for i, text in enumerate(texts):
                        if not blank_kind(text) and len(entry.tracks) == 1:
                            answered[start + i].add(entry.tracks[0])
            start += len(block.rows)
        return [next(iter(t)) if len(t) == 1 else "" for t in answered]

    def indicator(self, code: str, tracks: Sequence[str]) -> tuple[list[object], IntArray] | None:
        """Return the option numbers or scores of an indicator, None if it has no column."""
        held: dict[tuple[int, str], tuple[int, ColumnEntry]] = {}
        for entry in self.mapping.column("indicator"):
            if code not in entry.of.split(" | ") or entry.column not in self.place:
                continue
            block, column = self.place[entry.column]
            for t in entry.tracks or tuple(self.framework.tracks):
                if code in self.framework.tracks[t].index:
                    held[block, t] = (column, entry)
        if not held:
            return None
        cells: list[object] = []
        at: list[int] = []
        for row, (b, r) in enumerate(self.origin.tolist()):
            own = held.get((b, tracks[row])) or next(
                (h for (hb, _), h in held.items() if hb == b and tracks[row] not in h[1].tracks),
                None,
            )
            at.append(own[0] if own else -1)
            cells.append(self._value(b, r, *own) if own else "")
        return cells, np.array(at, dtype=np.int64)

    def _value(self, b: int, row: int, column: int, entry: ColumnEntry) -> object:
        block = self.export.blocks[b]
        text = block.text(row, column)
        error = block.grid.marks.errors.get(block.address(row, column).rpartition("!")[2])
        kind = blank_kind(text)
        if kind and not error:
            self.counts.add(kind)
            return ""
        found = None if error else self._option(text, entry)
        if found is None:
            self.faults.add(
                block.cell(row, column, entry.of),
                message("imports.error_cell" if error else "imports.unknown_option"),
                value=error or text,
                expected=message("imports.option_expected", header=entry.header),
            )
            return ""
        return found

    def _fitting(self, rest: str) -> int:
        """Return the one ladder that a text stands on, 0 if there are none or several.

        A column whose indicator a person named has no ladder of its own.
        """
        fits = [i for i, (known, _) in enumerate(self.ladders, 1) if bare(rest) in known]
        return fits[0] if len(fits) == 1 else 0

    def _option(self, text: str, entry: ColumnEntry) -> float | int | None:
        """Return the option number or score that a cell means, None if the mapping has none."""
        value = numeric(text)
        if value is not None:
            self.counts.add(self.numbers)
            if self.numbers == "options-from-0":
                return value + 1
            if self.numbers == "scores-from-0-to-1":
                rule = self.framework.rule
                return rule.low + value * (rule.high - rule.low)
            return value
        place, rest = option_parts(text)
        number = entry.options or self._fitting(rest)
        if not number:
            return None
        ladder, lettered = self.ladders[number - 1]
        if rest:
            by_text = ladder.get(bare(rest))
            if by_text is None or (lettered and place not in (None, by_text)):
                return None
            self.counts.add("text")
            return by_text
        if place is None or not lettered:
            return None
        self.counts.add("letter")
        return place


def _positions(ladder: LadderEntry) -> tuple[dict[str, int], bool]:
    """Return the option number of each bare text, and whether its letters are in order."""
    known = {bare(t): i for i, t in enumerate(ladder.texts, 1) if bare(t)}
    return known, ladder.reason in ("letters", "")
