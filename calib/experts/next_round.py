"""Forms for another Delphi round: own answers kept, the panel's last weights shown beside them."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from calib.errors import Faults
from calib.experts.form_layout import FORM_METHODS
from calib.experts.form_write import write_form
from calib.experts.panel import ExpertForm, Panel, named_items
from calib.experts.panel_request import PanelRequest
from calib.experts.synthesis import pool_panel
from calib.words import message, say

__all__ = ["write_next_round"]


def _with_ends_named(form: ExpertForm) -> ExpertForm:
    """Name the best and worst items that a table left to be inferred: the form asks for them."""
    answers = {}
    for key, answer in form.answers.items():
        named = named_items([answer])
        if named:
            best, worst = int(named["best"][0]), int(named["worst"][0])
            answer = replace(answer, best=best, worst=worst)
        answers[key] = answer
    return replace(form, answers=answers)


def write_next_round(
    panel: Panel,
    folder: str | os.PathLike[str],
    *,
    lang: str = "zh",
    request: PanelRequest | None = None,
    label: str = "",
    notice: Callable[[str], None] = lambda text: None,
) -> list[Path]:
    """Write one form per expert of the last round, for the round after it.

    A form holds the expert's own last answers and self-assessment, ready to be changed.

    Forms that are there already stay as they are, as they may hold answers; so a call that was
    stopped half-way can be repeated.

    Parameters
    ----------
    panel
        The panel so far.
    folder
        Where the forms go; made if it is not there.
    lang
        ``"zh"`` or ``"en"``.
    request
        How the panel's weights are pooled that the experts see; only nodes somebody judged are
        asked again.
    label
        As in :func:`calib.experts.form_write.write_form`.
    notice
        Called for every form that is there already and is kept.

    Returns
    -------
    list of Path
        The forms, in the order of the experts.

    Raises
    ------
    InputError
        Naming experts whose judgements no form can hold (direct weights, swing, or several
        methods) or whose names make the same file name; or when every form is there already.
    """
    number = panel.rounds[-1]
    forms = panel.in_round(number)
    faults = Faults()
    methods: dict[str, str] = {}
    paths: dict[str, Path] = {}
    present: list[Path] = []
    for form in forms:
        used = sorted({answer.method for answer in form.answers.values()})
        if len(used) != 1 or used[0] not in FORM_METHODS:
            text = message("experts.faults.no_form_holds")
            faults.add(form.expert, text, value=", ".join(used), expected=" | ".join(FORM_METHODS))
        methods[form.expert] = used[0]
        safe = re.sub(r"[^\w.-]+", "_", form.expert)
        path = Path(folder) / f"round-{number + 1}-{safe}.xlsx"
        if path in paths.values():
            faults.add(form.expert, message("experts.faults.same_file"), value=path.name)
        elif os.path.lexists(path):
            present.append(path)
        paths[form.expert] = path
    if len(present) == len(forms) and not len(faults):
        text = message("experts.faults.all_there", n=len(forms), round=number + 1)
        faults.add(str(folder), text, expected=message("experts.faults.another_folder"))
    faults.raise_if_any()
    for path in present:
        notice(say("experts.faults.kept", path=path))
    request = request or PanelRequest(unjudged="published", draws=100)
    pooled = pool_panel(panel, number, request, rng=0).pooled
    for form in forms:
        if paths[form.expert] in present:
            continue
        write_form(
            paths[form.expert],
            panel.framework,
            panel.questions,
            methods[form.expert],
            lang=lang,
            expert=form.expert,
            round_number=number + 1,
            filled=_with_ends_named(form),
            self_rating=form.self_rating,
            kept=(form.basis, form.familiarity),
            group={key: found.weights for key, found in pooled.items()},
            label=label,
        )
    return list(paths.values())
