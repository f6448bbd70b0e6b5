"""Ballots in PrefLib's files of orders, read and written."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Literal

import numpy as np

from calib.ballots.survey import (
    Ballots,
    ReadReport,
    RejectedBallot,
    Survey,
    reason_name,
    say_fault,
)
from calib.errors import Fault, InputError
from calib.files.atomic import write_text
from calib.files.inputs import read_input
from calib.framework import Framework
from calib.tables.encoding import decode
from calib.words import Text

__all__ = [
    "is_preflib",
    "read_preflib",
    "survey_from_preflib",
    "write_preflib",
]

_ENDINGS = (".soc", ".soi", ".toc", ".toi")
MOST_BALLOTS = 5_000_000
"""Ballots of one PrefLib file, in which a line can stand for any number of them."""
_VOTERS = re.compile(r"#\s*NUMBER VOTERS:\s*(\d+)", re.IGNORECASE)
_NAME = re.compile(r"#\s*ALTERNATIVE NAME\s+(\d+)\s*:\s*(.*?)\s*$", re.IGNORECASE)
_ENTRY = re.compile(r"\{[^{}]*\}|[^,{}]+")
_ONE = r"\s*(?:\{[^{}]*\}|[^,{}\s][^,{}]*?)\s*"
_ORDER = re.compile(rf"\s*|{_ONE}(?:,{_ONE})*")


def is_preflib(path: str | os.PathLike[str]) -> bool:
    """Tell by its ending whether a file is one of PrefLib's orders."""
    return Path(path).suffix.lower() in _ENDINGS


def read_preflib(
    path: str | os.PathLike[str], *, faulty: Literal["error", "set-aside"] = "error"
) -> tuple[Ballots, ReadReport]:
    """Read ballots from a PrefLib file.

    Parameters
    ----------
    path : file ending in .soi, .toi, .soc or .toc
    faulty : raise on a faulty ballot, or set it aside with its reason

    Returns
    -------
    (ballots, read_report)
        Items are the alternatives' names. A tie of *all* remaining alternatives at the end of an
        order means the same as not listing them; any other tie cannot be a ballot's choice.

    Raises
    ------
    InputError
        With every fault by line.
    """
    file = Path(path)
    if not file.is_file():
        raise InputError([Fault(str(file), "", say_fault("no_file"))])
    text, notes = decode(read_input(file), file)
    lines = text.splitlines()
    names = _alternatives(lines, str(file))
    index = {number: j for j, number in enumerate(names)}
    orders: list[list[int]] = []
    counts: list[int] = []
    aside: list[RejectedBallot] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        where = say_fault("line", number=number)
        head, _, body = line.partition(":")
        count = _count(head)
        if count is None:
            raise InputError(
                [
                    Fault(
                        str(file), where, say_fault("no_count"), line[:40], say_fault("count_order")
                    )
                ]
            )
        order, problem = _order(body, index)
        if problem is None:
            orders.append(order)
            counts.append(count)
        else:
            why, value, detail = problem
            aside.append(RejectedBallot(where, why, value, detail, count))
    wrong = [s for s in aside if s.reason != "blank"]
    if wrong and faulty == "error":
        raise InputError(
            [Fault(str(file), s.where, reason_name(s.reason), s.value, s.detail) for s in wrong]
        )
    if not orders:
        raise InputError([Fault(str(file), "", say_fault("empty"))])
    picks = np.full((len(orders), max(map(len, orders))), -1, dtype=np.int16)
    for row, order in enumerate(orders):
        picks[row, : len(order)] = order
    used = sum(counts)
    read = used + sum(s.count for s in aside)
    _check_header(lines, file, read, [len(order) for order in orders], len(names))
    if used > MOST_BALLOTS:
        most = say_fault("at_most", most=f"{MOST_BALLOTS:,}")
        raise InputError([Fault(str(file), "", say_fault("too_many_ballots"), f"{used:,}", most)])
    ballots = Ballots(tuple(names.values()), np.repeat(picks, counts, axis=0))
    return ballots, ReadReport(str(file), read, used, tuple(aside), notes)


def _count(text: str) -> int | None:
    """Return how many ballots an order stands for; None where that is no count from 1."""
    digits = text.strip()
    if not (digits.isascii() and digits.isdigit() and len(digits) < 19):
        return None
    return int(digits) or None


def _check_header(lines: list[str], file: Path, read: int, lengths: list[int], items: int) -> None:
    """Compare what a file says of itself with what it holds: voters, and complete orders."""
    faults = []
    stated = next((m[1] for line in lines if (m := _VOTERS.match(line))), None)
    if stated is not None and int(stated[:18]) != read:
        faults.append(
            Fault(
                str(file), "", say_fault("voters"), int(stated[:18]), say_fault("as_read", n=read)
            )
        )
    if file.suffix.lower() == ".soc" and lengths and max(lengths) < items - 1:
        faults.append(Fault(str(file), "", say_fault("not_complete", n=max(lengths), items=items),
                            expected=say_fault("incomplete_file")))  # fmt: skip
    if faults:
        raise InputError(faults)


def _alternatives(lines: list[str], file: str) -> dict[str, str]:
    names = {m[1]: m[2] for line in lines if (m := _NAME.match(line))}
    if len(names) < 2:
        raise InputError([Fault(file, "", say_fault("no_alternatives"))])
    if len(set(names.values())) < len(names):
        raise InputError([Fault(file, "", say_fault("same_names"))])
    return names


def _order(body: str, index: dict[str, int]) -> tuple[list[int], tuple[str, str, Text] | None]:
    """Return an order as positions, or what is wrong with it."""
    if not _ORDER.fullmatch(body):
        return [], ("malformed", body.strip()[:40], say_fault("numbers"))
    entries = [e.strip() for e in _ENTRY.findall(body) if e.strip()]
    order: list[int] = []
    for place, entry in enumerate(entries):
        if entry.startswith("{"):
            tied = [t.strip() for t in entry[1:-1].split(",") if t.strip()]
            unknown = [t for t in tied if t not in index]
            if unknown:
                return [], ("unknown", unknown[0], say_fault("alternatives", last=len(index)))
            rest = set(index.values()) - set(order)
            if len(tied) == 1:
                entry = tied[0]
            elif place == len(entries) - 1 and {index[t] for t in tied} == rest:
                break  # everything left, tied at the bottom: unlisted
            else:
                return [], ("tie", entry, say_fault("strict"))
        if entry not in index:
            return [], ("unknown", entry, say_fault("alternatives", last=len(index)))
        if index[entry] in order:
            return [], ("duplicate", entry, say_fault("alternative_once"))
        order.append(index[entry])
    return order, None if order else ("blank", "", say_fault("one_choice"))


def write_preflib(ballots: Ballots, path: str | os.PathLike[str], *, title: str = "") -> None:
    """Write ballots as PrefLib orders.

    Parameters
    ----------
    ballots : the ballots; weights must be whole numbers, since PrefLib counts ballots.
        Respondents, enterprises and segments have no place in the format
    path : ends in ``.soi`` (listed alternatives only), ``.toi`` or ``.toc`` (the unlisted tied at
        the end) or ``.soc`` (complete strict orders: every ballot must list J or J - 1 items)

    Raises
    ------
    InputError
        If the ending is another, weights are no whole numbers, or orders are incomplete for .soc.
    """
    file = Path(path)
    kind = file.suffix.lower().lstrip(".")
    if not is_preflib(file):
        raise InputError(say_fault("endings", file=file, endings=list(_ENDINGS)))
    weight = ballots.weights
    if np.abs(weight - np.round(weight)).max() > 1e-9:
        raise InputError(say_fault("whole_weights", file=file))
    picks, where = np.unique(ballots.picks, axis=0, return_inverse=True)
    counts = np.round(np.bincount(where.ravel(), weight)).astype(int)
    lengths = (picks >= 0).sum(axis=1)
    if kind == "soc" and (lengths < ballots.J - 1).any():
        raise InputError(say_fault("complete_only", file=file))
    out = [
        f"# FILE NAME: {file.name}",
        f"# TITLE: {title or file.stem}",
        f"# DATA TYPE: {kind}",
        "# MODIFICATION TYPE: original",
        f"# NUMBER ALTERNATIVES: {ballots.J}",
        f"# NUMBER VOTERS: {int(counts.sum())}",
        f"# NUMBER UNIQUE ORDERS: {len(picks)}",
        *(f"# ALTERNATIVE NAME {j + 1}: {code}" for j, code in enumerate(ballots.items)),
    ]
    for row in np.argsort(-counts, kind="stable"):
        order = [str(j + 1) for j in picks[row] if j >= 0]
        rest = [str(j + 1) for j in range(ballots.J) if j not in picks[row]]
        if len(rest) == 1 and kind != "soi":
            order.append(rest[0])
        elif rest and kind in ("toc", "toi"):
            order.append("{" + ",".join(rest) + "}")
        out.append(f"{counts[row]}: {','.join(order)}")
    write_text(file, "\n".join(out) + "\n")


def survey_from_preflib(
    path: str | os.PathLike[str],
    framework: Framework,
    track: str | None,
    faulty: Literal["error", "set-aside"],
) -> Survey:
    """Read PrefLib ballots whose alternatives are indicators of one track."""
    ballots, read_report = read_preflib(path, faulty=faulty)
    fits = [
        code
        for code, tree in framework.tracks.items()
        if track in (None, code) and all(tree.find(name) for name in ballots.items)
    ]
    if len(fits) != 1:
        wanted = framework.track(track) if track else None
        tree = framework.tracks[wanted or next(iter(framework.tracks))]
        strange = [name for name in ballots.items if not tree.find(name)]
        raise InputError(
            say_fault(
                "not_indicators",
                file=os.fspath(path),
                strange=[repr(name) for name in strange[:5]],
                track=tree.code,
            )
        )
    tree = framework.tracks[fits[0]]
    codes = [tree.find(name) or "" for name in ballots.items]
    absent = [code for code in tree.leaf_codes if code not in codes]
    if absent or len(set(codes)) < len(codes):
        missing = absent or say_fault("nothing_absent")
        raise InputError(say_fault("every_indicator", file=os.fspath(path), absent=missing))
    place = np.array([tree.leaf_codes.index(code) for code in codes], dtype=np.int16)
    picks = np.where(ballots.picks >= 0, place[ballots.picks], -1).astype(np.int16)
    return Survey(framework, {tree.code: Ballots(tree.leaf_codes, picks)}, read_report)
