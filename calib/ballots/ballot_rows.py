"""Ballots in a table: which columns hold what, and each row turned into a ballot."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from calib.ballots.survey import (
    SMALLEST_RATIO,
    Ballots,
    ReadReport,
    RejectedBallot,
    Survey,
    reason_name,
    say_fault,
)
from calib.errors import Fault, Faults, InputError, did_you_mean
from calib.framework import Framework, Track
from calib.tables import RawTable
from calib.words import Text, message

__all__ = [
    "NO",
    "Faulty",
    "Row",
    "RowReader",
    "column_roles",
    "looks_like_survey",
    "rank_columns",
]

Faulty = Literal["error", "set-aside"]

_ALIASES = {
    "respondent": ("respondent", "respondent_id", "ballot", "id", "序号", "编号", "答卷编号",
                   "答卷序号", "受访者", "受访者编号", "问卷编号"),
    "enterprise": ("enterprise", "enterprise_id", "企业编号", "企业代码", "企业", "企业名称"),
    "track": ("track", "企业类型", "行业类型", "类型"),
    "segment": ("segment", "分组", "群体", "身份", "企业规模", "size"),
    "weight": ("weight", "权重", "加权"),
    "synthetic": ("synthetic", "合成", "合成数据"),
    "rank": ("rank", "名次", "排序", "位次", "顺位"),
    "indicator": ("indicator", "code", "item", "指标", "指标编码", "指标代码", "选择"),
}  # fmt: skip
NO = frozenset({"", "0", "no", "false", "否"})
"""What a column of yes and no says where the answer is no."""
_DIGITS = ("", *"一二三四五六七八九")
_NUMERALS = {
    f"{ten}{digit}": 10 * i + j
    for i, ten in enumerate(("", "十", "二十"))
    for j, digit in enumerate(_DIGITS)
    if i or j
}
_RANK_COLUMN = re.compile(
    r"(?P<stem>(?:.*[^\w]|.*[_\s])?)"
    r"(?P<word>(?:rank|choice|pick|top|no\.?|r|第|选择|排序|排名|重要指标|名次)?)[\s_-]*"
    r"(?P<rank>\d{1,2}|二?十[一二三四五六七八九]?|[一二三四五六七八九])(?:st|nd|rd|th)?"
    r"(?P<tail>(?:\s*(?:choice|rank|重要|位|名|选择|选项|重要指标|重要的指标|选))?)",
    re.IGNORECASE,
)


def looks_like_survey(table: RawTable) -> bool:
    """Return whether a table has columns of ranks, or those of the long form of ballots."""
    labels = column_roles(table)
    if {"rank", "indicator", "respondent"} <= set(labels):
        return True
    faults = Faults()
    return len(rank_columns(table, labels, faults)) > 1 or bool(len(faults))


def column_roles(table: RawTable) -> dict[str, str]:
    """Return the columns that are recognised by their names, by what they hold."""
    labels: dict[str, str] = {}
    for column in map(str, table.frame.columns):
        folded = column.strip().casefold()
        for role, words in _ALIASES.items():
            if folded in words and role not in labels:
                labels[role] = column
    return labels


def rank_columns(table: RawTable, labels: dict[str, str], faults: Faults) -> list[str]:
    """Return the columns that hold ranks, best first; several candidates are a fault."""
    taken = set(labels.values())
    groups: dict[tuple[str, str, str], dict[int, str]] = {}
    for column in map(str, table.frame.columns):
        match = _RANK_COLUMN.fullmatch(column.strip())
        if column in taken or match is None:
            continue
        number = int(match["rank"]) if match["rank"].isdigit() else _NUMERALS[match["rank"]]
        key = (match["stem"].casefold(), match["word"].casefold(), match["tail"].casefold())
        groups.setdefault(key, {}).setdefault(number, column)
    whole = {k: g for k, g in groups.items() if sorted(g) == list(range(1, len(g) + 1))}
    worded = {k: g for k, g in whole.items() if k[1] or k[2]}
    several = worded or whole
    if len(several) > 1:
        faults.add(
            message("ballots.faults.header"),
            message("ballots.faults.several"),
            value=[g[1] for g in several.values()],
            expected=message("ballots.faults.several_expected"),
        )
        return []
    return [group[r] for group in several.values() for r in sorted(group)]


_Problem = tuple[str, str, str, str | Text]
"""Where, why (a key of :data:`~calib.ballots.REASONS`), what stands there, what would be valid."""


@dataclass(slots=True)
class Row:
    """One ballot as it stands in the file."""

    where: str
    at: int
    words: list[str]
    cells: list[str]
    problems: list[_Problem] = field(default_factory=list)


class RowReader:
    """Turns rows of words into ballots, noting what is wrong with each."""

    def __init__(
        self,
        table: RawTable,
        framework: Framework,
        labels: dict[str, str],
        track: str | None,
        choices: int,
    ) -> None:
        self.table, self.framework, self.labels = table, framework, labels
        self.choices = choices
        self.track = framework.track(track) if track is not None else None
        self._found: dict[tuple[str, str], str | None] = {}

    def wide_rows(self, columns: list[str]) -> list[Row]:
        """Read one row a ballot."""
        texts = [self.table.text(c) for c in columns]
        rows = []
        formulas = Faults(self.table.file)
        for column in columns:
            self.table.refuse_formulas(column, formulas, expected=message("tables.value"))
        formulas.raise_if_any()
        for at in range(len(self.table.frame)):
            words = [text[at] for text in texts]
            cells: list[str] = [self.table.where(at, c) for c in columns]
            row = Row(self.table.where(at), at, words, cells)
            while row.words and not row.words[-1]:
                row.words.pop()
            for place, word in enumerate(row.words):
                if not word:
                    row.problems.append((cells[place], "gap", "", say_fault("no_gap")))
            rows.append(row)
        return rows

    def note_twice(self, rows: list[Row]) -> None:
        """Note ballots that stand twice: the same respondent with the same choices."""
        if "respondent" not in self.labels:
            return
        names = self.table.text(self.labels["respondent"])
        first: dict[tuple[str, ...], str] = {}
        for row in rows:
            name = names[row.at]
            key = (name, *row.words)
            if name and any(row.words) and key in first:
                row.problems.append(
                    (row.where, "twice", name, say_fault("as_before", where=first[key]))
                )
            first.setdefault(key, row.where)

    def long_rows(self) -> list[Row]:
        """Read one row a choice, gathered by respondent in the order of the file."""
        names = self.table.text(self.labels["respondent"])
        ranks = self.table.text(self.labels["rank"])
        words = self.table.text(self.labels["indicator"])
        roles = [r for r in ("track", "enterprise", "segment", "weight") if r in self.labels]
        details = {self.labels[role]: self.table.text(self.labels[role]) for role in roles}
        gathered: dict[str, Row] = {}
        places: dict[str, dict[int, tuple[str, str]]] = {}
        for at, (name, rank, word) in enumerate(zip(names, ranks, words, strict=True)):
            where: str = self.table.where(at)
            key = name or f"\n{at}"  # rows without a respondent are no one's ballot
            row = gathered.setdefault(key, Row(where, at, [], []))
            held = places.setdefault(key, {})
            if not name:
                row.problems.append((where, "respondent", word, say_fault("some_respondent")))
                continue
            row.problems += self._mixed(details, row.at, at)
            if not word and not rank:
                continue
            if not re.fullmatch("[0-9]+", rank) or int(rank) < 1:
                row.problems.append((where, "rank", rank, say_fault("whole_rank")))
            elif int(rank) in held:
                row.problems.append((where, "tie", rank, say_fault("rank_once")))
            elif int(rank) > 1000:
                row.problems.append(
                    (where, "too_many", rank, say_fault("at_most", most=self.choices))
                )
            elif word:
                held[int(rank)] = (word, where)
        for name, row in gathered.items():
            held = places[name]
            for place in range(1, max(held, default=0) + 1):
                word, where = held.get(place, ("", row.where))
                row.words.append(word)
                row.cells.append(where)
                if not word:
                    row.problems.append((where, "gap", str(place), say_fault("no_gap")))
        return list(gathered.values())

    def _mixed(self, details: dict[str, list[str]], first: int, at: int) -> list[_Problem]:
        """Return where a later row says of its respondent what the first row does not."""
        return [
            (
                self.table.where(at, column),
                "mixed",
                text[at],
                say_fault(
                    "as_in",
                    value=text[first] or say_fault("blank_value"),
                    where=self.table.where(first),
                ),
            )
            for column, text in details.items()
            if text[at] and text[at] != text[first]
        ]

    def survey(self, rows: list[Row], faulty: Faulty, notes: tuple[Text, ...]) -> Survey:
        """Check every ballot, and build the survey from the sound ones."""
        tracks = self._tracks(rows)
        weights = self._weights(rows)
        codes = [self._codes(row, track) for row, track in zip(rows, tracks, strict=True)]
        aside = [RejectedBallot(*(row.problems[0])) if row.problems else None for row in rows]
        faults = [
            Fault(self.table.file, where, reason_name(why), value or None, detail)
            for row in rows
            for where, why, value, detail in row.problems
            if why != "blank"
        ]
        if faults and faulty == "error":
            raise InputError(faults)
        used = [i for i, one in enumerate(aside) if one is None]
        if not used:
            raise InputError(faults or [Fault(self.table.file, "", say_fault("all_blank"))])
        ballots = {}
        for code, tree in self.framework.tracks.items():
            members = [i for i in used if tracks[i] == code]
            if members:
                ballots[code] = self._ballots(tree, members, rows, codes, weights)
        kept = tuple(one for one in aside if one is not None)
        read_report = ReadReport(
            self.table.file, len(rows), len(used), kept, (*self.table.notes, *notes)
        )
        return Survey(self.framework, ballots, read_report, self._synthetic())

    def _synthetic(self) -> bool:
        if "synthetic" not in self.labels:
            return False
        words = {word.casefold() for word in self.table.text(self.labels["synthetic"])}
        return bool(words - NO)

    def _ballots(
        self,
        tree: Track,
        members: list[int],
        rows: list[Row],
        codes: list[list[str]],
        weights: list[float] | None,
    ) -> Ballots:
        index = {code: j for j, code in enumerate(tree.leaf_codes)}
        K = min(self.choices, len(index))
        picks = np.full((len(members), K), -1, dtype=np.int16)
        for out, i in enumerate(members):
            picks[out, : len(codes[i])] = [index[code] for code in codes[i]]
        at = [rows[i].at for i in members]

        def column(role: str) -> np.ndarray[tuple[int], np.dtype[np.str_]] | None:
            if role not in self.labels:
                return None
            text = self.table.text(self.labels[role])
            return np.array([text[row] for row in at], dtype=str)

        weight = None if weights is None else np.array([weights[i] for i in members])
        return Ballots(
            tree.leaf_codes,
            picks,
            weight,
            column("enterprise"),
            column("segment"),
            column("respondent"),
        )

    def _tracks(self, rows: list[Row]) -> list[str]:
        if "track" not in self.labels and self.track is None and len(self.framework.tracks) > 1:
            sheets = self.table.sheets()
            return [self.framework.track(sheets[row.at]) or "" for row in rows]
        if "track" not in self.labels:
            only = self.track or next(iter(self.framework.tracks))
            return [only] * len(rows)
        text = self.table.text(self.labels["track"])
        out = []
        for row in rows:
            word = text[row.at]
            code = self.framework.track(word) if word else self.track
            if code is None:
                where = self.table.where(row.at, self.labels["track"])
                known = say_fault("one_of", known=list(self.framework.tracks))
                row.problems.append((where, "track", word, known))
            out.append(code or "")
        if self.track is not None:
            for row, code in zip(rows, out, strict=True):
                if code and code != self.track:
                    where = self.table.where(row.at, self.labels["track"])
                    row.problems.append(
                        (where, "track", code, say_fault("as_stated", track=self.track))
                    )
        return out

    def _weights(self, rows: list[Row]) -> list[float] | None:
        if "weight" not in self.labels:
            return None
        text = self.table.text(self.labels["weight"])
        out = []
        for row in rows:
            try:
                value = float(text[row.at])
            except ValueError:
                value = float("nan")
            if not (np.isfinite(value) and value > 0):
                where = self.table.where(row.at, self.labels["weight"])
                row.problems.append((where, "weight", text[row.at], say_fault("positive")))
            out.append(value)
        least = SMALLEST_RATIO * max((v for v in out if np.isfinite(v)), default=0.0)
        for row, value in zip(rows, out, strict=True):
            if 0 < value < least:
                where = self.table.where(row.at, self.labels["weight"])
                row.problems.append((where, "weight", text[row.at], message("ballots.array.ratio")))
        return out

    def _codes(self, row: Row, track: str) -> list[str]:
        """Return the codes that a ballot lists, noting everything that is wrong with it."""
        if not any(row.words):
            if not row.problems:
                row.problems.append((row.where, "blank", "", say_fault("one_choice")))
            return []
        codes: list[str] = []
        for word, cell in zip(row.words, row.cells, strict=False):
            if not word or not track:
                continue
            code = self._find(track, word)
            if code is None:
                row.problems.append((cell, "unknown", word, self._hint(track, word)))
            elif code in codes:
                row.problems.append((cell, "duplicate", word, say_fault("item_once")))
            else:
                codes.append(code)
        limit = min(self.choices, len(self.framework.tracks[track].leaves)) if track else 0
        if track and len(row.words) > limit:
            most = say_fault("at_most", most=limit)
            row.problems.append((row.where, "too_many", str(len(row.words)), most))
        return codes

    def _find(self, track: str, word: str) -> str | None:
        key = (track, word)
        if key not in self._found:
            tree = self.framework.tracks[track]
            first, _, rest = word.partition(" ")
            own = tree.find(word)
            named = tree.find(rest) if rest.strip() else None
            clear = first in tree.leaf_codes and named in (None, first)
            self._found[key] = own or (first if clear else None)
        return self._found[key]

    def _hint(self, track: str, word: str) -> str | Text:
        for other, tree in self.framework.tracks.items():
            if other != track and tree.find(word):
                return say_fault("other_track", track=track, other=other)
        tree = self.framework.tracks[track]
        leaves = [tree.nodes[i] for i in tree.leaves]
        known = [name for n in leaves for name in (n.code, n.name.zh, n.name.en)]
        return say_fault("own_track", track=track, hint=did_you_mean(word, known))
