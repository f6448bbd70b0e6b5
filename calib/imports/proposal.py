"""What calib makes of an export, before a person has said yes to it."""

from __future__ import annotations

from collections.abc import Mapping as Entries
from dataclasses import dataclass

from calib.framework import Framework
from calib.imports.export import Export
from calib.imports.finder import CERTAIN
from calib.imports.mapping import OPEN, ColumnEntry, Mapping
from calib.report import Column, Role, Table
from calib.words import Text, joined, message, template

__all__ = ["Proposal", "Question"]

_SHOWN = 44
"""Characters of a header that a table shows."""


@dataclass(frozen=True)
class Question:
    """Something that the file does not say.

    Attributes
    ----------
    key : where the answer stands in the mapping: ``choices.numbers``, ``Sheet1!F``, ``options 2``
    text : what is asked
    answers : what can be answered, each with its meaning
    """

    key: str
    text: Text
    answers: Entries[str, Text]

    def get(self, lang: str) -> str:
        """Return the question with its possible answers."""
        listed = "; ".join(f"{k} = {v.get(lang)}" for k, v in self.answers.items())
        said = message("imports.question", text=self.text, answers=listed)
        return said.get(lang) if listed else self.text.get(lang)


@dataclass(frozen=True, eq=False)
class Proposal:
    """A mapping with what is still open in it.

    Attributes
    ----------
    stored : name of the mapping file that it comes from, "" if it was made just now
    """

    export: Export
    mapping: Mapping
    questions: tuple[Question, ...]
    stored: str = ""

    def __repr__(self) -> str:
        m = self.mapping
        state = "ready" if m.ready else f"{len(m.open_points())} open"
        return f"<Proposal for {self.export.file!r}: {m.kind}, {len(m.columns)} columns, {state}>"

    def comments(self, lang: str) -> dict[str, str]:
        """Return what the mapping file says beside each open point."""
        head = message("imports.file_head", open=OPEN).get(lang)
        return {"": head, **{q.key: q.get(lang) for q in self.questions}}

    def headline(self) -> Text:
        """Say what the file is."""
        m = self.mapping
        platform = self.export.platform
        return message(
            "imports.headline",
            file=self.export.file,
            kind=message(f"imports.kinds.{m.kind}"),
            platform=platform.name if platform else message("imports.by_hand"),
            rows=sum(len(b.rows) for b in self.export.blocks),
            used=sum(c.taken not in ("aside", OPEN) for c in m.columns),
            aside=sum(c.taken == "aside" for c in m.columns),
            open=len(m.open_points()),
        )

    def table(self, framework: Framework) -> Table:
        """Return what is taken from each column, how sure that is, and why."""
        import pandas as pd

        names = {n.code: n.name for t in framework.tracks.values() for n in t.nodes}
        several = len(framework.tracks) > 1
        columns = {
            "imports.column": Role.TEXT,
            "imports.header": Role.TEXT,
            "imports.taken": Role.TEXT,
            "imports.sure": Role.PROBABILITY,
            "imports.why": Role.TEXT,
        }
        declared = tuple(Column(k, r, label=message(k)) for k, r in columns.items())
        rows = [
            (
                c.column,
                c.header if len(c.header) <= _SHOWN else f"{c.header[: _SHOWN - 1]}…",
                _taken(c, names, framework, several),
                c.confidence,
                message(f"imports.reason.{c.reason}") if c.reason else "",
            )
            for c in self.mapping.columns
        ]
        frame = pd.DataFrame(rows, columns=list(columns))
        return Table("mapping", frame, message("imports.table"), len(rows), declared=declared)

    def doubtful_lines(self, framework: Framework) -> list[Text]:
        """Return what is to be confirmed of the columns, the least certain first, a line each."""
        names = {n.code: n.name for t in framework.tracks.values() for n in t.nodes}
        doubtful = [c for c in self.mapping.columns if c.of != OPEN and c.confidence < CERTAIN]
        return [
            message(
                "imports.doubtful",
                column=c.column,
                header=c.header if len(c.header) <= _SHOWN else f"…{c.header[1 - _SHOWN :]}",
                taken=_taken(c, names, framework, len(framework.tracks) > 1),
                sure=f"{c.confidence:.0%}",
                why=message(f"imports.reason.{c.reason}") if c.reason else "",
            )
            for c in sorted(doubtful, key=lambda c: c.confidence)
            if c.taken != OPEN
        ]

    def ladder_lines(self) -> list[Text]:
        """Return each set of options with its numbers, a line each."""
        out: list[Text] = []
        for i, ladder in enumerate(self.mapping.options, 1):
            used = [c.column for c in self.mapping.columns if c.options == i]
            texts = [t for t in ladder.texts if t != OPEN]
            shown = "  ".join(
                t if OPEN in ladder.texts else f"{k}={t or '…'}" for k, t in enumerate(texts, 1)
            )
            sure = message("imports.certain" if ladder.confidence >= CERTAIN else "imports.likely")
            why = message(f"imports.reason.{ladder.reason}") if ladder.reason else ""
            out.append(
                message("imports.ladder", number=i, n=len(used), texts=shown, sure=sure, why=why)
            )
        return out


def _taken(
    column: ColumnEntry, names: Entries[str, Text], framework: Framework, several: bool
) -> Text | str:
    if column.taken == OPEN or column.of == OPEN:
        return OPEN
    said = message(f"imports.role.{column.taken}")
    if not column.of:
        return said
    of: Text | str = names.get(column.of, column.of)
    if column.taken == "attribute" and template(f"imports.attributes.{column.of}", "en"):
        of = message(f"imports.attributes.{column.of}")
    what = f"{column.of} " if column.of in names else ""
    tracks = [framework.tracks[t].name for t in column.tracks if t in framework.tracks]
    where = message("imports.of_tracks", tracks=joined(tracks)) if several and tracks else ""
    return message("imports.taken_as", role=said, code=what, of=of, where=where)
