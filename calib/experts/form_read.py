"""Read a returned XLSX form: every faulty cell by sheet and address, all at once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from calib.errors import Faults, InputError
from calib.experts.form_layout import (
    BASIS_ROW,
    EXPERT_ROW,
    FAMILIARITY_ROW,
    FIRST_ROW,
    FORM_METHODS,
    INPUT_COLUMN,
    ROUND_ROW,
    SCHEMA,
    STAMP_SHEET,
    Layout,
    address,
)
from calib.experts.incomplete import UNLINKED
from calib.experts.pairwise import matrix_from_pairs
from calib.experts.panel import Answer, ExpertForm, Question, problems_of, questions_of
from calib.experts.pooling import BASIS_SCALE, FAMILIARITY_SCALE, basis_of_judgement
from calib.experts.problems import hinted, parse_number
from calib.framework import Framework
from calib.tables.xlsx import formula_cells, read_sheets
from calib.words import Text, message

__all__ = ["read_form"]

Cells = list[list[Any]]


def read_form(
    path: str | os.PathLike[str], framework: Framework, faults: Faults
) -> ExpertForm | None:
    """Read one returned form.

    Parameters
    ----------
    path
        The .xlsx file.
    framework
        The framework that the panel is about.
    faults
        Takes every fault of the form.

    Returns
    -------
    ExpertForm or None
        The form with its sound sheets; None if it cannot be used at all. Sheets that were left
        wholly empty are no fault: their nodes are missing from the answers.
    """
    sheets = _load(Path(path), faults)
    if sheets is None:
        return None
    stamp = {_text(row[0]): _text(row[1]) for row in sheets[STAMP_SHEET] if len(row) > 1}
    method = _check_stamp(stamp, framework, faults)
    if method is None:
        return None
    start = next(iter(sheets.values()))
    expert = _text(_cell(start, EXPERT_ROW, INPUT_COLUMN))
    first = next(iter(sheets))
    if not expert:
        at = f"{first}!{address(EXPERT_ROW, INPUT_COLUMN)}"
        faults.add(
            at, message("experts.faults.no_expert"), expected=message("experts.faults.name_or_code")
        )
    number = _whole(sheets, first, ROUND_ROW, 1, 99, faults)
    basis, familiarity, levels = _self_rating(sheets, first, stamp, faults)
    answers = _answers(Path(path), sheets, stamp, framework, method, faults)
    if not expert or number is None:
        return None
    if not answers and not len(faults):
        wanted = message("experts.faults.one_sheet")
        faults.add("", message("experts.faults.form_empty"), expected=wanted)
    if not answers:
        return None
    return ExpertForm(expert, number, answers, basis, familiarity, Path(path).name, levels)


def _load(path: Path, faults: Faults) -> dict[str, Cells] | None:
    if not path.is_file():
        faults.add("", message("experts.faults.no_file"))
        return None
    try:
        sheets = read_sheets(path)
    except InputError as error:
        faults.add("", str(error).removeprefix(f"{path}: "))
        return None
    if STAMP_SHEET not in sheets:
        text = message("experts.faults.no_stamp")
        faults.add("", text, expected=message("experts.faults.whole_form"))
        return None
    return sheets


def _check_stamp(stamp: Mapping[str, str], framework: Framework, faults: Faults) -> str | None:
    wanted = (
        ("schema", SCHEMA, message("experts.faults.form_kind")),
        ("framework", framework.code, message("experts.faults.form_framework")),
        ("version", framework.version, message("experts.faults.form_version")),
    )
    sound = True
    for key, value, text in wanted:
        if stamp.get(key) != value:
            faults.add(f"{STAMP_SHEET}!{key}", text, value=stamp.get(key), expected=value)
            sound = False
            break  # the version of another framework says nothing
    method = stamp.get("method", "")
    if sound and method not in FORM_METHODS:
        faults.add(
            f"{STAMP_SHEET}!method",
            message("experts.faults.unknown_method"),
            value=method,
            expected=" | ".join(FORM_METHODS),
        )
        sound = False
    return method if sound else None


def _cell(cells: Cells, row: int, column: int) -> Any:
    if row < len(cells) and column < len(cells[row]):
        return cells[row][column]
    return ""


def _text(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else str(value).strip()


def _number(value: Any) -> float | None:
    """Return a number, NaN for an empty cell, None for anything else."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return float("nan")
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value)
    if isinstance(value, str):
        return parse_number(value)
    return None  # dates: a spreadsheet turns a typed 1/3 into one


def _whole(
    sheets: Mapping[str, Cells], sheet: str, row: int, low: int, high: int, faults: Faults
) -> int | None:
    value = _cell(sheets[sheet], row, INPUT_COLUMN)
    number = _number(value)
    if number is not None and low <= number <= high and number == int(number):
        return int(number)
    kind = "empty" if _text(value) == "" else "no_valid_number"
    faults.add(
        f"{sheet}!{address(row, INPUT_COLUMN)}",
        message(f"experts.faults.{kind}"),
        value=_text(value) or None,
        expected=message("experts.faults.whole_from_to", low=low, high=high),
    )
    return None


def _self_rating(
    sheets: Mapping[str, Cells], first: str, stamp: Mapping[str, str], faults: Faults
) -> tuple[float, float, tuple[int | None, ...]]:
    """Return Ca, Cs and what was typed; untouched cells keep what the last round stated."""
    rows = [BASIS_ROW + i for i in range(len(BASIS_SCALE))]
    stated = [_text(_cell(sheets[first], row, INPUT_COLUMN)) for row in rows]
    basis, familiarity = (_kept(stamp.get(key, "")) for key in ("ca", "cs"))
    levels: list[int | None] = [None] * len(rows)
    level: int | None = None
    if any(stated):
        levels = [_whole(sheets, first, row, 1, 3, faults) for row in rows]
        known = [found for found in levels if found is not None]
        if len(known) == len(levels):
            basis = basis_of_judgement(dict(zip(BASIS_SCALE, known, strict=True)))
    if _text(_cell(sheets[first], FAMILIARITY_ROW, INPUT_COLUMN)):
        level = _whole(sheets, first, FAMILIARITY_ROW, 1, len(FAMILIARITY_SCALE), faults)
        if level is not None:
            familiarity = FAMILIARITY_SCALE[level - 1]
    typed = (*levels, level)
    return basis, familiarity, typed if any(found is not None for found in typed) else ()


def _kept(text: str) -> float:
    number = parse_number(text)
    return float("nan") if number is None else number


def _answers(
    path: Path,
    sheets: Mapping[str, Cells],
    stamp: Mapping[str, str],
    framework: Framework,
    method: str,
    faults: Faults,
) -> dict[str, Answer]:
    known = questions_of(framework)
    answers: dict[str, Answer] = {}
    for entry, sheet in stamp.items():
        if not entry.startswith("sheet:"):
            continue
        key = entry.removeprefix("sheet:")
        question = known.get(key)
        if question is None:
            faults.add(sheet, message("experts.faults.foreign_node"), value=key)
        elif sheet not in sheets:
            text = hinted(message("experts.faults.sheet_missing"), sheet, sheets)
            faults.add(sheet, text, expected=message("experts.faults.no_renamed"))
        else:
            page = _Page(sheets[sheet], path, sheet, question, method, faults)
            answer = page.read()
            if answer is not None:
                answers[key] = answer
    return answers


@dataclass(frozen=True, slots=True)
class _Page:
    """Reads one node's sheet."""

    cells: Cells
    path: Path
    sheet: str
    question: Question
    method: str
    faults: Faults

    @property
    def layout(self) -> Layout:
        return Layout(self.method, len(self.question.items))

    def fault(
        self, where: str, text: Text, value: object = None, expected: str | Text = ""
    ) -> None:
        at = f"{self.sheet}!{where}" if where else self.sheet
        self.faults.add(at, text, value=value, expected=expected)

    def read(self) -> Answer | None:
        """Return the answer, None if the sheet is empty or has a fault."""
        layout, before = self.layout, len(self.faults)
        places = [(FIRST_ROW + i, c) for i in range(layout.rows) for c in layout.columns]
        places += [(row, 1) for row in layout.choice_rows]
        empty = {address(*at) for at in places if not _text(_cell(self.cells, *at))}
        # A formula that gave no value, or an error, reads as an empty cell but is not one.
        for where in sorted(empty & formula_cells(self.path, self.sheet) if empty else ()):
            self.fault(
                where, message("experts.faults.formula"), expected=message("experts.faults.typed")
            )
        if len(empty) == len(places):
            return None
        sound = len(self.faults)
        self.check_codes()
        if len(self.faults) > sound:
            return None  # rows were moved: any further address would mislead
        if layout.is_pairs:
            answer = self.read_pairs()
        elif self.method == "bwm":
            answer = self.read_best_worst()
        else:
            answer = Answer(self.method, self.column(layout.columns[0]))
        self.check(answer, {str(f.where) for f in self.faults.items[before:]})
        return answer if len(self.faults) == before else None

    def check_codes(self) -> None:
        layout, items = self.layout, self.question.items
        for i in range(layout.rows):
            wanted: dict[int, str] = {0: items[i]} if not layout.is_pairs else {}
            if layout.is_pairs:
                left, right = layout.pairs[i]
                wanted = {0: items[left], 2: items[right]}
            for column, code in wanted.items():
                found = _text(_cell(self.cells, FIRST_ROW + i, column))
                if found != code:
                    at = address(FIRST_ROW + i, column)
                    self.fault(at, message("experts.faults.code_moved"), found, code)

    def column(self, column: int) -> Any:
        out = np.full(self.layout.rows, np.nan)
        for i in range(self.layout.rows):
            value = _cell(self.cells, FIRST_ROW + i, column)
            number = _number(value)
            if number is None:
                at = address(FIRST_ROW + i, column)
                text = message("experts.faults.no_number")
                self.fault(at, text, _text(value), message("experts.faults.a_number"))
            else:
                out[i] = number
        return out

    def read_pairs(self) -> Answer:
        choices, times = self.layout.columns
        amounts = self.column(times)
        from_1 = message("experts.faults.from_1")
        for k, (i, j) in enumerate(self.layout.pairs):
            row = FIRST_ROW + k
            chosen = _text(_cell(self.cells, row, choices))
            codes = (self.question.items[i], self.question.items[j])
            at = address(row, choices)
            if chosen and chosen not in codes:
                self.fault(at, message("experts.faults.neither"), chosen, " | ".join(codes))
                amounts[k] = np.nan
            elif np.isnan(amounts[k]):
                if chosen:
                    known = _text(_cell(self.cells, row, times))
                    if not known:
                        text = message("experts.faults.missing_pair")
                        self.fault(address(row, times), text, None, from_1)
            elif not chosen and amounts[k] != 1:
                self.fault(at, message("experts.faults.not_said"), None, " | ".join(codes))
            elif 0 < amounts[k] < 1:
                text = message("experts.faults.below_choose")
                self.fault(address(row, times), text, float(amounts[k]), from_1)
            elif chosen == codes[1] and amounts[k] > 0:
                amounts[k] = 1.0 / amounts[k]
        matrix = matrix_from_pairs(amounts, self.layout.n)
        return Answer(self.method, matrix)

    def read_best_worst(self) -> Answer:
        places = {}
        for row, part in zip(self.layout.choice_rows, ("best", "worst"), strict=True):
            chosen = _text(_cell(self.cells, row, 1))
            if chosen in self.question.items:
                places[part] = self.question.items.index(chosen)
            else:
                text = message(f"experts.faults.{'none_of_items' if chosen else 'no_item'}")
                self.fault(address(row, 1), text, chosen or None, " | ".join(self.question.items))
                places[part] = -1
        rows = np.stack([self.column(c) for c in self.layout.columns])
        return Answer("bwm", rows, places["best"], places["worst"])

    def check(self, answer: Answer, told: set[str]) -> None:
        """Check the method's own rules; cells that have a fault already are not told twice."""
        for problem in problems_of(answer):
            # Two items that nothing links to the others are not the pair that links them.
            unlinked = problem.text == UNLINKED
            where = "" if unlinked else self.layout.where(problem.items, problem.part)
            # A pair with an unreadable choice has no value, but that is the choice's fault.
            beside = where.replace("F", "E") if self.layout.is_pairs else where
            if {f"{self.sheet}!{where}", f"{self.sheet}!{beside}"} & told or (told and not where):
                continue
            if answer.method == "bwm" and problem.part in ("best", "worst") and told:
                continue
            text = problem.text
            if not where and problem.items:
                named = [self.question.items[i] for i in problem.items]
                text = message("experts.faults.of_items", problem=text, items=named)
            self.fault(where, text, problem.value, problem.expected)
