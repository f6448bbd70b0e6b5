"""A survey of ballots: what was read, what is used, what was set aside and why."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from calib.ballots.data import Ballots
from calib.errors import InputError
from calib.framework import Framework
from calib.words import Text, joined, message

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["REASONS", "ReadReport", "RejectedBallot", "Survey"]

REASONS = (
    "blank", "unknown", "duplicate", "gap", "too_many", "rank", "weight", "track", "tie",
    "malformed", "respondent", "mixed", "twice",
)  # fmt: skip
"""Why a ballot cannot be used; in words by :func:`reason_name`."""


def reason_name(key: str) -> Text:
    """Return a reason in words."""
    return message(f"values.{key}")


@dataclass(frozen=True, slots=True)
class RejectedBallot:
    """A ballot that is not used.

    Parameters
    ----------
    where : row or cell in the file
    reason : a key of :data:`REASONS`
    value : what stands there
    detail : what would be valid, or a suggestion
    count : how many ballots (more than 1 in files that count equal ballots)
    """

    where: str | Text
    reason: str
    value: str
    detail: str | Text = ""
    count: int = 1


@dataclass(frozen=True, slots=True)
class ReadReport:
    """The account of a file: every ballot read is either used or set aside with a reason.

    Parameters
    ----------
    file : as named by the user
    read, used : numbers of ballots
    rejected : the others, each with its row and its reason
    notes : what the reader had to decide
    """

    file: str
    read: int
    used: int
    rejected: tuple[RejectedBallot, ...]
    notes: tuple[Text, ...] = ()

    def counts(self) -> dict[str, int]:
        """Return how many ballots were set aside for each reason."""
        total: Counter[str] = Counter()
        for one in self.rejected:
            total[one.reason] += one.count
        return dict(total)

    def table(self, *, texts: bool = False) -> pd.DataFrame:
        """Return the rejected ballots, one row each.

        Parameters
        ----------
        texts : leave messages as they are, to be shown in any language; else they are plain words
            of the current language
        """
        import pandas as pd

        columns = ["where", "reason", "value", "detail", "ballots"]
        rows = [[s.where, s.reason, s.value, s.detail, s.count] for s in self.rejected]
        frame = pd.DataFrame(rows, columns=columns)
        return frame if texts else frame.assign(**{c: frame[c].map(str) for c in columns[:4]})

    def sentence(self) -> Text:
        """Say in one sentence how many ballots were read, used and set aside."""
        aside = self.read - self.used
        if not aside:
            return message("ballots.read", read=self.read, used=self.used)
        reasons = [
            message("ballots.reason_count", reason=reason_name(key), count=count)
            for key, count in self.counts().items()
        ]
        return message(
            "ballots.read_rejected",
            read=self.read,
            used=self.used,
            rejected=aside,
            reasons=reasons,
        )


@dataclass(frozen=True, eq=False, repr=False)
class Survey:
    """Ballots by track, with the account of the file they came from.

    Parameters
    ----------
    framework : names the indicators that were ranked
    ballots : by track code, ballots over the track's indicators in the order of its tree
    read_report : what was read, used and set aside
    synthetic : whether the file marks its ballots as synthetic (a column ``synthetic``)
    """

    framework: Framework
    ballots: Mapping[str, Ballots]
    read_report: ReadReport
    synthetic: bool = False

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the ballots that are used, with their weights and enterprises."""
        whole = hashlib.sha256()
        for code, part in self.ballots.items():
            whole.update(f"{code} {part.items} {part.picks.shape}".encode())
            whole.update(part.picks.astype("<i2").tobytes())
            if part.weight is not None:
                whole.update(part.weight.astype("<f8").tobytes())
            if part.cluster is not None:
                whole.update("\n".join(part.cluster.tolist()).encode())
        return whole.hexdigest()

    def __repr__(self) -> str:
        sizes = [
            message("ballots.of_track", track=self.framework.tracks[t].name, n=b.n)
            for t, b in self.ballots.items()
        ]
        text = message(
            "ballots.survey_synthetic" if self.synthetic else "ballots.survey",
            file=Path(self.read_report.file).name,
            sizes=joined(sizes),
        )
        return f"<Survey {text}>"

    def track(self, code: str | None = None) -> Ballots:
        """Return the ballots of one track; of the only one there is if none is named.

        Raises
        ------
        InputError
            If there is no such track, or several and none is named.
        """
        if code is None and len(self.ballots) == 1:
            return next(iter(self.ballots.values()))
        if code is None or code not in self.ballots:
            raise InputError(
                message(
                    "ballots.faults.name_track",
                    file=self.read_report.file,
                    known=list(self.ballots),
                )
            )
        return self.ballots[code]
