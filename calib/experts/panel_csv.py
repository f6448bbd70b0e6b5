"""The plain table of a panel that did not use the forms, read and written.

One row per stated number, with the columns
``expert, round, method, node, item, against, value`` and, if stated, ``ca, cs``.
``node`` is the key of a question (``root``, ``discrete/IC``). ``against`` is empty for stated
numbers and places, and the other item's code for a comparison. For Best-Worst it is ``best`` (the
best item over this one), ``worst`` (this one over the worst) or ``named`` (then ``value`` is
``best`` or ``worst``).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from calib._types import FloatArray
from calib.errors import Faults, InputError
from calib.experts.elicit import METHODS
from calib.experts.pairwise import pairs_of
from calib.experts.panel import Answer, ExpertForm, Panel, Question, problems_of, questions_of
from calib.experts.problems import hinted, parse_number
from calib.framework import Framework
from calib.words import Text, message

if TYPE_CHECKING:
    from calib.tables import RawTable

__all__ = ["COLUMNS", "read_panel_csv", "write_panel_csv"]

COLUMNS = ("expert", "round", "method", "node", "item", "against", "value")


@dataclass
class _Draft:
    """An answer being put together, with the row of every number."""

    method: str
    question: Question
    response: FloatArray
    rows: dict[tuple[object, ...], int] = field(default_factory=dict)
    best: int = -1
    worst: int = -1
    spoiled: bool = False


def read_panel_csv(
    path: str | os.PathLike[str], framework: Framework, faults: Faults
) -> list[ExpertForm]:
    """Read the judgements of any number of experts from a table.

    Parameters
    ----------
    path
        CSV, XLSX or Parquet with the columns of :data:`COLUMNS`.
    framework
        The framework that the panel is about.
    faults
        Takes every fault, by row.

    Returns
    -------
    list of ExpertForm
        Experts' forms with their sound answers.
    """
    from calib.tables import read_table

    try:
        table = read_table(path, required=COLUMNS)
    except InputError as error:
        # The file stands in front of every fault already.
        for f in error.faults:
            faults.extend([replace(f, problem=str(f.problem).removeprefix(f"{path}: "))])
        return []
    reader = _Reader(table, framework, faults)
    return reader.read(Path(path).name)


class _Reader:
    """Sorts the rows of a table into drafts, then checks each draft as a whole."""

    def __init__(self, table: RawTable, framework: Framework, faults: Faults) -> None:
        self.table, self.faults = table, faults
        self.questions = questions_of(framework)
        self.text = {c: table.text(c) for c in COLUMNS}
        self.drafts: dict[tuple[str, int], dict[str, _Draft]] = {}
        self.authority: dict[tuple[str, int], dict[str, float]] = {}

    def fault(
        self,
        row: int,
        column: str | None,
        text: Text,
        value: object = None,
        expected: str | Text = "",
    ) -> None:
        self.faults.add(self.table.where(row, column), text, value=value, expected=expected)

    def read(self, file: str) -> list[ExpertForm]:
        for row in range(len(self.table.frame)):
            self.read_row(row)
        self.read_authority()
        forms = []
        for (expert, number), drafts in self.drafts.items():
            answers = {k: a for k, d in drafts.items() if (a := self.finish(d)) is not None}
            own = self.authority.get((expert, number), {})
            nan = float("nan")
            if answers:
                forms.append(
                    ExpertForm(
                        expert, number, answers, own.get("ca", nan), own.get("cs", nan), file
                    )
                )
        return forms

    def read_row(self, row: int) -> None:
        text = {c: values[row] for c, values in self.text.items()}
        if not any(text.values()):
            return
        before = len(self.faults)
        if not text["expert"]:
            self.fault(row, "expert", message("experts.faults.no_expert"))
        if not text["round"].isdecimal() or int(text["round"]) < 1:
            found = text["round"] or None
            wanted = message("experts.faults.whole_from_1")
            self.fault(row, "round", message("experts.faults.no_round_number"), found, wanted)
        if text["method"] not in METHODS:
            problem = hinted(message("experts.faults.unknown_method"), text["method"], METHODS)
            self.fault(row, "method", problem, text["method"], " | ".join(METHODS))
        question = self.questions.get(text["node"])
        if question is None:
            problem = hinted(message("experts.faults.unknown_node"), text["node"], self.questions)
            self.fault(row, "node", problem, text["node"], message("experts.faults.node_key"))
        elif text["item"] not in question.items:
            listed = " | ".join(question.items)
            self.fault(row, "item", message("experts.faults.no_child"), text["item"], listed)
        if question is None or len(self.faults) > before:
            return
        drafts = self.drafts.setdefault((text["expert"], int(text["round"])), {})
        draft = drafts.setdefault(question.key, _draft(text["method"], question))
        if draft.method != text["method"]:
            problem = message("experts.faults.two_methods")
            self.fault(row, "method", problem, text["method"], draft.method)
            draft.spoiled = True
            return
        self.place(draft, row, question.items.index(text["item"]), text["against"], text["value"])
        if len(self.faults) > before:
            draft.spoiled = True

    def place(self, draft: _Draft, row: int, item: int, against: str, value: str) -> None:
        if draft.method == "bwm" and against == "named":
            if value not in ("best", "worst"):
                self.fault(row, "value", message("experts.faults.no_part"), value, "best | worst")
                return
            setattr(draft, value, item)
            return
        number = parse_number(value) if value else float("nan")
        if number is None:
            problem = message("experts.faults.no_number")
            self.fault(row, "value", problem, value, message("experts.faults.a_number"))
            return
        shape = METHODS[draft.method].shape
        if shape == "vector":
            cell: tuple[object, ...] = (item,)
            if against:
                self.fault(row, "against", message("experts.faults.must_be_empty"), against)
                return
            draft.response[item] = number
        elif shape == "best-worst":
            if against not in ("best", "worst"):
                problem = message("experts.faults.unknown")
                self.fault(row, "against", problem, against, "best | worst | named")
                return
            cell = (item, against)
            draft.response[0 if against == "best" else 1, item] = number
        else:
            items = draft.question.items
            if against not in items:
                listed = " | ".join(items)
                self.fault(row, "against", message("experts.faults.no_child"), against, listed)
                return
            other = items.index(against)
            cell = (item, other)
            draft.response[item, other] = number
        if cell in draft.rows:
            first = self.table.where(draft.rows[cell])
            self.fault(row, None, message("experts.faults.again", first=first), value)
        draft.rows[cell] = row

    def read_authority(self) -> None:
        for column in ("ca", "cs"):
            if column not in self.table.frame.columns:
                continue
            wanted = message("experts.faults.from_0_to_1")
            values = self.table.numbers(column, self.faults, expected=wanted)
            for row in np.flatnonzero(~np.isnan(values)).tolist():
                number = self.text["round"][row]
                if not 0 <= values[row] <= 1:
                    text = message("experts.faults.outside_0_1")
                    self.fault(row, column, text, float(values[row]), wanted)
                elif number.isdecimal():
                    key = (self.text["expert"][row], int(number))
                    own = self.authority.setdefault(key, {})
                    if own.setdefault(column, float(values[row])) != values[row]:
                        text = message("experts.faults.differs_earlier")
                        self.fault(row, column, text, float(values[row]), str(own[column]))

    def finish(self, draft: _Draft) -> Answer | None:
        if METHODS[draft.method].shape == "matrix":
            _mirror(draft)
        answer = Answer(draft.method, draft.response, draft.best, draft.worst)
        problems = problems_of(answer)
        if draft.spoiled:  # what is missing follows from faults told already; stated values do not
            problems = [p for p in problems if p.items and p.value is not None]
        for problem in problems:
            self.faults.add(
                self.table.where(self.row_of(draft, problem.items, problem.part)),
                message(
                    f"experts.faults.{'at_node_items' if problem.items else 'at_node'}",
                    node=draft.question.key,
                    problem=problem.text,
                    items=" ".join(draft.question.items[i] for i in problem.items),
                ),
                value=problem.value,
                expected=problem.expected,
            )
        return None if problems or draft.spoiled else answer

    def row_of(self, draft: _Draft, items: tuple[int, ...], part: str) -> int:
        for cell in (items, items[::-1], (*items, "best" if part == "to_others" else "worst")):
            if cell in draft.rows:
                return draft.rows[cell]
        return min(draft.rows.values(), default=0)


def _draft(method: str, question: Question) -> _Draft:
    n = len(question.items)
    shape = {"vector": (n,), "matrix": (n, n), "best-worst": (2, n)}[METHODS[method].shape]
    return _Draft(method, question, np.full(shape, np.nan))


def _mirror(draft: _Draft) -> None:
    """Fill what follows from reciprocity; both of a pair stated stay as stated, to be checked."""
    a = draft.response
    for i in range(len(a)):
        if np.isnan(a[i, i]):
            a[i, i] = 1.0
    for i, j in pairs_of(len(a)):
        for p, q in ((i, j), (j, i)):
            if np.isnan(a[p, q]) and not np.isnan(a[q, p]):
                # Opposite a zero stands infinity, so that the check tells the zero.
                a[p, q] = 1.0 / a[q, p] if a[q, p] != 0 else np.inf


def write_panel_csv(panel: Panel, path: str | os.PathLike[str]) -> None:
    """Write a panel as one plain table that :func:`read_panel_csv` reads back exactly."""
    import pandas as pd

    from calib.tables import write_csv

    rows: list[tuple[object, ...]] = []
    for form in panel.forms:
        for key, answer in form.answers.items():
            head = (form.expert, form.round, answer.method, key)
            items = panel.questions[key].items
            rows += [(*head, *cell, form.basis, form.familiarity) for cell in _cells(answer, items)]
    frame = pd.DataFrame(rows, columns=[*COLUMNS, "ca", "cs"])
    write_csv(frame, path)


def _cells(answer: Answer, items: Sequence[str]) -> list[tuple[str, str, object]]:
    shape = METHODS[answer.method].shape
    response = answer.response
    if shape == "vector":
        return [(items[i], "", v) for i, v in enumerate(response.tolist()) if v == v]
    if shape == "matrix":
        # The larger of the two mirrored values: it is what was typed, so no digit is lost.
        pairs = [
            (i, j) if response[i, j] >= 1 else (j, i)
            for i, j in pairs_of(len(items))
            if not np.isnan(response[i, j])
        ]
        return [(items[i], items[j], float(response[i, j])) for i, j in pairs]
    out: list[tuple[str, str, object]] = []
    for part, against in enumerate(("best", "worst")):
        out += [(items[i], against, v) for i, v in enumerate(response[part].tolist())]
    for place, word in ((answer.best, "best"), (answer.worst, "worst")):
        if place >= 0:
            out.append((items[place], "named", word))
    return out
