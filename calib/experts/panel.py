"""A panel: who judged the children of which nodes, by which method, in which round."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from calib._types import FloatArray
from calib.errors import Fault, Faults, InputError, suggest
from calib.experts.problems import Problem
from calib.framework import Framework, Name

__all__ = [
    "Answer",
    "ExpertForm",
    "Panel",
    "Question",
    "build_panel",
    "named_items",
    "problems_of",
    "questions_of",
]


@dataclass(frozen=True, eq=False)
class Question:
    """One thing an expert is asked: the weights of the children of one node.

    Attributes
    ----------
    key : ``"root"`` for first-level weights that all tracks share, else ``track/parent``
    tracks : tracks in which the answer is used
    parent : code of the parent, "" for the root
    items : codes of the children, in the framework's order
    names : their names
    title : name of the parent (of the framework at the root)
    place : name of the track where only one uses the answer, else None
    """

    key: str
    tracks: tuple[str, ...]
    parent: str
    items: tuple[str, ...]
    names: tuple[Name, ...]
    title: Name
    place: Name | None = None

    def heading(self, lang: str) -> str:
        """Return the parent's name, with the track where only one is meant."""
        named = self.title.get(lang)
        return f"{named} ({self.place.get(lang)})" if self.place is not None else named


def questions_of(
    framework: Framework, *, levels: Sequence[str] | None = None, track: str | None = None
) -> dict[str, Question]:
    """List the nodes whose children need weights, by key.

    Parameters
    ----------
    framework
        The framework.
    levels
        Codes of the levels to weigh (``"pillar"``: the first-level weights); all if None.
    track
        Restrict to one track (its code, name or alias).

    Raises
    ------
    InputError
        For an unknown level or track.

    Notes
    -----
    An only child has weight 1 and is not asked about.
    """
    known = [code for code, _ in framework.levels]
    for level in levels or ():
        if level not in known:
            hint = suggest(level, known)
            raise InputError(
                f"no level {level!r} {hint}".rstrip() + f"; levels are {', '.join(known)}"
            )
    depths = {framework.level_depth(level) for level in (levels or known)}
    chosen = framework.track(track) if track else None
    if track and chosen is None:
        hint = suggest(track, framework.tracks)
        raise InputError(
            f"no track {track!r} {hint}".rstrip() + f"; tracks are {', '.join(framework.tracks)}"
        )
    used = [chosen] if chosen else list(framework.tracks)
    roots = {framework.tracks[t].families[0].members.size for t in framework.tracks}
    tops = {
        tuple(framework.tracks[t].codes[i] for i in framework.tracks[t].families[0].members)
        for t in framework.tracks
    }
    shared_root = len(tops) == 1 and len(roots) == 1
    out: dict[str, Question] = {}
    for t in used:
        tree = framework.tracks[t]
        for family in tree.families:
            depth = int(tree.depth[family.members[0]])
            if family.members.size < 2 or (depth not in depths and levels is not None):
                continue
            at_root = family.parent == ""
            key = "root" if at_root and shared_root else f"{t}/{family.parent or 'root'}"
            if key in out:
                continue
            nodes = [tree.nodes[i] for i in family.members]
            out[key] = Question(
                key,
                tuple(framework.tracks) if at_root and shared_root else (t,),
                family.parent,
                tuple(n.code for n in nodes),
                tuple(n.name for n in nodes),
                framework.name if at_root else tree.nodes[tree.index[family.parent]].name,
                None if len(framework.tracks) == 1 or (at_root and shared_root) else tree.name,
            )
    return out


@dataclass(frozen=True, eq=False)
class Answer:
    """One expert's judgement about one question.

    Attributes
    ----------
    method : a key of :data:`calib.experts.elicit.METHODS`
    response : (n,), (n, n) or (2, n) in the order of the question's items, NaN where not stated
    best, worst : positions of the items named best and worst; −1 where not named
    """

    method: str
    response: FloatArray
    best: int = -1
    worst: int = -1


@dataclass(frozen=True, eq=False)
class ExpertForm:
    """What one expert returned in one round.

    Attributes
    ----------
    expert : name or code of the expert
    round : 1 for the first round
    answers : by question key; nodes that the expert left out are missing
    basis : Ca, 0 to 1, NaN where not stated
    familiarity : Cs, 0 to 1, NaN where not stated
    file : where it was read from
    self_rating : what Ca and Cs come from, if it was stated on a form: the influence of the four
        bases of judgement (1 to 3) and the familiarity (1 to 5), None where left empty
    """

    expert: str
    round: int
    answers: Mapping[str, Answer]
    basis: float = float("nan")
    familiarity: float = float("nan")
    file: str = ""
    self_rating: tuple[int | None, ...] = ()

    @property
    def authority(self) -> float:
        """Authority coefficient Cr = (Ca + Cs)/2, NaN where not stated."""
        return round((self.basis + self.familiarity) / 2, 10)


@dataclass(frozen=True, eq=False)
class Panel:
    """The returned forms of a panel over all rounds.

    Attributes
    ----------
    questions : everything that any form answers, by key
    forms : by round, then by expert
    notes : what the reader had to decide or leave out
    """

    framework: Framework
    questions: Mapping[str, Question]
    forms: tuple[ExpertForm, ...]
    notes: tuple[Name, ...] = field(default=())

    @property
    def rounds(self) -> tuple[int, ...]:
        """Rounds for which there are forms, in order."""
        return tuple(sorted({f.round for f in self.forms}))

    def in_round(self, number: int) -> tuple[ExpertForm, ...]:
        """Return the forms of one round."""
        return tuple(f for f in self.forms if f.round == number)

    def without(self, experts: Iterable[str]) -> Panel:
        """Return the panel without some experts.

        Raises
        ------
        InputError
            Naming experts that are not in the panel; or when nobody is left.
        """
        known = {f.expert for f in self.forms}
        leave = set(experts)
        faults = Faults()
        for name in sorted(leave - known):
            faults.add(name, f"no such expert in the panel {suggest(name, known)}".rstrip())
        faults.raise_if_any()
        kept = tuple(f for f in self.forms if f.expert not in leave)
        if not kept:
            raise InputError("every expert of the panel is left out: nobody is left to pool")
        notes = self.notes
        if leave:
            who = sorted(leave)
            out = Name(f"按要求排除：{'、'.join(who)}", f"left out on request: {', '.join(who)}")
            notes = (*notes, out)
        return Panel(self.framework, self.questions, kept, notes)


def build_panel(
    framework: Framework,
    forms: Iterable[ExpertForm],
    faults: Faults,
    *,
    rounds: Sequence[int] | None = None,
) -> Panel:
    """Put forms together, and note duplicates and forms of unknown rounds.

    Parameters
    ----------
    framework
        The framework that the forms are about.
    forms
        Forms in any order.
    faults
        Takes the faults; forms with a fault are left out of the panel.
    rounds
        The rounds of the study. If None they must run from 1 without a gap.

    Returns
    -------
    Panel
        Its notes say who left comparisons out, and at which nodes.
    """
    forms = list(forms)
    numbers = {f.round for f in forms}
    declared = set(rounds) if rounds is not None else _unbroken(numbers)
    kept: dict[tuple[int, str], ExpertForm] = {}
    for form in forms:
        if form.round not in declared:
            listed = ", ".join(str(r) for r in sorted(declared)) or "1"
            faults.extend([_fault(form, "form of an unknown round", f"one of the rounds {listed}")])
        elif (form.round, form.expert) in kept:
            first = kept[form.round, form.expert].file
            text = f"duplicate expert in round {form.round}; the first form is in {first}"
            faults.extend([_fault(form, text, "one form per expert and round")])
        else:
            kept[form.round, form.expert] = form
    asked = questions_of(framework)
    used = {key for form in kept.values() for key in form.answers}
    questions = {key: q for key, q in asked.items() if key in used}
    ordered = tuple(kept[key] for key in sorted(kept))
    return Panel(framework, questions, ordered, tuple(_gap_notes(ordered)))


def _gap_notes(forms: Iterable[ExpertForm]) -> list[Name]:
    """Say whose comparisons (AHP) are incomplete: all pairs were asked, and some were answered."""
    notes = []
    for form in forms:
        gaps = {
            key: int(np.isnan(answer.response).sum()) // 2
            for key, answer in form.answers.items()
            if answer.method == "ahp"
        }
        listed = {key: count for key, count in gaps.items() if count}
        if listed:
            zh = "，".join(f"{key} 缺 {count} 对" for key, count in listed.items())
            en = ", ".join(f"{key} ({count})" for key, count in listed.items())
            notes.append(
                Name(
                    f"{form.expert}（第{form.round}轮）的两两比较未填完，按不完全判断矩阵计算：{zh}",
                    f"{form.expert} (round {form.round}) left comparisons out; read as incomplete,"
                    f" pairs missing at: {en}",
                )
            )
    return notes


def _unbroken(numbers: set[int]) -> set[int]:
    known: set[int] = set()
    while len(known) + 1 in numbers:
        known.add(len(known) + 1)
    return known


def _fault(form: ExpertForm, problem: str, expected: str) -> Fault:
    return Fault(form.file, form.expert, problem, form.round, expected)


def problems_of(answer: Answer) -> list[Problem]:
    """Check one answer by its method."""
    from calib.experts.elicit import check_responses

    return check_responses(answer.method, answer.response[None], **named_items([answer]))


def named_items(answers: Sequence[Answer]) -> dict[str, FloatArray]:
    """Return the best and worst items as options of Best-Worst, inferred where not named."""
    if not answers or answers[0].method != "bwm":
        return {}
    from calib.experts.bestworst import find_best_worst

    stacked = np.stack([a.response for a in answers])
    found = find_best_worst(stacked[:, 0], stacked[:, 1])
    given = [np.array([getattr(a, part) for a in answers]) for part in ("best", "worst")]
    return {
        part: np.where(named >= 0, named, inferred)
        for part, named, inferred in zip(("best", "worst"), given, found, strict=True)
    }
