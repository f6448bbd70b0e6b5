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
from calib.framework import Framework, Name
from calib.words import joined, message

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["REASONS", "Intake", "SetAside", "Survey"]

REASONS: Mapping[str, Name] = {
    "blank": Name("空白选票", "blank ballot"),
    "unknown": Name("指标名称无法识别", "unknown indicator"),
    "duplicate": Name("同一指标重复选择", "indicator chosen twice"),
    "gap": Name("名次有空缺", "gap in the ranks"),
    "too_many": Name("选择过多", "too many choices"),
    "rank": Name("名次无效", "invalid rank"),
    "weight": Name("权重无效", "invalid weight"),
    "track": Name("企业类型无法识别", "unknown track"),
    "tie": Name("并列名次", "tied ranks"),
    "malformed": Name("排序格式有误", "malformed order"),
    "respondent": Name("缺少受访者", "no respondent"),
    "mixed": Name("同一受访者的信息前后不一", "one respondent, different details"),
}
"""Why a ballot cannot be used."""


@dataclass(frozen=True, slots=True)
class SetAside:
    """A ballot that is not used.

    Parameters
    ----------
    where : row or cell in the file
    reason : a key of :data:`REASONS`
    value : what stands there
    detail : what would be valid, or a suggestion
    count : how many ballots (more than 1 in files that count equal ballots)
    """

    where: str
    reason: str
    value: str
    detail: str = ""
    count: int = 1


@dataclass(frozen=True, slots=True)
class Intake:
    """The account of a file: every ballot read is either used or set aside with a reason.

    Parameters
    ----------
    file : as named by the user
    read, used : numbers of ballots
    set_aside : the others, each with its row and its reason
    notes : what the reader had to decide
    """

    file: str
    read: int
    used: int
    set_aside: tuple[SetAside, ...]
    notes: tuple[str, ...] = ()

    def counts(self) -> dict[str, int]:
        """Return how many ballots were set aside for each reason."""
        total: Counter[str] = Counter()
        for one in self.set_aside:
            total[one.reason] += one.count
        return dict(total)

    def table(self) -> pd.DataFrame:
        """Return the ballots set aside, one row each."""
        import pandas as pd

        columns = ["where", "reason", "value", "detail", "ballots"]
        rows = [[s.where, s.reason, s.value, s.detail, s.count] for s in self.set_aside]
        return pd.DataFrame(rows, columns=columns)

    def sentence(self, lang: str) -> str:
        """Say in one sentence how many ballots were read, used and set aside."""
        parts = [f"{REASONS[reason].get(lang)} {count}" for reason, count in self.counts().items()]
        aside = self.read - self.used
        if lang == "zh":
            tail = f"，搁置 {aside} 份（{'、'.join(parts)}）" if aside else "，无搁置"
            return f"读入 {self.read} 份选票，使用 {self.used} 份{tail}。"
        tail = f", {aside} set aside ({', '.join(parts)})" if aside else ", none set aside"
        return f"{self.read} ballots read, {self.used} used{tail}."


@dataclass(frozen=True, eq=False, repr=False)
class Survey:
    """Ballots by track, with the account of the file they came from.

    Parameters
    ----------
    framework : names the indicators that were ranked
    ballots : by track code, ballots over the track's indicators in the order of its tree
    intake : what was read, used and set aside
    synthetic : whether the file marks its ballots as synthetic (a column ``synthetic``)
    """

    framework: Framework
    ballots: Mapping[str, Ballots]
    intake: Intake
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
            file=Path(self.intake.file).name,
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
            names = ", ".join(self.ballots)
            raise InputError(f"{self.intake.file}: name one of the tracks with ballots: {names}")
        return self.ballots[code]
