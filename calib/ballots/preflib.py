"""PrefLib files: strict orders, complete (.soc) or not (.soi), with ties (.toc, .toi)."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Literal

import numpy as np

from calib._atomic import write_text
from calib._inputs import read_input
from calib.ballots.data import Ballots
from calib.ballots.survey import Intake, SetAside, reason
from calib.errors import Fault, InputError
from calib.words import Message, Text, message

__all__ = ["is_preflib", "read_preflib", "write_preflib"]

_ENDINGS = (".soc", ".soi", ".toc", ".toi")
_NAME = re.compile(r"#\s*ALTERNATIVE NAME\s+(\d+)\s*:\s*(.*?)\s*$", re.IGNORECASE)
_ENTRY = re.compile(r"\{[^{}]*\}|[^,{}]+")
_ONE = r"\s*(?:\{[^{}]*\}|[^,{}\s][^,{}]*?)\s*"
_ORDER = re.compile(rf"\s*|{_ONE}(?:,{_ONE})*")


def is_preflib(path: str | os.PathLike[str]) -> bool:
    """Tell by its ending whether a file is one of PrefLib's orders."""
    return Path(path).suffix.lower() in _ENDINGS


def read_preflib(
    path: str | os.PathLike[str], *, faulty: Literal["error", "set-aside"] = "error"
) -> tuple[Ballots, Intake]:
    """Read ballots from a PrefLib file.

    Parameters
    ----------
    path : file ending in .soi, .toi, .soc or .toc
    faulty : raise on a faulty ballot, or set it aside with its reason

    Returns
    -------
    (ballots, intake)
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
    aside: list[SetAside] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        where = _say("line", number=number)
        head, _, body = line.partition(":")
        if not head.strip().isdigit() or int(head) < 1:
            raise InputError(
                [Fault(str(file), where, _say("no_count"), line[:40], _say("count_order"))]
            )
        order, problem = _order(body, index)
        if problem is None:
            orders.append(order)
            counts.append(int(head))
        else:
            why, value, detail = problem
            aside.append(SetAside(where, why, value, detail, int(head)))
    wrong = [s for s in aside if s.reason != "blank"]
    if wrong and faulty == "error":
        raise InputError(
            [Fault(str(file), s.where, reason(s.reason), s.value, s.detail) for s in wrong]
        )
    if not orders:
        raise InputError([Fault(str(file), "", _say("empty"))])
    picks = np.full((len(orders), max(map(len, orders))), -1, dtype=np.int16)
    for row, order in enumerate(orders):
        picks[row, : len(order)] = order
    used = sum(counts)
    read = used + sum(s.count for s in aside)
    ballots = Ballots(tuple(names.values()), np.repeat(picks, counts, axis=0))
    return ballots, Intake(str(file), read, used, tuple(aside))


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
