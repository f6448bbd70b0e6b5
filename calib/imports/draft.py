"""Columns of an export as they are made out one after another, until they are a proposal."""

from __future__ import annotations

from collections.abc import Mapping as Entries
from collections.abc import Sequence
from dataclasses import dataclass, field

from calib.framework import Framework
from calib.imports.export import Export
from calib.imports.finder import Finder, Found
from calib.imports.headers import track_column
from calib.imports.mapping import OPEN, ColumnEntry, Kind, Mapping
from calib.imports.proposal import Proposal, Question
from calib.imports.text import bare
from calib.words import Text, message

__all__ = ["FEW", "At", "Draft", "listed", "row_tracks"]

At = tuple[int, int]
"""A column: the position of its block, and its own in it."""
FEW = 15
"""Different texts that a column of options has at most."""


@dataclass
class Draft:
    """Columns as they are made out one after another.

    Attributes
    ----------
    entries : what each column is taken as
    found : which indicators a column may be
    words : words of tracks, by the track that they mean
    track_at : the column of tracks in each block that has one
    items : words of ballots that are not an indicator's own name, by the code that they mean
    choices : answers to questions about the whole file, ``"?"`` where open
    """

    framework: Framework
    export: Export
    finder: Finder
    entries: dict[At, ColumnEntry] = field(default_factory=dict)
    found: dict[At, Found] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)
    track_at: dict[int, int] = field(default_factory=dict)
    items: dict[str, str] = field(default_factory=dict)
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

    def ask_choice(self, key: str, text: Text, answers: Entries[str, Text]) -> None:
        """Ask about the whole file; the answer becomes one of its choices."""
        self.choices[key] = OPEN
        self.ask(f"choices.{key}", text, answers)

    def take_tracks(self, b: int) -> bool:
        """Take the column that says the tracks of a block's rows; tell whether it has one.

        Words that mean no track for certain are asked about.
        """
        told = track_column(self.framework, self.export.blocks[b])
        if told is None:
            return False
        column, found = told
        self.track_at[b] = column
        self.put((b, column), "track", "track-words", 0.99)
        self.words |= found
        for text, code in found.items():
            if code == OPEN:
                asked = message("imports.ask_track", text=text)
                self.ask(f"tracks.{text}", asked, self.track_names)
        return True

    @property
    def track_names(self) -> dict[str, Text]:
        """Names of the framework's tracks by code."""
        return {t: track.name for t, track in self.framework.tracks.items()}

    def indicator(self, at: At, found: Found) -> None:
        """Take a column as what was found."""
        self.found[at] = found
        tracks = [t for t in found.codes if not found.tracks or t in found.tracks]
        code = found.codes[tracks[0]] if tracks else OPEN
        self.put(at, "indicator", found.reason, found.confidence, of=code, tracks=tuple(tracks))

    def proposal(self, kind: Kind, **more: object) -> Proposal:
        """Return what was made out, with the questions that are open."""
        mapping = Mapping.model_validate(
            {
                "kind": kind,
                "framework": self.framework.code,
                "framework_version": self.framework.version,
                "platform": self.export.platform.code if self.export.platform else "",
                "fingerprint": self.export.fingerprint,
                "choices": self.choices,
                "tracks": self.words,
                "items": self.items,
                "columns": tuple(e for _, e in sorted(self.entries.items())),
                **more,
            }
        )
        return Proposal(self.export, mapping, tuple(self.questions))


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
