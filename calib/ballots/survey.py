"""A survey of top-k ballots: as arrays, and with what was read, set aside, and why."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from calib._types import FloatArray, IntArray
from calib.errors import Faults, InputError
from calib.framework import Framework
from calib.words import Message, Text, joined, message

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "REASONS",
    "Ballots",
    "ReadReport",
    "RejectedBallot",
    "Survey",
    "ballots_from_lists",
    "reason_name",
    "say_fault",
]


@dataclass(frozen=True, slots=True)
class Ballots:
    """Ordered choices of up to K items out of the J items offered to every respondent.

    An item that a ballot does not list **was offered and is ranked below every listed item**;
    nothing is said about the order of the unlisted items among themselves. (It does *not* mean
    "was not on offer": a model of incomplete rankings would be off by about one logit, however
    many ballots there are.)

    Parameters
    ----------
    items : (J,) codes of the items on offer, in the order of their positions
    picks : (n, K) positions of the chosen items, best first; -1 fills a short ballot's tail
    weight : (n,) positive respondent weights, or None when every ballot counts once. Only their
        ratios count: weights beyond 10^±15 are kept divided by a power of 2
    cluster : (n,) enterprise of each ballot, or None
    segment : (n,) segment of each ballot, or None
    respondent : (n,) respondent of each ballot, or None

    Raises
    ------
    InputError
        If a position is out of range or repeated, a choice follows a gap, a ballot is blank, a
        weight is not a positive number or under 10^-12 of the largest one, or a column has the
        wrong length. All faults are listed.

    Examples
    --------
    >>> ballots = ballots_from_lists([["b", "a"], ["c"]], items=("a", "b", "c", "d"))
    >>> ballots.n, ballots.J, ballots.lengths.tolist()
    (2, 4, [2, 1])
    """

    items: tuple[str, ...]
    picks: NDArray[np.int16]
    weight: FloatArray | None = None
    cluster: NDArray[np.str_] | None = None
    segment: NDArray[np.str_] | None = None
    respondent: NDArray[np.str_] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "items", tuple(self.items))
        picks = np.array(self.picks, dtype=np.int16, ndmin=2)
        if self.weight is not None:
            object.__setattr__(self, "weight", _sized(np.asarray(self.weight, dtype=float)))
        faults = Faults("ballots")
        _check_columns(self, picks, faults)
        _check_picks(picks, len(self.items), faults)
        faults.raise_if_any()
        object.__setattr__(self, "picks", picks)
        for array in (picks, self.weight):
            if array is not None:
                array.flags.writeable = False

    @property
    def n(self) -> int:
        """Number of ballots."""
        return int(self.picks.shape[0])

    @property
    def J(self) -> int:
        """Number of items on offer."""
        return len(self.items)

    @property
    def K(self) -> int:
        """Largest number of choices that a ballot could hold."""
        return int(self.picks.shape[1])

    @property
    def lengths(self) -> IntArray:
        """Number of items listed on each ballot, (n,)."""
        return np.asarray((self.picks >= 0).sum(axis=1), dtype=np.int64)

    @property
    def weights(self) -> FloatArray:
        """Weight of each ballot, (n,); ones when none were given."""
        return np.ones(self.n) if self.weight is None else self.weight

    def take(self, rows: IntArray | NDArray[np.bool_]) -> Ballots:
        """Return the ballots at the given rows."""

        def part(column: NDArray[np.str_] | None) -> NDArray[np.str_] | None:
            return None if column is None else column[rows]

        return Ballots(
            self.items,
            self.picks[rows],
            None if self.weight is None else self.weight[rows],
            part(self.cluster),
            part(self.segment),
            part(self.respondent),
        )

    def lists(self) -> list[list[str]]:
        """Return each ballot as a list of item codes, best first."""
        return [[self.items[j] for j in row if j >= 0] for row in self.picks.tolist()]


SMALLEST_RATIO = 1e-12
"""Least weight beside the largest one: sums in floating point lose what is smaller."""


def _say(key: str, **values: object) -> Message:
    return message(f"ballots.array.{key}", **values)


def _sized(weight: FloatArray) -> FloatArray:
    """Return weights whose squares and sums are numbers; ratios are kept to the last bit."""
    largest = float(weight.max(initial=0.0))
    if not np.isfinite(largest) or largest <= 0 or 1e-15 <= largest <= 1e15:
        return weight
    scaled = np.ldexp(weight, -int(np.frexp(largest)[1]))
    return np.asarray(np.where(weight > 0, np.maximum(scaled, 5e-324), weight), dtype=float)


def _check_columns(ballots: Ballots, picks: NDArray[np.int16], faults: Faults) -> None:
    J, n = len(ballots.items), picks.shape[0]
    if J < 2:
        faults.add("items", _say("few_items"), value=J)
    repeated = sorted({code for code in ballots.items if ballots.items.count(code) > 1})
    if repeated:
        faults.add("items", _say("repeated_codes"), value=repeated)
    if n == 0 or picks.shape[1] == 0:
        faults.add("picks", _say("empty"), expected=_say("one_ballot"))
    if picks.shape[1] > J:
        most = message("ballots.faults.at_most", most=J)
        faults.add("picks", _say("too_many_ranks"), value=picks.shape[1], expected=most)
    for name in ("weight", "cluster", "segment", "respondent"):
        column = getattr(ballots, name)
        if column is not None and len(column) != n:
            faults.add(name, _say("length"), value=len(column), expected=_say("one_each", n=n))
    if ballots.weight is not None:
        bad = ~(np.isfinite(ballots.weight) & (ballots.weight > 0))
        for row in np.flatnonzero(bad)[:20]:
            faults.add(
                _say("row", row=row),
                _say("weight"),
                value=float(ballots.weight[row]),
                expected=message("ballots.faults.positive"),
            )
        if not bad.any() and ballots.weight.min() < SMALLEST_RATIO * ballots.weight.max():
            faults.add(
                _say("row", row=int(ballots.weight.argmin())),
                _say("small_weight"),
                value=f"{ballots.weight.min() / ballots.weight.max():.3g}",
                expected=_say("ratio"),
            )


def _check_picks(picks: NDArray[np.int16], J: int, faults: Faults) -> None:
    if picks.size == 0:
        return
    listed = picks >= 0
    for row in np.flatnonzero((picks < -1).any(axis=1) | (picks >= J).any(axis=1))[:20]:
        faults.add(
            _say("row", row=row),
            _say("out_of_range"),
            value=picks[row].tolist(),
            expected=_say("positions", last=J - 1),
        )
    for row in np.flatnonzero((listed[:, 1:] & ~listed[:, :-1]).any(axis=1))[:20]:
        faults.add(_say("row", row=row), _say("after_gap"), value=picks[row].tolist())
    for row in np.flatnonzero(~listed[:, 0])[:20]:
        faults.add(
            _say("row", row=row), _say("blank"), expected=message("ballots.faults.one_choice")
        )
    repeated = np.zeros(picks.shape[0], dtype=bool)
    for s in range(1, picks.shape[1]):
        for t in range(s):
            repeated |= listed[:, s] & (picks[:, s] == picks[:, t])
    for row in np.flatnonzero(repeated)[:20]:
        faults.add(_say("row", row=row), _say("repeated"), value=picks[row].tolist())


def ballots_from_lists(
    lists: Sequence[Sequence[str]],
    *,
    items: Sequence[str],
    weight: Sequence[float] | FloatArray | None = None,
    cluster: Sequence[str] | None = None,
    segment: Sequence[str] | None = None,
) -> Ballots:
    """Build ballots from lists of item codes, best first.

    Parameters
    ----------
    lists : n lists of codes
    items : (J,) codes of every item that was on offer
    weight, cluster, segment : (n,) columns, optional

    Raises
    ------
    InputError
        If a list names an unknown item, or is blank, too long or repeats an item.
    """
    index = {code: j for j, code in enumerate(items)}
    faults = Faults("ballots")
    for row, codes in enumerate(lists):
        for code in codes:
            if code not in index:
                faults.add(_say("row", row=row), _say("unknown"), value=code)
    faults.raise_if_any()
    K = max((len(codes) for codes in lists), default=0)
    picks = np.full((len(lists), K), -1, dtype=np.int16)
    for row, codes in enumerate(lists):
        picks[row, : len(codes)] = [index[code] for code in codes]
    return Ballots(
        tuple(items),
        picks,
        None if weight is None else np.asarray(weight, dtype=float),
        None if cluster is None else np.asarray(cluster, dtype=str),
        None if segment is None else np.asarray(segment, dtype=str),
    )


REASONS = (
    "blank", "unknown", "duplicate", "gap", "too_many", "rank", "weight", "track", "tie",
    "malformed", "respondent", "mixed", "twice",
)  # fmt: skip
"""Why a ballot cannot be used; in words by :func:`reason_name`."""


def reason_name(key: str) -> Text:
    """Return a reason in words."""
    return message(f"values.{key}")


def say_fault(key: str, **values: object) -> Message:
    """Return the words on a fault of a file of ballots, by its key in the catalogue."""
    return message(f"ballots.faults.{key}", **values)


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
