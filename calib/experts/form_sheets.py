"""One node's sheet in a form: its input cells and the formulas that watch over them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from calib._types import FloatArray
from calib.experts.ahp import CR_LIMIT
from calib.experts.elicit import BEST_WORST_LIMIT, RATING_RANGE
from calib.experts.form_layout import FIRST_ROW, Layout, address
from calib.experts.panel import Answer, Question
from calib.experts.random_index import random_index
from calib.words import say

__all__ = ["FormTexts", "NodeSheet", "offer_choices"]

POWER_STEPS = 16  # from the row sums; enough for three digits, also of random comparisons
SCALE = (1, 9)


@dataclass(frozen=True, slots=True)
class FormTexts:
    """The words of a form in its language, by key."""

    lang: str

    def __getitem__(self, key: str) -> str:
        return say(f"experts.form.{key}", self.lang)


def offer_choices(
    sheet: Any, row: int, column: int, choices: list[str] | str, texts: FormTexts
) -> None:
    """Give a cell a list to choose from: the words, or the range that holds them."""
    sheet.data_validation(
        row,
        column,
        row,
        column,
        {
            "validate": "list",
            "source": choices,
            "error_title": texts["invalid"],
            "error_message": texts["invalid_list"],
        },
    )


@dataclass(frozen=True, slots=True)
class NodeSheet:
    """Writes one sheet.

    Parameters
    ----------
    sheet : worksheet of xlsxwriter
    styles : cell formats by name
    layout : where the input cells are
    question : what is asked
    lang : ``"zh"`` or ``"en"``
    group : (n,) the panel's weights in the last round, shown beside the answers, or None
    """

    sheet: Any
    styles: Mapping[str, Any]
    layout: Layout
    question: Question
    lang: str
    group: FloatArray | None = None

    @property
    def texts(self) -> FormTexts:
        """Words in the form's language."""
        return FormTexts(self.lang)

    def write(self, answer: Answer | None) -> None:
        """Write the sheet, with an answer in its cells if there is one."""
        self.sheet.protect()
        self.sheet.set_landscape()
        self.sheet.fit_to_pages(1, 0)
        title = f"{self.texts['under']}: {self.question.heading(self.lang)}"
        self.sheet.write_string(0, 0, title, self.styles["title"])
        self.sheet.write_string(1, 0, self.texts["question"])
        if self.layout.is_pairs:
            self._pairs(answer)
        elif self.layout.method == "bwm":
            self._best_worst(answer)
        else:
            self._numbers(answer)
        if self.group is not None and not self.layout.is_pairs:
            self._group_column(5 if self.layout.method == "bwm" else 4, self.group)

    def _group_column(self, column: int, group: FloatArray) -> None:
        self.sheet.set_column(column, column, 16)
        self.sheet.write_string(FIRST_ROW - 1, column, self.texts["group"], self.styles["head"])
        for i, weight in enumerate(group.tolist()):
            self.sheet.write_number(FIRST_ROW + i, column, weight, self.styles["share"])

    def _head(self, words: list[str], widths: list[int]) -> None:
        self.sheet.set_row(FIRST_ROW - 1, 32)
        for column, (word, width) in enumerate(zip(words, widths, strict=True)):
            self.sheet.set_column(column, column, width)
            self.sheet.write_string(FIRST_ROW - 1, column, word, self.styles["head"])

    def _items(self) -> None:
        for i, (code, name) in enumerate(
            zip(self.question.items, self.question.names, strict=True)
        ):
            self.sheet.write_string(FIRST_ROW + i, 0, code, self.styles["text"])
            self.sheet.write_string(FIRST_ROW + i, 1, name.get(self.lang), self.styles["text"])

    def _input(self, row: int, column: int, value: float | str | None) -> None:
        if value is None or value == "" or (isinstance(value, float) and np.isnan(value)):
            self.sheet.write_blank(row, column, None, self.styles["input"])
        elif isinstance(value, str):
            self.sheet.write_string(row, column, value, self.styles["input"])
        else:
            self.sheet.write_number(row, column, value, self.styles["input"])

    def _number_cells(self, column: int, rows: int, low: float, high: float) -> None:
        told = say("experts.form.invalid_number", self.lang, low=f"{low:g}", high=f"{high:g}")
        self.sheet.data_validation(
            FIRST_ROW,
            column,
            FIRST_ROW + rows - 1,
            column,
            {
                "validate": "decimal",
                "criteria": "between",
                "minimum": low,
                "maximum": high,
                "error_title": self.texts["invalid"],
                "error_message": told,
            },
        )

    def _list_cell(self, row: int, column: int, choices: list[str] | str) -> None:
        offer_choices(self.sheet, row, column, choices, self.texts)

    def _formula(self, row: int, column: int, formula: str, style: str) -> None:
        # No stored result: every program then computes it when it opens the form.
        self.sheet.write_formula(row, column, formula, self.styles[style], "")

    def _column(self, column: int, rows: int) -> str:
        return f"{address(FIRST_ROW, column)}:{address(FIRST_ROW + rows - 1, column)}"

    # Points, ranks, ratings -------------------------------------------------------------------

    def _numbers(self, answer: Answer | None) -> None:
        method, n = self.layout.method, self.layout.n
        texts = self.texts
        self._head(
            [
                texts["code"],
                texts["name"],
                texts[f"value_{method}"],
                texts["remark" if method == "ranks" else "weight"],
            ],
            [16, 32, 12, 14],
        )
        self._items()
        low, high = {"points": (0, 100), "ranks": (1, n), "ratings": RATING_RANGE}[method]
        self._number_cells(2, n, low, high)
        cells, last = self._column(2, n), FIRST_ROW + n
        for i in range(n):
            self._input(FIRST_ROW + i, 2, None if answer is None else float(answer.response[i]))
            if method != "ranks":
                share = f'=IF(SUM({cells})>0,{address(FIRST_ROW + i, 2)}/SUM({cells}),"")'
                self._formula(FIRST_ROW + i, 3, share, "share")
            else:
                self._formula(FIRST_ROW + i, 3, self._place_status(i, cells), "text")
        word = "ranked" if method == "ranks" else "total"
        self.sheet.write_string(last, 1, texts[word], self.styles["head"])
        total = f"=COUNT({cells})" if method == "ranks" else f"=SUM({cells})"
        self._formula(last, 2, total, "strong")
        self._formula(last, 3, self._number_status(cells), "text")

    def _place_status(self, i: int, cells: str) -> str:
        """Tell a place that lies more than its tie below the items above it (1 and 3 without 2)."""
        own = address(FIRST_ROW + i, 2)
        latest = f"RANK({own},{cells},1)+(COUNTIF({cells},{own})-1)/2"
        return f'=IF({own}="","",IF({own}>{latest},"{self.texts["left_out"]}",""))'

    def _number_status(self, cells: str) -> str:
        texts, n = self.texts, self.layout.n
        if self.layout.method == "ranks":
            told = self._column(3, n)
            gap = (
                f'IF(COUNTIF({told},"{texts["left_out"]}")>0,"{texts["left_out"]}","{texts["ok"]}")'
            )
            top = f"MIN({cells})"
            late = f"{top}>MAX(1,(COUNTIF({cells},{top})+1)/2)"
            first = f'IF({late},"{texts["from_1"]}",{gap})'
            return f'=IF(COUNT({cells})=0,"{texts["incomplete"]}",{first})'
        after = f'"{texts["ok"]}"'
        if self.layout.method == "points":
            after = f'IF(ABS(SUM({cells})-100)<0.000001,"{texts["ok"]}","{texts["not_100"]}")'
        return f'=IF(COUNT({cells})<{n},"{texts["incomplete"]}",{after})'

    # Best-Worst -------------------------------------------------------------------------------

    def _best_worst(self, answer: Answer | None) -> None:
        texts, n = self.texts, self.layout.n
        labels = ["code", "name", "best_over", "over_worst", "conflict"]
        self._head([texts[h] for h in labels], [18, 32, 22, 22, 12])
        self._items()
        items = list(self.question.items)
        for row, part in zip(self.layout.choice_rows, ("best", "worst"), strict=True):
            self.sheet.write_string(row, 0, texts[part], self.styles["head"])
            chosen = getattr(answer, part) if answer is not None else -1
            self._input(row, 1, items[chosen] if chosen >= 0 else None)
            # A range, because a list written out may not be longer than 255 characters.
            top_code, end = (
                address(FIRST_ROW, 0, fixed=True),
                address(FIRST_ROW + n - 1, 0, fixed=True),
            )
            self._list_cell(row, 1, f"={top_code}:{end}")
        codes = self._column(0, n)
        others, lowest = self._column(2, n), self._column(3, n)
        ends = f"COUNT({others})+COUNT({lowest})"
        worst_cell = address(self.layout.choice_rows[1], 1, fixed=True)
        top = f"INDEX({others},MATCH({worst_cell},{codes},0))"
        for column in (2, 3):
            self._number_cells(column, n, *SCALE)
        for i in range(n):
            row = FIRST_ROW + i
            for which, column in enumerate((2, 3)):
                value = None if answer is None else float(answer.response[which, i])
                self._input(row, column, value)
            product = f"{address(row, 2)}*{address(row, 3)}"
            own = [address(r, 1, fixed=True) for r in self.layout.choice_rows]
            code = address(row, 0)
            inner = f"IF(OR({code}={own[0]},{code}={own[1]}),0,ABS({product}-{top}))"
            formula = f'=IF(OR({ends}<{2 * n},{own[0]}="",{own[1]}=""),"",{inner})'
            self._formula(row, 4, formula, "live")
        last = FIRST_ROW + n
        conflict = self._column(4, n)
        self.sheet.write_string(last, 1, texts["input_consistency"], self.styles["head"])
        ratio = f'=IF(COUNT({conflict})<{n},"",IF({top}>1,MAX({conflict})/({top}^2-{top}),0))'
        self._formula(last, 2, ratio, "strong")
        cell = address(last, 2)
        verdict = f'IF({cell}<={BEST_WORST_LIMIT},"{texts["ok"]}","{texts["revise"]}")'
        self._formula(last, 3, f'=IF({cell}="","{texts["incomplete"]}",{verdict})', "text")

    # Pairwise ---------------------------------------------------------------------------------

    def _pairs(self, answer: Answer | None) -> None:
        texts, pairs = self.texts, self.layout.pairs
        words = ["code", "name", "code", "name", "more", "times", "ratio"]
        self._head([texts[w] for w in words], [16, 26, 16, 26, 16, 14, 10])
        self._number_cells(5, len(pairs), *SCALE)
        for k, (i, j) in enumerate(pairs):
            row = FIRST_ROW + k
            for column, item in ((0, i), (2, j)):
                self.sheet.write_string(row, column, self.question.items[item], self.styles["text"])
                name = self.question.names[item].get(self.lang)
                self.sheet.write_string(row, column + 1, name, self.styles["text"])
            choice, times = _as_choice(answer, i, j, self.question.items)
            self._input(row, 4, choice)
            self._input(row, 5, times)
            self._list_cell(row, 4, [self.question.items[i], self.question.items[j]])
            left, right, more, many = (address(row, c) for c in (0, 2, 4, 5))
            ratio = f'IF({more}={left},{many},IF({more}={right},1/{many},""))'
            formula = f'=IF({many}="","",IF({many}=1,1,{ratio}))'
            self._formula(row, 6, formula, "live")
        self._matrix()

    def _matrix(self) -> None:
        """Write the matrix, a few power steps, and CR: λ is the sum of A·x for x of sum 1."""
        texts, n, pairs = self.texts, self.layout.n, self.layout.pairs
        top = FIRST_ROW + len(pairs) + 2
        self.sheet.write_string(top - 1, 0, texts["matrix"], self.styles["head"])
        for j, code in enumerate(self.question.items):
            self.sheet.write_string(top - 1, j + 1, code, self.styles["faint"])
        for i in range(n):
            self.sheet.write_string(top + i, 0, self.question.items[i], self.styles["faint"])
            for j in range(n):
                self._formula(top + i, j + 1, self._entry(i, j, top), "faint")
        first = top + n
        for step in range(POWER_STEPS + 1):
            self.sheet.set_row(first + step, None, None, {"hidden": True})
            self.sheet.write_string(
                first + step, 0, f"{texts['iteration']} {step}", self.styles["faint"]
            )
            before = f"{address(first + step - 1, 1)}:{address(first + step - 1, n)}"
            for j in range(n):
                row = f"{address(top + j, 1, fixed=True)}:{address(top + j, n, fixed=True)}"
                formula = (
                    f"=SUM({row})" if step == 0 else f"=SUMPRODUCT({row},{before})/SUM({before})"
                )
                self._formula(first + step, j + 1, formula, "faint")
        last = first + POWER_STEPS
        eigenvalue = f"SUM({address(last, 1)}:{address(last, n)})"
        # The ratio stands on top, where the expert sees it.
        self.sheet.write_string(2, 0, texts["consistency"], self.styles["head"])
        count = f"COUNT({self._column(6, len(pairs))})"
        scale = random_index(n)
        ratio = f"MAX(0,({eigenvalue}-{n})/{n - 1}/{scale!r})" if n > 2 else "0"
        self._formula(2, 1, f'=IF({count}<{len(pairs)},"",{ratio})', "strong")
        verdict = f'IF(B3<={CR_LIMIT},"{texts["ok"]}","{texts["revise"]}")'
        self._formula(2, 2, f'=IF(B3="","{texts["incomplete"]}",{verdict})', "text")
        self._weights(last, n)

    def _weights(self, last: int, n: int) -> None:
        total = f"SUM({address(last, 1, fixed=True)}:{address(last, n, fixed=True)})"
        self.sheet.write_string(last + 1, 0, self.texts["weight"], self.styles["head"])
        for j in range(n):
            share = f'=IF($B$3="","",{address(last, j + 1)}/{total})'
            self._formula(last + 1, j + 1, share, "share")
        if self.group is not None:
            self.sheet.write_string(last + 2, 0, self.texts["group"], self.styles["head"])
            for j, weight in enumerate(self.group.tolist()):
                self.sheet.write_number(last + 2, j + 1, weight, self.styles["share"])

    def _entry(self, i: int, j: int, top: int) -> str:
        if i == j:
            return "=1"
        if i > j:
            return f"=1/{address(top + j, i + 1)}"
        cell = address(FIRST_ROW + self.layout.pairs.index((i, j)), 6)
        return f'=IF({cell}="",1,{cell})'


def _as_choice(
    answer: Answer | None, i: int, j: int, items: tuple[str, ...]
) -> tuple[str | None, float | None]:
    """Turn a comparison into "which one" and "how many times"."""
    if answer is None or np.isnan(answer.response[i, j]):
        return None, None
    value = float(answer.response[i, j])
    if value == 1:
        return None, 1.0
    # 1/(1/3) is 3 only up to rounding; the form shows what the expert meant.
    return (items[i], value) if value > 1 else (items[j], round(1 / value, 12))
