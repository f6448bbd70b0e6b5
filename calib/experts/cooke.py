"""Cooke's classical model: expert weights from seed questions with known answers.

Experts state quantiles of quantities whose true values are known to the analyst. Calibration is
the p-value of the hypothesis that the truths fall between the quantiles as often as the expert
says; information is how much narrower than the background the quantiles are.

The questions come as a table with the columns ``expert, question, truth`` and one column per
quantile, named ``q`` and the percentage (``q5, q50, q95``): a row per expert and question, the
truth repeated in each.
"""

from __future__ import annotations

import os
import re
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from calib._types import FloatArray, IntArray
from calib.errors import Fault, Faults, InputError
from calib.experts.problems import hinted
from calib.files.inputs import file_digest
from calib.words import Text, message

if TYPE_CHECKING:
    from calib.tables import RawTable

__all__ = [
    "Performance",
    "SeedAnswers",
    "performance_weights",
    "read_seed_answers",
    "weights_from_seeds",
]


@dataclass(frozen=True, slots=True)
class Performance:
    """Seed-question performance of experts.

    Parameters
    ----------
    calibration : (k,) p-values, 0 to 1
    information : (k,) mean relative information, ≥ 0
    weights : (k,) normalised calibration x information, 0 under the cut-off
    counts : (k, q + 1) how many true values fell between the quantiles
    cutoff, overshoot : as given to :func:`performance_weights`
    """

    calibration: FloatArray
    information: FloatArray
    weights: FloatArray
    counts: IntArray
    cutoff: float
    overshoot: float

    @property
    def score(self) -> FloatArray:
        """(k,) calibration x information, before the cut-off."""
        return self.calibration * self.information


def _check(
    assessed: FloatArray, truths: FloatArray, levels: FloatArray, overshoot: float, cutoff: float
) -> None:
    faults: list[Fault] = []
    if not (np.isfinite(overshoot) and overshoot > 0):
        faults.append(_fault("overshoot", "no_share", overshoot, "above_0"))
    if not 0 <= cutoff < 1:
        faults.append(_fault("cutoff", "no_p", cutoff, "p_range"))
    if levels.ndim != 1 or (np.diff(levels) <= 0).any() or levels[0] <= 0 or levels[-1] >= 1:
        faults.append(_fault("quantile_levels", "levels_increase", levels.tolist()))
    if assessed.shape[1:] != (truths.size, levels.size):
        wanted: str | Text = f"(k, {truths.size}, {levels.size})"
        faults.append(
            Fault(
                "",
                message("experts.faults.assessments"),
                message("experts.faults.wrong_shape"),
                assessed.shape,
                wanted,
            )
        )
        raise InputError(faults)
    for e, q in np.argwhere(~(np.diff(assessed, axis=2) > 0).all(axis=2)):
        where = message("experts.faults.expert_question", n=e + 1, question=q + 1)
        text, wanted = (
            message("experts.faults.quantiles_increase"),
            message("experts.faults.increasing"),
        )
        faults.append(Fault("", where, text, assessed[e, q].tolist(), wanted))
    faults += [
        Fault(
            "",
            message("experts.faults.seed_question", n=q + 1),
            message("experts.faults.no_truth"),
            None,
            message("experts.faults.finite"),
        )
        for q in np.flatnonzero(~np.isfinite(truths))
    ]
    if faults:
        raise InputError(faults)


def _fault(where: str, problem: str, value: object, expected: str = "") -> Fault:
    wanted = message(f"experts.faults.{expected}") if expected else ""
    at, text = (message(f"experts.faults.{key}") for key in (where, problem))
    return Fault("", at, text, value, wanted)


def performance_weights(
    assessed: FloatArray,
    truths: FloatArray,
    *,
    levels: tuple[float, ...] = (0.05, 0.5, 0.95),
    overshoot: float = 0.1,
    cutoff: float = 0.0,
) -> Performance:
    """Weigh experts by calibration and information (global weights).

    Parameters
    ----------
    assessed : (k, N, q) stated quantiles of N seed questions, of the experts who are weighed and
        nobody else: every expert here helps to set the intrinsic ranges, also one who is cut off
    truths : (N,) their true values
    levels
        Probabilities of the quantiles.
    overshoot
        Share by which the intrinsic range is wider, at each end, than all statements and the truth.
    cutoff
        Experts with a calibration below it get weight 0.

    Returns
    -------
    Performance

    Raises
    ------
    InputError
        Listing non-increasing quantiles, missing truths, an overshoot or cut-off out of range; or
        when every expert is cut off.

    Notes
    -----
    With p the theoretical and s the observed shares of the q + 1 bins,
    C = P(χ²_q > 2N Σ s ln(s/p)); a truth equal to a quantile counts in the lower bin.
    I = mean over questions of Σ p_i ln(p_i/r_i) + ln(background width), with r_i the bin widths
    on a uniform background. Terms with s = 0 are 0; no term is cut at 0, and the degrees of freedom
    are the number of bins less one, not of questions less one.

    References
    ----------
    Cooke (1991), Experts in Uncertainty.
    """
    from scipy.special import chdtrc

    assessed, truths = np.asarray(assessed, dtype=float), np.asarray(truths, dtype=float)
    quantiles = np.asarray(levels, dtype=float)
    _check(assessed, truths, quantiles, overshoot, cutoff)
    p = np.diff(np.concatenate([[0.0], quantiles, [1.0]]))
    bins = (truths[None, :, None] > assessed).sum(axis=2)  # (k, N)
    counts = (bins[:, :, None] == np.arange(p.size)).sum(axis=1)
    s = counts / truths.size
    terms = np.where(s > 0, s * np.log(np.where(s > 0, s, 1.0) / p), 0.0)
    calibration = np.asarray(
        chdtrc(p.size - 1, 2.0 * truths.size * np.maximum(terms.sum(axis=1), 0.0)), dtype=float
    )
    low = np.minimum(assessed.min(axis=(0, 2)), truths)
    high = np.maximum(assessed.max(axis=(0, 2)), truths)
    width = high - low
    edges = np.stack([low - overshoot * width, high + overshoot * width], axis=-1)
    shape = (*assessed.shape[:2], 1)
    stacked = np.concatenate(
        [
            np.broadcast_to(edges[None, :, :1], shape),
            assessed,
            np.broadcast_to(edges[None, :, 1:], shape),
        ],
        axis=2,
    )
    background = (edges[:, 1] - edges[:, 0])[None, :]
    information = (
        (p * np.log(p / np.diff(stacked, axis=2))).sum(axis=2) + np.log(background)
    ).mean(axis=1)
    raw = np.where(calibration >= cutoff, calibration * information, 0.0)
    if raw.sum() <= 0:
        raise InputError(message("experts.faults.nobody_calibrated", cutoff=f"{cutoff:g}"))
    weights = np.asarray(raw / raw.sum(), dtype=float)
    return Performance(calibration, information, weights, counts, cutoff, overshoot)


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
    levels = _quantile_levels(table, faults)
    columns = list(levels)
    people, asked = table.text("expert"), table.text("question")
    numbers = {
        c: table.numbers(c, faults, expected=message("experts.faults.a_number"))
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
        truth = float(numbers["truth"][row])
        _check_row(table, faults, row, assessed[e, q], columns)
        _check_truth(table, faults, row, truth, truths[q])
        truths[q] = truth
    _check_all_answered(faults, experts, questions, seen)
    faults.raise_if_any()
    hashes = {Path(path).name: file_digest(path)}
    return SeedAnswers(experts, questions, assessed, truths, tuple(levels.values()), hashes)


def _quantile_levels(table: RawTable, faults: Faults) -> dict[str, float]:
    """Return the columns of quantiles with their levels, ascending; fewer than two are refused."""
    levels = {
        str(c): float(m.group(1)) / 100
        for c in table.frame.columns
        if (m := re.fullmatch(r"q(\d+(?:\.\d+)?)", str(c)))
    }
    if len(levels) < 2:
        faults.add(
            message("experts.faults.header"),
            message("experts.faults.few_quantiles"),
            expected=message("experts.faults.quantile_columns"),
        )
        faults.raise_if_any()
    return dict(sorted(levels.items(), key=lambda item: item[1]))


def _check_truth(table: RawTable, faults: Faults, row: int, truth: float, before: float) -> None:
    """Note a truth that differs from the one stated before (NaN: none yet), or is missing."""
    if not np.isnan(before) and truth != before:
        at = table.where(row, "truth")
        faults.add(at, message("experts.faults.truth_differs"), value=truth)
    if np.isnan(truth):
        faults.add(
            table.where(row, "truth"),
            message("experts.faults.empty"),
            expected=message("experts.faults.the_truth"),
        )


def _check_all_answered(
    faults: Faults,
    experts: tuple[str, ...],
    questions: tuple[str, ...],
    seen: Container[tuple[str, str]],
) -> None:
    for who in experts:
        for what in questions:
            if (who, what) not in seen:
                faults.add(
                    who,
                    message("experts.faults.no_answer", question=what),
                    expected=message("experts.faults.all_questions"),
                )


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
