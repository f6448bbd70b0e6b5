"""The result of an outcome analysis that has no class of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from calib.report import Drawing, Note, Result, Table
from calib.words import Text, message

__all__ = ["OutcomeResult"]


@dataclass(frozen=True, eq=False, repr=False)
class OutcomeResult(Result):
    """What an outcome analysis found; ``finding`` says it in a sentence."""

    tables: Sequence[Table] = ()
    drawings: Sequence[Drawing] = ()
    notes: Sequence[Note] = ()
    finding: Text | None = None

    def headline(self) -> Text:
        """Return the finding, else the first note, or how many tables and figures there are."""
        if self.finding is not None:
            return self.finding
        if self.notes:
            return self.notes[0].text
        return message("report.parts", tables=len(self.tables), figures=len(self.drawings))
