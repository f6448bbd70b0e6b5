"""A panel: who judged the children of which nodes, by which method, in which round."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from calib._types import FloatArray
from calib.errors import Fault, Faults, InputError, did_you_mean
from calib.experts.problems import Problem, hinted
from calib.framework import Framework, Name
from calib.words import Text, message

__all__ = [
    "Answer",
    "ExpertForm",
    "Panel",
    "Question",
    "build_panel",
    "named_items",
    "problems_of",
    "questions_of",
    "same_method",
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

    @property
    def called(self) -> Text:
        """What notes and tables call it: the parent with its code, or the first level."""
        if self.parent:
            what = message("experts.node.parent", code=self.parent, name=self.title)
        else:
            what = message("experts.node.first_level")
        if self.place is None:
            return what
        return message("experts.node.in_track", track=self.place, node=what)

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
            hint = did_you_mean(level, known)
            raise InputError(
                message("experts.faults.no_level", level=level, hint=hint, known=known)
            )
    depths = {framework.level_depth(level) for level in (levels or known)}
    chosen = framework.track(track) if track else None
    if track and chosen is None:
        hint, tracks = did_you_mean(track, framework.tracks), list(framework.tracks)
        raise InputError(message("experts.faults.no_track", track=track, hint=hint, known=tracks))
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
    role, comment : what an opinion from the explorer says of its writer and its reasons
    """

    expert: str
    round: int
    answers: Mapping[str, Answer]
    basis: float = float("nan")
    familiarity: float = float("nan")
    file: str = ""
    self_rating: tuple[int | None, ...] = ()
    role: str = ""
    comment: str = ""

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
    synthetic : no real expert gave these answers; shown wherever the panel is
    skipped : faults of the input whose judgements were left out
    files : SHA-256 by name, of every file that was read
    """

    framework: Framework
    questions: Mapping[str, Question]
    forms: tuple[ExpertForm, ...]
    notes: tuple[Text, ...] = ()
    synthetic: bool = False
    skipped: tuple[Fault, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        said = message(
            "experts.panel",
            n=len(self.experts),
            rounds=len(self.rounds),
            nodes=len(self.questions),
            framework=f"{self.framework.code} {self.framework.version}",
        )
        return f"<Panel: {said}>"

    def _repr_html_(self) -> str:
        from html import escape

        return f"<code>{escape(repr(self))}</code>"

    @cached_property
    def digest(self) -> str:
        """SHA-256 of framework and answers; where they were read from does not count."""
        body = [self.framework.code, self.framework.version]
        for form in self.forms:
            said = [
                [key, a.method, a.best, a.worst, a.response.tolist()]
                for key, a in sorted(form.answers.items())
            ]
            body.append(json.dumps([form.expert, form.round, form.basis, form.familiarity, said]))
        return hashlib.sha256("\n".join(body).encode()).hexdigest()

    @cached_property
    def experts(self) -> tuple[str, ...]:
        """Everybody of whom there is a form, of whatever round."""
        return tuple(dict.fromkeys(f.expert for f in self.forms))

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
            faults.add(name, hinted(message("experts.no_such_expert"), name, known))
        faults.raise_if_any()
        kept = tuple(f for f in self.forms if f.expert not in leave)
        if not kept:
            raise InputError(message("experts.everybody_left_out"))
        notes = self.notes
        if leave:
            notes = (*notes, message("experts.left_out", experts=sorted(leave)))
        return replace(self, forms=kept, notes=notes)

    def elicited_by(self, method: str) -> Panel:
        """Return the judgements that were elicited by one method.

        Complete and incomplete comparisons are one way of asking, ``"ahp"``.

        Raises
        ------
        InputError
            When there are none; the message lists the methods of the panel.
        """
        wanted = same_method(method)
        forms = []
        for form in self.forms:
            kept = {k: a for k, a in form.answers.items() if same_method(a.method) == wanted}
            if kept:
                forms.append(replace(form, answers=kept))
        if not forms:
            known = sorted({a.method for f in self.forms for a in f.answers.values()})
            raise InputError(message("experts.no_method", method=method, known=known))
        return replace(self, forms=tuple(forms))


def same_method(method: str) -> str:
    """Return the name of a way of asking: forms of comparisons differ, the comparisons do not."""
    return "ahp" if method == "ahp-incomplete" else method


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
            listed = [str(r) for r in sorted(declared)] or ["1"]
            wanted = message("experts.faults.one_round", rounds=listed)
            faults.extend([_fault(form, message("experts.faults.unknown_round"), wanted)])
        elif (form.round, form.expert) in kept:
            first = kept[form.round, form.expert].file
            text = message("experts.faults.duplicate_expert", round=form.round, file=first)
            faults.extend([_fault(form, text, message("experts.faults.one_form"))])
        else:
            kept[form.round, form.expert] = form
    asked = questions_of(framework)
    used = {key for form in kept.values() for key in form.answers}
    questions = {key: q for key, q in asked.items() if key in used}
    ordered = tuple(kept[key] for key in sorted(kept))
    return Panel(framework, questions, ordered, tuple(_gap_notes(ordered)))


def _gap_notes(forms: Iterable[ExpertForm]) -> list[Text]:
    """Say whose comparisons (AHP) are incomplete: all pairs were asked, and some were answered."""
    notes: list[Text] = []
    for form in forms:
        gaps = {
            key: int(np.isnan(answer.response).sum()) // 2
            for key, answer in form.answers.items()
            if answer.method == "ahp"
        }
        listed = [message("experts.gap", node=k, n=count) for k, count in gaps.items() if count]
        if listed:
            notes.append(
                message("experts.gaps", expert=form.expert, round=form.round, nodes=listed)
            )
    return notes


def _unbroken(numbers: set[int]) -> set[int]:
    known: set[int] = set()
    while len(known) + 1 in numbers:
        known.add(len(known) + 1)
    return known


def _fault(form: ExpertForm, problem: Text, expected: Text) -> Fault:
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
