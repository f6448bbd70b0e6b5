"""What sources of weights and outcome analyses hand back to the runner."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from calib._types import FloatArray
from calib.report import Drawing, Note, Result, Table
from calib.weights import Weighed
from calib.words import Text, message

__all__ = ["Drawing", "Note", "OutcomeResult", "SourceResult", "Table"]


@dataclass(frozen=True, eq=False, repr=False)
class SourceResult(Weighed):
    """A weight set with what its source has to say.

    Attributes
    ----------
    draws : local weights (k, m) by track that carry the uncertainty of ``weights``, where the
        set does not carry it itself
    details : anything that later sources or analyses of the same kind may want
    """

    draws: Mapping[str, FloatArray] | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


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
