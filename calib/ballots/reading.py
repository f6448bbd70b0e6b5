"""Reading surveys of ballots: one column a rank, or one row a choice."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from calib.ballots.data import Ballots
from calib.ballots.exchange import is_preflib, survey_from_preflib
from calib.ballots.headers import NO, column_roles, rank_columns
from calib.ballots.survey import ReadReport, RejectedBallot, Survey, reason_name
from calib.errors import Fault, Faults, InputError, suggest
from calib.files.shipped import shipped_data
from calib.framework import Framework, Track
from calib.imports import convert_ballots, stored
from calib.requests import expect
from calib.tables import RawTable, read_table
from calib.words import Message, Text, message

__all__ = ["parse_survey", "read_survey"]

Faulty = Literal["error", "set-aside"]


def read_survey(
    path: str | os.PathLike[str] | Survey,
    framework: Framework,
    *,
    track: str | None = None,
    choices: int = 5,
    sheet: str | None = None,
    ranks: Sequence[str] = (),
    faulty: Faulty = "error",
    mapping: str | os.PathLike[str] | None = None,
) -> Survey:
    """Read a survey of ballots from CSV, XLSX, Parquet or PrefLib.

    Wide, as survey platforms export it: one row a ballot, one column a rank (``rank1`` ...,
    ``第一重要`` ..., ``1`` ...) with indicator codes or Chinese or English names. Long: columns
    ``respondent``, ``rank``, ``indicator``. PrefLib: ``.soi``, ``.toi``, ``.soc``, ``.toc``.
    Columns ``respondent``, ``enterprise``, ``track``, ``segment`` and ``weight`` (or 企业编号,
    企业类型, 分组, 权重 ...) are taken when they are there.

    A column ``synthetic`` marks simulated ballots, and the mark is carried into every report.

    Every indicator of the respondent's track was on offer; one that a ballot does not list is
    ranked below all that it lists.

    Parameters
    ----------
    path : the file, CSV in UTF-8 or GB18030; or the name of a shipped survey: "near-equal",
        "unequal". A survey that is read already is handed back
    framework : names the indicators
    track : track of all ballots, when the file has no such column
    choices : how many ranks were asked for
    sheet : Excel sheet, the first by default
    ranks : names of the rank columns, best first, if they are not recognised
    faulty : ``error`` - any faulty ballot raises, all of them listed; ``set-aside`` - faulty
        ballots are left out and accounted for. Blank ballots are set aside either way
    mapping : what the columns of an export hold; see :func:`calib.import_ballots`. A mapping that
        lies beside the file and is for its layout is used without being named

    Raises
    ------
    InputError
        With every fault by row, value and what would be valid.
    """
    expect("read_survey(path, framework)", framework=(framework, Framework))
    if isinstance(path, Survey):
        return path
    path = _shipped(path) or path
    if track is not None:
        code = framework.track(track)
        if code is None:
            hint = suggest(track, framework.tracks) or _say("one_of", known=list(framework.tracks))
            raise InputError(
                _say("no_track", track=repr(track), framework=framework.code, hint=hint)
            )
        track = code
    if is_preflib(path):
        return survey_from_preflib(path, framework, track, faulty)
    found = stored(path, framework, "ballots", mapping, sheet)
    if found is not None:
        table: RawTable = convert_ballots(found.export, found.mapping, framework)
        ranks = [c for c in map(str, table.frame.columns) if c.startswith("rank")]
    else:
        table = read_table(path, sheet=sheet)
    return parse_survey(table, framework, track=track, choices=choices, ranks=ranks, faulty=faulty)


def _shipped(path: str | os.PathLike[str]) -> Path | None:
    """Return the file of a shipped survey that goes by its name, None for any other path."""
    if Path(path).suffix or Path(path).exists():
        return None
    shipped = {p.stem: p for p in sorted((shipped_data() / "surveys").glob("*.csv"))}
    name = str(path)
    if name not in shipped:
        hint = suggest(name, shipped)
        raise InputError(message("ballots.no_such", name=name, hint=hint, known=list(shipped)))
    return shipped[name]


def parse_survey(
    table: RawTable,
    framework: Framework,
    *,
    track: str | None = None,
    choices: int = 5,
    ranks: Sequence[str] = (),
    faulty: Faulty = "error",
) -> Survey:
    """Read a survey from a raw table; see :func:`read_survey`."""
    heads = column_roles(table)
    faults = Faults(table.file)
    long = "rank" in heads and "indicator" in heads and not ranks
    columns = list(ranks) or ([] if long else rank_columns(table, heads, faults))
    for name in ranks:
        if name not in table.frame.columns:
            hint = suggest(name, [str(c) for c in table.frame.columns])
            faults.add(_say("header"), _say("no_column", name=repr(name), hint=hint))
    if not long and not columns and not len(faults):
        faults.add(
            _say("header"),
            _say("no_ranks"),
            value=[str(c) for c in table.frame.columns][:8],
            expected=_say("ranks_expected"),
        )
    if long and "respondent" not in heads:
        faults.add(_say("header"), _say("no_respondents"), expected=_say("respondents_expected"))
    by_sheet = all(map(framework.track, set(table.sheets())))
    if track is None and "track" not in heads and len(framework.tracks) > 1 and not by_sheet:
        faults.add(_say("header"), _say("no_tracks"), expected=_say("tracks_expected"))
    faults.raise_if_any()
    reader = _Reader(table, framework, heads, track, choices)
    rows = reader.long_rows() if long else reader.wide_rows(columns)
    used = () if long else (message("ballots.ranks_read", columns=columns),)
    if not long:
        _check_left_out(table, framework, columns, heads)
        reader.note_twice(rows)
    return reader.survey(rows, faulty, used)


def _check_left_out(
    table: RawTable, framework: Framework, columns: Sequence[str], heads: dict[str, str]
) -> None:
    """Refuse a column of choices that is no rank: its header may be misspelt."""
    for column in map(str, table.frame.columns):
        if column in columns or column in heads.values():
            continue
        words = {w for w in table.text(column) if w}
        hits = [w for w in words if any(t.find(w) for t in framework.tracks.values())]
        if len(words) > 2 and len(hits) > len(words) / 2:
            said = _say("left_out", column=repr(column))
            raise InputError([Fault(table.file, _say("header"), said,
                                    expected=_say("left_out_expected"))])  # fmt: skip


def _say(key: str, **values: object) -> Message:
    return message(f"ballots.faults.{key}", **values)


_Problem = tuple[str, str, str, str | Text]
"""Where, why (a key of :data:`~calib.ballots.REASONS`), what stands there, what would be valid."""


@dataclass(slots=True)
class _Row:
    """One ballot as it stands in the file."""

    where: str
    at: int
    words: list[str]
    cells: list[str]
    problems: list[_Problem] = field(default_factory=list)


class _Reader:
    """Turns rows of words into ballots, noting what is wrong with each."""

    def __init__(
        self,
        table: RawTable,
        framework: Framework,
        heads: dict[str, str],
        track: str | None,
        choices: int,
    ) -> None:
        self.table, self.framework, self.heads = table, framework, heads
        self.choices = choices
        self.track = framework.track(track) if track is not None else None
        self._found: dict[tuple[str, str], str | None] = {}

    def wide_rows(self, columns: list[str]) -> list[_Row]:
        """Read one row a ballot."""
        texts = [self.table.text(c) for c in columns]
        rows = []
        formulas = Faults(self.table.file)
        for column in columns:
            self.table.refuse_formulas(column, formulas, expected="a value")
        formulas.raise_if_any()
        for at in range(len(self.table.frame)):
            words = [text[at] for text in texts]
            cells: list[str] = [self.table.where(at, c) for c in columns]
            row = _Row(self.table.where(at), at, words, cells)
            while row.words and not row.words[-1]:
                row.words.pop()
            for place, word in enumerate(row.words):
                if not word:
                    row.problems.append((cells[place], "gap", "", _say("no_gap")))
            rows.append(row)
        return rows

    def note_twice(self, rows: list[_Row]) -> None:
        """Note ballots that stand twice: the same respondent with the same choices."""
        if "respondent" not in self.heads:
            return
        names = self.table.text(self.heads["respondent"])
        first: dict[tuple[str, ...], str] = {}
        for row in rows:
            name = names[row.at]
            key = (name, *row.words)
            if name and any(row.words) and key in first:
                row.problems.append((row.where, "twice", name, _say("as_before", where=first[key])))
            first.setdefault(key, row.where)

    def long_rows(self) -> list[_Row]:
        """Read one row a choice, gathered by respondent in the order of the file."""
        names = self.table.text(self.heads["respondent"])
        ranks = self.table.text(self.heads["rank"])
        words = self.table.text(self.heads["indicator"])
        roles = [r for r in ("track", "enterprise", "segment", "weight") if r in self.heads]
        details = {self.heads[role]: self.table.text(self.heads[role]) for role in roles}
        gathered: dict[str, _Row] = {}
        places: dict[str, dict[int, tuple[str, str]]] = {}
        for at, (name, rank, word) in enumerate(zip(names, ranks, words, strict=True)):
            where: str = self.table.where(at)
            key = name or f"\n{at}"  # rows without a respondent are no one's ballot
            row = gathered.setdefault(key, _Row(where, at, [], []))
            held = places.setdefault(key, {})
            if not name:
                row.problems.append((where, "respondent", word, _say("some_respondent")))
                continue
            row.problems += self._mixed(details, row.at, at)
            if not word and not rank:
                continue
            if not re.fullmatch("[0-9]+", rank) or int(rank) < 1:
                row.problems.append((where, "rank", rank, _say("whole_rank")))
            elif int(rank) in held:
                row.problems.append((where, "tie", rank, _say("rank_once")))
            elif int(rank) > 1000:
                row.problems.append((where, "too_many", rank, _say("at_most", most=self.choices)))
            elif word:
                held[int(rank)] = (word, where)
        for name, row in gathered.items():
            held = places[name]
            for place in range(1, max(held, default=0) + 1):
                word, where = held.get(place, ("", row.where))
                row.words.append(word)
                row.cells.append(where)
                if not word:
                    row.problems.append((where, "gap", str(place), _say("no_gap")))
        return list(gathered.values())

    def _mixed(self, details: dict[str, list[str]], first: int, at: int) -> list[_Problem]:
        """Return where a later row says of its respondent what the first row does not."""
        return [
            (
                self.table.where(at, column),
                "mixed",
                text[at],
                _say(
                    "as_in",
                    value=text[first] or _say("blank_value"),
                    where=self.table.where(first),
                ),
            )
            for column, text in details.items()
            if text[at] and text[at] != text[first]
        ]

    def survey(self, rows: list[_Row], faulty: Faulty, notes: tuple[Text, ...]) -> Survey:
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
            raise InputError(faults or [Fault(self.table.file, "", _say("all_blank"))])
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
        if "synthetic" not in self.heads:
            return False
        words = {word.casefold() for word in self.table.text(self.heads["synthetic"])}
        return bool(words - NO)

    def _ballots(
        self,
        tree: Track,
        members: list[int],
        rows: list[_Row],
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
            if role not in self.heads:
                return None
            text = self.table.text(self.heads[role])
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

    def _tracks(self, rows: list[_Row]) -> list[str]:
        if "track" not in self.heads and self.track is None and len(self.framework.tracks) > 1:
            sheets = self.table.sheets()
            return [self.framework.track(sheets[row.at]) or "" for row in rows]
        if "track" not in self.heads:
            only = self.track or next(iter(self.framework.tracks))
            return [only] * len(rows)
        text = self.table.text(self.heads["track"])
        out = []
        for row in rows:
            word = text[row.at]
            code = self.framework.track(word) if word else self.track
            if code is None:
                where = self.table.where(row.at, self.heads["track"])
                known = _say("one_of", known=list(self.framework.tracks))
                row.problems.append((where, "track", word, known))
            out.append(code or "")
        if self.track is not None:
            for row, code in zip(rows, out, strict=True):
                if code and code != self.track:
                    where = self.table.where(row.at, self.heads["track"])
                    row.problems.append((where, "track", code, _say("as_stated", track=self.track)))
        return out

    def _weights(self, rows: list[_Row]) -> list[float] | None:
        if "weight" not in self.heads:
            return None
        text = self.table.text(self.heads["weight"])
        out = []
        for row in rows:
            try:
                value = float(text[row.at])
            except ValueError:
                value = float("nan")
            if not (np.isfinite(value) and value > 0):
                where = self.table.where(row.at, self.heads["weight"])
                row.problems.append((where, "weight", text[row.at], _say("positive")))
            out.append(value)
        return out

    def _codes(self, row: _Row, track: str) -> list[str]:
        """Return the codes that a ballot lists, noting everything that is wrong with it."""
        if not any(row.words):
            if not row.problems:
                row.problems.append((row.where, "blank", "", _say("one_choice")))
            return []
        codes: list[str] = []
        for word, cell in zip(row.words, row.cells, strict=False):
            if not word or not track:
                continue
            code = self._find(track, word)
            if code is None:
                row.problems.append((cell, "unknown", word, self._hint(track, word)))
            elif code in codes:
                row.problems.append((cell, "duplicate", word, _say("item_once")))
            else:
                codes.append(code)
        limit = min(self.choices, len(self.framework.tracks[track].leaves)) if track else 0
        if track and len(row.words) > limit:
            most = _say("at_most", most=limit)
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
                return _say("other_track", track=track, other=other)
        tree = self.framework.tracks[track]
        leaves = [tree.nodes[i] for i in tree.leaves]
        known = [name for n in leaves for name in (n.code, n.name.zh, n.name.en)]
        return suggest(word, known) or _say("own_track", track=track)
