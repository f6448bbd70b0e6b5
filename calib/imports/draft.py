"""Columns of an export as they are made out one after another."""

from __future__ import annotations

from collections.abc import Mapping as Entries
from collections.abc import Sequence
from dataclasses import dataclass, field

from calib.framework import Framework
from calib.imports.export import Export
from calib.imports.mapping import OPEN, ColumnEntry
from calib.imports.names import Finder, Found
from calib.imports.proposal import Question
from calib.imports.text import bare
from calib.words import Text

__all__ = ["FEW", "At", "Draft", "listed", "row_tracks"]

At = tuple[int, int]
"""A column: the position of its block, and its own in it."""
FEW = 15
"""Different texts that a column of options has at most."""


@dataclass
class Draft:
    """Columns as they are made out one after another."""

    framework: Framework
    export: Export
    finder: Finder
    entries: dict[At, ColumnEntry] = field(default_factory=dict)
    found: dict[At, Found] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)
    track_at: dict[int, int] = field(default_factory=dict)
    questions: list[Question] = field(default_factory=list)
    choices: dict[str, str] = field(default_factory=dict)

    def put(self, at: At, taken: str, reason: str, confidence: float = 1.0, **more: object) -> None:
        """Say what a column is taken as, and why."""
        block = self.export.blocks[at[0]]
        self.entries[at] = ColumnEntry.model_validate(
            {
                "column": block.column_name(at[1]),
                "header": block.labels[at[1]],
                "as": taken,
                "confidence": confidence,
                "reason": reason,
                **more,
            }
        )

    def update(self, at: At, **changes: object) -> None:
        """Change what was said of a column."""
        self.entries[at] = self.entries[at].model_copy(update=changes)

    def ask(self, key: str, text: Text, answers: Entries[str, Text] | None = None) -> None:
        """Ask what the file does not say."""
        self.questions.append(Question(key, text, answers or {}))

    def indicator(self, at: At, found: Found) -> None:
        """Take a column as what was found."""
        self.found[at] = found
        tracks = [t for t in found.codes if not found.tracks or t in found.tracks]
        code = found.codes[tracks[0]] if tracks else OPEN
        self.put(at, "indicator", found.reason, found.confidence, of=code, tracks=tuple(tracks))


def row_tracks(draft: Draft, b: int) -> list[str]:
    """Return the track of each row of a block, "" where it is not known."""
    block = draft.export.blocks[b]
    if len(draft.framework.tracks) == 1:
        return [next(iter(draft.framework.tracks))] * len(block.rows)
    if b in draft.track_at:
        return [draft.words.get(t, "") for t in block.texts[draft.track_at[b]]]
    named = draft.choices.get(f"track of {block.sheet}", "")
    return [named if named in draft.framework.tracks else ""] * len(block.rows)


def listed(draft: Draft, among: Sequence[str]) -> dict[str, Text]:
    """Return the codes behind names that compete, each with its name."""
    names = {n.code: n.name for t in draft.framework.tracks.values() for n in t.nodes}
    codes = [c for c in names if {bare(names[c].zh), bare(names[c].en)} & set(among)]
    return {c: names[c] for c in codes}
