"""Read seed questions for Cooke's classical model.

A table with the columns ``expert, question, truth`` and one column per quantile, named ``q`` and
the percentage (``q5, q50, q95``): a row per expert and question, the truth repeated in each.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from calib._types import FloatArray
from calib.errors import Faults
from calib.experts.cooke import Performance, performance_weights
from calib.experts.problems import hinted
from calib.words import message

if TYPE_CHECKING:
    from calib.tables import RawTable

__all__ = ["SeedAnswers", "read_seed_answers", "weights_from_seeds"]


@dataclass(frozen=True, eq=False)
class SeedAnswers:
    """Answers to seed questions.

    Attributes
    ----------
    experts, questions : labels
    assessed : (k, N, q) stated quantiles
    truths : (N,) true values
    levels : (q,) probabilities of the quantiles
    files : SHA-256 by name, of the file that was read
    """

    experts: tuple[str, ...]
    questions: tuple[str, ...]
    assessed: FloatArray
    truths: FloatArray
    levels: tuple[float, ...]
    files: Mapping[str, str] = field(default_factory=dict)

    def of(self, experts: Iterable[str]) -> SeedAnswers:
        """Return the answers of some experts, in the file's order.

        Raises
        ------
        InputError
            Naming experts without seed answers.
        """
        wanted = set(experts)
        faults = Faults()
        for name in sorted(wanted - set(self.experts)):
            text = hinted(message("experts.faults.no_seed_answers"), name, self.experts)
            faults.add(name, text, expected=message("experts.faults.everybodys_answers"))
        faults.raise_if_any()
        rows = [i for i, name in enumerate(self.experts) if name in wanted]
        names = tuple(self.experts[i] for i in rows)
        return replace(self, experts=names, assessed=self.assessed[rows])


def read_seed_answers(path: str | os.PathLike[str]) -> SeedAnswers:
    """Read seed answers from CSV, XLSX or Parquet.

    Raises
    ------
    InputError
        With every fault by row: numbers that are none, answers given twice or missing, truths
        that differ, no quantile columns.
    """
    from calib.tables import read_table

    table = read_table(path, required=("expert", "question", "truth"))
    faults = Faults(table.file)
    levels = {
        str(c): float(m.group(1)) / 100
        for c in table.frame.columns
        if (m := re.fullmatch(r"q(\d+(?:\.\d+)?)", str(c)))
    }
    columns = sorted(levels, key=lambda c: levels[c])
    if len(columns) < 2:
        faults.add(
            message("experts.faults.header"),
            message("experts.faults.few_quantiles"),
            expected=message("experts.faults.quantile_columns"),
        )
        faults.raise_if_any()
    people, asked = table.text("expert"), table.text("question")
    numbers = {
        c: table.numbers(c, faults, expected=str(message("experts.faults.a_number")))
        for c in ("truth", *columns)
    }
    experts, questions = tuple(dict.fromkeys(people)), tuple(dict.fromkeys(asked))
    assessed = np.full((len(experts), len(questions), len(columns)), np.nan)
    truths = np.full(len(questions), np.nan)
    seen: dict[tuple[str, str], int] = {}
    for row, (who, what) in enumerate(zip(people, asked, strict=True)):
        if (who, what) in seen:
            first = table.where(seen[who, what])
            faults.add(
                table.where(row),
                message("experts.faults.answers_again", expert=who, question=what, first=first),
            )
        seen[who, what] = row
        e, q = experts.index(who), questions.index(what)
        assessed[e, q] = [numbers[c][row] for c in columns]
        _check_row(table, faults, row, assessed[e, q], columns)
        truth = numbers["truth"][row]
        if not np.isnan(truths[q]) and truth != truths[q]:
            at = table.where(row, "truth")
            faults.add(at, message("experts.faults.truth_differs"), value=float(truth))
        truths[q] = truth
        if np.isnan(truth):
            faults.add(
                table.where(row, "truth"),
                message("experts.faults.empty"),
                expected=message("experts.faults.the_truth"),
            )
    for who in experts:
        for what in questions:
            if (who, what) not in seen:
                faults.add(
                    who,
                    message("experts.faults.no_answer", question=what),
                    expected=message("experts.faults.all_questions"),
                )
    faults.raise_if_any()
    hashes = {Path(path).name: hashlib.sha256(Path(path).read_bytes()).hexdigest()}
    order = tuple(levels[c] for c in columns)
    return SeedAnswers(experts, questions, assessed, truths, order, hashes)


def _check_row(
    table: RawTable, faults: Faults, row: int, values: FloatArray, columns: list[str]
) -> None:
    for column, value in zip(columns, values, strict=True):
        if np.isnan(value):
            faults.add(
                table.where(row, column),
                message("experts.faults.empty"),
                expected=message("experts.faults.a_number"),
            )
    if not np.isnan(values).any() and (np.diff(values) <= 0).any():
        text = message("experts.faults.quantiles_increase")
        faults.add(
            table.where(row),
            text,
            value=values.tolist(),
            expected=message("experts.faults.increasing"),
        )


def weights_from_seeds(
    answers: SeedAnswers, *, overshoot: float = 0.1, cutoff: float = 0.0
) -> tuple[dict[str, float], Performance]:
    """Weigh experts by their seed answers.

    Parameters
    ----------
    answers
        Of the panel and nobody else (:meth:`SeedAnswers.of`): who is left out of the panel must
        not widen the ranges by which the others are judged.
    overshoot, cutoff
        As in :func:`calib.experts.cooke.performance_weights`.

    Returns
    -------
    weights : by expert, sum 1
    performance : Performance
        Rows in the order of ``answers.experts``.
    """
    found = performance_weights(
        answers.assessed,
        answers.truths,
        levels=answers.levels,
        overshoot=overshoot,
        cutoff=cutoff,
    )
    return dict(zip(answers.experts, found.weights.tolist(), strict=True)), found
