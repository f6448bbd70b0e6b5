"""The register of forms that were sent out: whose is returned, whose faulty, who is awaited."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from calib._dates import now
from calib.errors import Faults, InputError
from calib.files.atomic import write_text
from calib.report import Column, Role, Table
from calib.words import Text, message

if TYPE_CHECKING:
    from calib.experts.panel import Panel

__all__ = ["REGISTER", "Sent", "add_to_register", "read_register", "register_table", "sent_counts"]

REGISTER = "sent.csv"
"""Name of the register in the folder of forms."""
_HEAD = ("expert", "round", "form", "date")


@dataclass(frozen=True)
class Sent:
    """A form that was made for an expert.

    Attributes
    ----------
    form : name of its file
    date : when it was made, as year-month-day
    """

    expert: str
    round: int
    form: str
    date: str


def add_to_register(path: str | os.PathLike[str], made: Mapping[str, Path], number: int) -> None:
    """Note forms by expert in a register; those that stand in it already stay.

    Parameters
    ----------
    made : the form of each expert
    number : the round
    """
    place = Path(path)
    known = read_register(place) if place.is_file() else []
    date = f"{now():%Y-%m-%d}"
    have = {(s.expert, s.round) for s in known}
    new = [
        Sent(expert, number, form.name, date)
        for expert, form in made.items()
        if (expert, number) not in have
    ]
    import csv
    import io

    stream = io.StringIO()
    rows = csv.writer(stream, lineterminator="\n")
    rows.writerow(_HEAD)
    rows.writerows((s.expert, s.round, s.form, s.date) for s in [*known, *new])
    write_text(place, "\ufeff" + stream.getvalue())


def read_register(path: str | os.PathLike[str]) -> list[Sent]:
    """Read a register.

    Raises
    ------
    InputError
        With every line that lacks an expert or a round.
    """
    from calib.tables import read_table

    table = read_table(path)
    faults = Faults(os.fspath(path))
    lacking = [c for c in _HEAD[:2] if c not in table.frame.columns]
    if lacking:
        raise InputError(message("experts.register.head", file=os.fspath(path), names=lacking))
    out = []
    for row, line in enumerate(table.frame.fillna("").astype(str).to_dict("records")):
        expert, number = line["expert"].strip(), line["round"].strip()
        if not expert or not number.isdigit() or int(number) < 1:
            faults.add(table.where(row), message("experts.register.line"),
                       value=f"{expert}, {number}")  # fmt: skip
            continue
        out.append(Sent(expert, int(number), line.get("form", ""), line.get("date", "")))
    faults.raise_if_any()
    return out


def sent_counts(register: Sequence[Sent]) -> dict[str, int]:
    """Return how many experts were sent a form, by round."""
    rounds = sorted({s.round for s in register})
    return {str(r): len({s.expert for s in register if s.round == r}) for r in rounds}


def register_table(register: Sequence[Sent], panel: Panel) -> Table:
    """Return what became of each form: returned, faulty, or awaited; awaited ones first.

    A form that came back without having been sent is listed as such.
    """
    import pandas as pd

    returned = {(f.expert, f.round) for f in panel.forms}
    faulty = {Path(f.file).name for f in panel.skipped if f.file}
    rows = []
    for sent in register:
        state = "awaited"
        if sent.form in faulty:
            state = "faulty"
        elif (sent.expert, sent.round) in returned:
            state = "returned"
        rows.append((sent.round, sent.expert, sent.date, state))
    known = {(s.expert, s.round) for s in register}
    rows += [
        (f.round, f.expert, "", "unexpected") for f in panel.forms
        if (f.expert, f.round) not in known
    ]  # fmt: skip
    order = {"awaited": 0, "faulty": 1, "unexpected": 2, "returned": 3}
    rows.sort(key=lambda row: (row[0], order[row[3]], row[1]))
    frame = pd.DataFrame(rows, columns=["round", "expert", "date", "state"])
    labels: Mapping[str, Text] = {s: message(f"experts.register.{s}") for s in order}
    shown = frame.assign(state=[labels[s] for s in frame["state"]])
    column = Column("state", Role.TEXT, label=message("experts.register.state"))
    return Table("register", frame, message("experts.register.title"), rows=200, shown=shown,
                 declared=(column,))  # fmt: skip
