"""What the experts of a round say about every node, and what is done with doubtful judgements.

Doubtful are judgements above the limit of consistency: whom to ask again, and about what.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from calib._types import BoolArray, FloatArray, IntArray
from calib.errors import InputError
from calib.experts.ahp import Comparisons, weigh_comparisons
from calib.experts.bestworst import input_consistency
from calib.experts.elicit import Elicited, elicit
from calib.experts.panel import Answer, ExpertForm, Panel, Question, named_items, same_method
from calib.words import Text, message

__all__ = [
    "TOTALS",
    "Doubtful",
    "Inconsistent",
    "NodeJudgements",
    "doubtful_judgements",
    "judge_nodes",
    "settled",
]

# What the numbers of a method should add up to; direct weights are shares or per cent.
TOTALS: Mapping[str, tuple[float, ...]] = {"points": (100.0,), "direct": (1.0, 100.0)}


@dataclass(frozen=True, eq=False)
class NodeJudgements:
    """What the experts of one round say about one node; rows are experts.

    Attributes
    ----------
    experts, methods : (k,) who, and how they were asked
    weights : (k, n) local weights
    stated : (k, n) ratings as given (rating method), NaN rows for other methods
    stated_sum : (k,) sum of the numbers before they were normalised, NaN where none are summed
    consistency : (k,) consistency measure, NaN where the method has none
    limit : (k,) the value up to which it is usually accepted
    measure : (k,) what the consistency measure is; "" if there is none
    index : (k,) which random index the ratio used (comparisons only), else ""
    random_index : (k,) its value, NaN where none was used
    missing : (k,) pairs that were not compared (comparisons only), else 0
    hint : (k,) the judgement to look at again, and what would repair it; None if there is none
    matrices : (k, n, n) comparisons, NaN where not compared and for other methods
    """

    question: Question
    experts: tuple[str, ...]
    methods: tuple[str, ...]
    weights: FloatArray
    stated: FloatArray
    stated_sum: FloatArray
    consistency: FloatArray
    limit: FloatArray
    measure: tuple[str, ...]
    index: tuple[str, ...]
    random_index: FloatArray
    missing: IntArray
    hint: tuple[Text | None, ...]
    matrices: FloatArray

    @property
    def acceptable(self) -> BoolArray:
        """Tell, per expert, whether the consistency measure is within its limit."""
        return np.asarray(np.isnan(self.consistency) | (self.consistency <= self.limit))

    @property
    def off_total(self) -> BoolArray:
        """Tell whose points do not add up to 100, or direct weights neither to 1 nor to 100."""
        off = [
            method in TOTALS and all(abs(total / wanted - 1) > 1e-8 for wanted in TOTALS[method])
            for method, total in zip(self.methods, self.stated_sum.tolist(), strict=True)
        ]
        return np.array(off, dtype=bool)


def judge_nodes(
    panel: Panel, round_number: int, options: Mapping[str, Any] | None = None
) -> dict[str, NodeJudgements]:
    """Solve every judgement of a round, batched by node and method.

    Parameters
    ----------
    panel, round_number
        Whose forms.
    options
        By method, options of :func:`calib.experts.elicit.elicit`.

    Raises
    ------
    InputError
        For a round without forms.
    """
    forms = panel.in_round(round_number)
    if not forms:
        known = [str(r) for r in panel.rounds]
        raise InputError(message("experts.faults.no_round", round=round_number, known=known))
    out: dict[str, NodeJudgements] = {}
    for key, question in panel.questions.items():
        members = [form for form in forms if key in form.answers]
        if members:
            out[key] = _judge(question, members, key, dict(options or {}))
    return out


def _judge(
    question: Question, members: list[ExpertForm], key: str, options: Mapping[str, Any]
) -> NodeJudgements:
    k, n = len(members), len(question.items)
    weights, stated, sums = np.empty((k, n)), np.full((k, n), np.nan), np.full(k, np.nan)
    consistency, limit = np.full(k, np.nan), np.full(k, np.nan)
    measure, index = [""] * k, [""] * k
    hints: list[Text | None] = [None] * k
    scale, missing = np.full(k, np.nan), np.zeros(k, dtype=np.int64)
    methods = tuple(form.answers[key].method for form in members)
    matrices = np.full((k, n, n), np.nan)
    for method in dict.fromkeys(methods):
        rows = [i for i, used in enumerate(methods) if used == method]
        answers = [members[i].answers[key] for i in rows]
        names = [members[i].expert for i in rows]
        responses = np.stack([a.response for a in answers])
        named = named_items(answers)
        extra = {**options.get(method, {}), **named}
        result = elicit(method, responses, experts=names, items=question.items, **extra)
        weights[rows], sums[rows] = result.weights, result.raw_sum
        consistency[rows], limit[rows] = result.consistency, result.limit
        for i, hint in zip(rows, _hints(result, responses, named, question.items), strict=True):
            hints[i], measure[i] = hint, result.measure
        if method == "ratings":
            stated[rows] = responses
        if isinstance(result.details, Comparisons):
            matrices[rows], missing[rows] = responses, result.details.missing
            scale[rows] = result.details.random_index
            for i in rows:
                index[i] = result.details.index
    names_all = tuple(form.expert for form in members)
    return NodeJudgements(
        question=question,
        experts=names_all,
        methods=methods,
        weights=weights,
        stated=stated,
        stated_sum=sums,
        consistency=consistency,
        limit=limit,
        measure=tuple(measure),
        index=tuple(index),
        random_index=scale,
        missing=missing,
        hint=tuple(hints),
        matrices=matrices,
    )


def _hints(
    result: Elicited,
    responses: FloatArray,
    named: Mapping[str, Any],
    items: tuple[str, ...],
) -> list[Text | None]:
    """Name the worst judgement of each expert, and its repair where the method knows one."""
    if isinstance(result.details, Comparisons):
        found = result.details.worst()
        return [
            message(
                "experts.hint.pair",
                one=items[i],
                other=items[j],
                value=f"{value:.3g}",
                repair=f"{repair:.3g}",
            )
            if i >= 0 and abs(np.log(repair / value)) > 1e-6  # rounding is nothing to look at
            else None
            for (i, j), value, repair in zip(
                found.pair.tolist(), found.value, found.repaired, strict=True
            )
        ]
    if result.method == "bwm":
        _, at = input_consistency(responses[:, 0], responses[:, 1], named["best"], named["worst"])
        hints: list[Text | None] = []
        for row, item, worst in zip(responses, at.tolist(), named["worst"].tolist(), strict=True):
            if item < 0:
                hints.append(None)
                continue
            over, under = row[0, item], row[1, item]
            top = float(row[0, worst])
            hints.append(
                message(
                    "experts.hint.bwm",
                    item=items[item],
                    over=f"{over:g}",
                    under=f"{under:g}",
                    product=f"{over * under:g}",
                    top=f"{top:g}",
                )
            )
        return hints
    return [None] * len(responses)


Inconsistent = Literal["keep", "repair", "leave-out"]
"""Judgements over the limit count as they are, with their worst comparison replaced, or not."""


@dataclass(frozen=True, eq=False)
class Doubtful:
    """One judgement above the limit of consistency.

    Attributes
    ----------
    consistency, limit : the measure, and the value up to which it is usually accepted
    hint : the comparison that deviates most, and what the others imply for it
    done : what became of it
    """

    expert: str
    question: Question
    measure: str
    consistency: float
    limit: float
    hint: Text | None
    done: Inconsistent

    def said(self) -> Text:
        """Say whom to ask again, and about what."""
        key = "ask" if self.hint is not None else "ask_all"
        return message(
            f"experts.doubtful.{key}", expert=self.expert, node=self.question.called,
            measure=message(f"values.{self.measure}"), value=f"{self.consistency:.2f}",
            limit=f"{self.limit:g}", hint=self.hint or "",
        )  # fmt: skip


def doubtful_judgements(
    nodes: Mapping[str, NodeJudgements], choice: Inconsistent
) -> tuple[Doubtful, ...]:
    """Return the judgements above the limit, the one furthest above it first."""
    found = [
        Doubtful(node.experts[i], node.question, node.measure[i], float(node.consistency[i]),
                 float(node.limit[i]), node.hint[i], _done(node.methods[i], choice))
        for node in nodes.values()
        for i in np.flatnonzero(~node.acceptable)
    ]  # fmt: skip
    return tuple(sorted(found, key=lambda d: -d.consistency / d.limit))


def _done(method: str, choice: Inconsistent) -> Inconsistent:
    """Return what can be done: only comparisons of pairs have a value that the others imply."""
    return "keep" if choice == "repair" and same_method(method) != "ahp" else choice


def settled(panel: Panel, round_number: int, doubtful: tuple[Doubtful, ...]) -> Panel:
    """Return the panel after what was chosen for judgements above the limit.

    Raises
    ------
    InputError
        When nobody would be left to judge a node.
    """
    of = {(d.expert, d.question.key): d.done for d in doubtful if d.done != "keep"}
    if not of:
        return panel
    forms = []
    for form in panel.forms:
        answers = dict(form.answers)
        for key in form.answers if form.round == round_number else ():
            done = of.get((form.expert, key))
            if done == "leave-out":
                del answers[key]
            elif done == "repair":
                answers[key] = _repaired(answers[key])
        forms.append(replace(form, answers=answers))
    kept = [f for f in forms if f.round == round_number]
    gone = {d.question.key for d in doubtful} - {k for f in kept for k in f.answers}
    if gone:
        raise InputError(message("experts.doubtful.nobody_left", nodes=sorted(gone)))
    return replace(panel, forms=tuple(f for f in forms if f.answers))


def _repaired(answer: Answer) -> Answer:
    """Return comparisons with the worst one replaced by what the others imply."""
    found = weigh_comparisons(answer.response[None]).worst()
    i, j = found.pair[0]
    response = answer.response.copy()
    response[i, j], response[j, i] = found.repaired[0], 1.0 / found.repaired[0]
    return replace(answer, response=response)
