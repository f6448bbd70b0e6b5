"""Judgements above the limit of consistency: whom to ask again, and what is done with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from calib.errors import InputError
from calib.experts.ahp import weigh_comparisons
from calib.experts.panel import Answer, Panel, Question, same_method
from calib.words import Text, message

if TYPE_CHECKING:
    from calib.experts.synthesis import NodeJudgements

__all__ = ["Doubtful", "Inconsistent", "doubtful_judgements", "settled"]

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
