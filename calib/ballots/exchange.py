"""Ballots for other programs: tables to be written, and PrefLib files to be written and read."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from calib.ballots.survey import Ballots, ReadReport, RejectedBallot, Survey, reason_name
from calib.errors import Fault, InputError
from calib.files.atomic import write_text
from calib.files.inputs import read_input
from calib.framework import Framework
from calib.words import Message, Text, message

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "is_preflib",
    "read_preflib",
    "survey_from_preflib",
    "survey_table",
    "write_preflib",
    "write_survey",
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
        raise InputError([Fault(str(file), "", _say("no_file"))])
    lines = _text(file).splitlines()
    names = _alternatives(lines, str(file))
    index = {number: j for j, number in enumerate(names)}
    orders: list[list[int]] = []
    counts: list[int] = []
    aside: list[RejectedBallot] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        where = _say("line", number=number)
        head, _, body = line.partition(":")
        count = _count(head)
        if count is None:
            raise InputError(
                [Fault(str(file), where, _say("no_count"), line[:40], _say("count_order"))]
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
        raise InputError([Fault(str(file), "", _say("empty"))])
    picks = np.full((len(orders), max(map(len, orders))), -1, dtype=np.int16)
    for row, order in enumerate(orders):
        picks[row, : len(order)] = order
    used = sum(counts)
    read = used + sum(s.count for s in aside)
    _check_header(lines, file, read, [len(order) for order in orders], len(names))
    if used > MOST_BALLOTS:
        most = _say("at_most", most=f"{MOST_BALLOTS:,}")
        raise InputError([Fault(str(file), "", _say("too_many_ballots"), f"{used:,}", most)])
    ballots = Ballots(tuple(names.values()), np.repeat(picks, counts, axis=0))
    return ballots, ReadReport(str(file), read, used, tuple(aside))


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
            Fault(str(file), "", _say("voters"), int(stated[:18]), _say("as_read", n=read))
        )
    if file.suffix.lower() == ".soc" and lengths and max(lengths) < items - 1:
        faults.append(Fault(str(file), "", _say("not_complete", n=max(lengths), items=items),
                            expected=_say("incomplete_file")))  # fmt: skip
    if faults:
        raise InputError(faults)


def _say(key: str, **values: object) -> Message:
    return message(f"ballots.faults.{key}", **values)


def _text(file: Path) -> str:
    """Decode UTF-8, else GB18030, as Chinese names often are."""
    raw = read_input(file)
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise InputError([Fault(str(file), "", _say("encoding"))])


def _alternatives(lines: list[str], file: str) -> dict[str, str]:
    names = {m[1]: m[2] for line in lines if (m := _NAME.match(line))}
    if len(names) < 2:
        raise InputError([Fault(file, "", _say("no_alternatives"))])
    if len(set(names.values())) < len(names):
        raise InputError([Fault(file, "", _say("same_names"))])
    return names


def _order(body: str, index: dict[str, int]) -> tuple[list[int], tuple[str, str, Text] | None]:
    """Return an order as positions, or what is wrong with it."""
    if not _ORDER.fullmatch(body):
        return [], ("malformed", body.strip()[:40], _say("numbers"))
    entries = [e.strip() for e in _ENTRY.findall(body) if e.strip()]
    order: list[int] = []
    for place, entry in enumerate(entries):
        if entry.startswith("{"):
            tied = [t.strip() for t in entry[1:-1].split(",") if t.strip()]
            unknown = [t for t in tied if t not in index]
            if unknown:
                return [], ("unknown", unknown[0], _say("alternatives", last=len(index)))
            rest = set(index.values()) - set(order)
            if len(tied) == 1:
                entry = tied[0]
            elif place == len(entries) - 1 and {index[t] for t in tied} == rest:
                break  # everything left, tied at the bottom: unlisted
            else:
                return [], ("tie", entry, _say("strict"))
        if entry not in index:
            return [], ("unknown", entry, _say("alternatives", last=len(index)))
        if index[entry] in order:
            return [], ("duplicate", entry, _say("alternative_once"))
        order.append(index[entry])
    return order, None if order else ("blank", "", _say("one_choice"))


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
        raise InputError(_say("endings", file=file, endings=list(_ENDINGS)))
    weight = ballots.weights
    if np.abs(weight - np.round(weight)).max() > 1e-9:
        raise InputError(_say("whole_weights", file=file))
    picks, where = np.unique(ballots.picks, axis=0, return_inverse=True)
    counts = np.round(np.bincount(where.ravel(), weight)).astype(int)
    lengths = (picks >= 0).sum(axis=1)
    if kind == "soc" and (lengths < ballots.J - 1).any():
        raise InputError(_say("complete_only", file=file))
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


Form = Literal["wide", "long"]


def survey_table(ballots: Mapping[str, Ballots], *, form: Form = "wide") -> pd.DataFrame:
    """Return ballots as the table that :func:`~calib.ballots.read_survey` reads.

    Parameters
    ----------
    ballots : by track
    form : ``wide`` (one row a ballot, ``rank1`` ... with codes) or ``long`` (one row a choice)
    """
    import pandas as pd

    frames = [_wide(track, part) for track, part in ballots.items()]
    wide = pd.concat(frames, ignore_index=True)
    if "weight" in wide:
        wide["weight"] = wide["weight"].fillna(1.0)
    wide = wide.fillna("")
    if wide["respondent"].duplicated().any():
        wide["respondent"] = [f"R{i + 1:0{len(str(len(wide)))}d}" for i in range(len(wide))]
    if form == "wide":
        return wide
    ranks = [c for c in wide.columns if c.startswith("rank")]
    kept = [c for c in wide.columns if c not in ranks]
    rows = []
    for row in wide.to_dict("records"):
        for place, column in enumerate(ranks, start=1):
            if row[column]:
                rows.append({**{c: row[c] for c in kept}, "rank": place, "indicator": row[column]})
    return pd.DataFrame(rows)


def _wide(track: str, ballots: Ballots) -> pd.DataFrame:
    import numpy as np
    import pandas as pd

    columns: dict[str, object] = {
        "respondent": ballots.respondent
        if ballots.respondent is not None
        else [f"R{i + 1:0{len(str(ballots.n))}d}" for i in range(ballots.n)]
    }
    if ballots.cluster is not None:
        columns["enterprise"] = ballots.cluster
    columns["track"] = [track] * ballots.n
    if ballots.segment is not None:
        columns["segment"] = ballots.segment
    if ballots.weight is not None:
        columns["weight"] = ballots.weight
    names = np.array([*ballots.items, ""], dtype=object)
    for place in range(ballots.K):
        columns[f"rank{place + 1}"] = names[ballots.picks[:, place]]
    return pd.DataFrame(columns)


def write_survey(
    ballots: Mapping[str, Ballots],
    path: str | os.PathLike[str],
    *,
    form: Form = "wide",
    synthetic: bool = False,
) -> None:
    """Write ballots as CSV, XLSX, Parquet or PrefLib, by the ending of the path.

    Parameters
    ----------
    ballots : by track
    path : where to
    form : wide or long, of a table
    synthetic : mark every ballot as synthetic (PrefLib has no place for the mark but the title)

    Raises
    ------
    InputError
        If PrefLib, which knows no tracks, is asked to hold several of them.
    """
    from calib.tables import write_table

    if is_preflib(path):
        if len(ballots) > 1:
            raise InputError(
                message("ballots.faults.one_track", file=Path(path), known=list(ballots))
            )
        title = f"{Path(path).stem} (SYNTHETIC)" if synthetic else ""
        write_preflib(next(iter(ballots.values())), path, title=title)
        return
    table = survey_table(ballots, form=form)
    if synthetic:
        table.insert(0, "synthetic", "yes")
    write_table(table, path)


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
            _say(
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
        missing = absent or _say("nothing_absent")
        raise InputError(_say("every_indicator", file=os.fspath(path), absent=missing))
    place = np.array([tree.leaf_codes.index(code) for code in codes], dtype=np.int16)
    picks = np.where(ballots.picks >= 0, place[ballots.picks], -1).astype(np.int16)
    return Survey(framework, {tree.code: Ballots(tree.leaf_codes, picks)}, read_report)
