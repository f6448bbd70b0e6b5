"""Write forms as XLSX workbooks: for the first round, and for the next with what the panel said."""

from __future__ import annotations

import datetime
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from calib._types import FloatArray
from calib.errors import Faults, InputError
from calib.experts.elicit import METHODS
from calib.experts.form_layout import (
    BASIS_ROW,
    EXPERT_ROW,
    FAMILIARITY_ROW,
    FORM_METHODS,
    INPUT_COLUMN,
    INSTRUCTIONS_ROW,
    ROUND_ROW,
    SCHEMA,
    STAMP_SHEET,
    Layout,
    sheet_titles,
)
from calib.experts.form_sheets import FormTexts, NodeSheet, offer_choices
from calib.experts.panel import ExpertForm, Panel, Question, named_items
from calib.experts.panel_request import PanelRequest
from calib.experts.pooling import BASIS_SCALE, FAMILIARITY_SCALE
from calib.experts.synthesis import pool_panel
from calib.framework import Framework, Node
from calib.tables import new_workbook
from calib.words import message, say

__all__ = ["write_form", "write_next_round"]

LANGUAGES = ("zh", "en")
_INSTRUCTIONS = {
    "common": ("sheets", "send_back"),
    "points": ("points",),
    "ranks": ("ranks",),
    "ratings": ("ratings",),
    "ahp": ("ahp", "ahp_check"),
    "ahp-incomplete": ("ahp_incomplete", "ahp_linked"),
    "bwm": ("bwm", "bwm_same"),
}


def write_form(
    path: str | os.PathLike[str],
    framework: Framework,
    questions: Mapping[str, Question],
    method: str,
    *,
    lang: str = "zh",
    expert: str = "",
    round_number: int = 1,
    filled: ExpertForm | None = None,
    self_rating: Sequence[int | None] | None = None,
    kept: tuple[float, float] | None = None,
    group: Mapping[str, FloatArray] | None = None,
    label: str = "",
) -> None:
    """Write a form.

    Parameters
    ----------
    path
        The .xlsx file.
    framework, questions
        What is asked (:func:`calib.experts.panel.questions_of`).
    method
        ``"ahp"``, ``"ahp-incomplete"``, ``"bwm"``, ``"points"``, ``"ranks"`` or ``"ratings"``.
    lang
        ``"zh"`` or ``"en"``.
    expert, round_number
        Written into the form beforehand.
    filled
        Answers written into the cells, for a next round that starts from the last one.
    self_rating
        Influence of the four bases of judgement (1 to 3) and familiarity (1 to 5), likewise; None
        leaves a cell empty.
    kept
        Ca and Cs of the last round, NaN where unknown: they hold where the cells stay empty, and
        the form says so.
    group
        The panel's weights of the last round by question, shown beside the answers.
    label
        A line beside the title, for instance that the form holds synthetic answers.

    Raises
    ------
    InputError
        For an unknown method or language, or when there is nothing to ask.
    """
    if method not in FORM_METHODS:
        raise InputError(
            message("experts.faults.no_form_method", method=method, known=FORM_METHODS)
        )
    if lang not in LANGUAGES:
        raise InputError(message("experts.faults.no_form_lang", lang=lang))
    if not questions:
        raise InputError(message("experts.faults.nothing_to_ask"))
    described = _described(framework, questions)
    with new_workbook(path) as book:
        # A fixed date keeps forms of the same content identical byte for byte.
        book.set_properties({"created": datetime.datetime(2017, 2, 14), "title": label})
        book.set_calc_mode("auto")
        styles = _styles(book)
        head = _Head(framework, method, lang, expert, round_number, self_rating, kept, label)
        _write_start(book, styles, head, levels=bool(described))
        texts = FormTexts(lang)
        sheets = sheet_titles(questions, taken=[texts["sheet"], texts["levels"], "History"])
        for key, question in questions.items():
            answer = filled.answers.get(key) if filled is not None else None
            layout = Layout(method, len(question.items))
            sheet = book.add_worksheet(sheets[key])
            shown = (group or {}).get(key)
            NodeSheet(sheet, styles, layout, question, lang, shown).write(answer)
        if described:
            _write_levels(book, styles, described, framework, lang)
        _write_stamp(book, head, sheets)


def _styles(book: Any) -> dict[str, Any]:
    box = {"border": 1, "border_color": "#BFBFBF"}
    return {
        "title": book.add_format({"bold": True, "font_size": 14}),
        "head": book.add_format({"bold": True, "text_wrap": True, "valign": "top", **box}),
        "text": book.add_format(box),
        "cell": book.add_format({"text_wrap": True, "valign": "top", **box}),
        "wrap": book.add_format({"text_wrap": True, "valign": "top"}),
        "input": book.add_format({"bg_color": "#FFF7D6", "locked": False, **box}),
        "live": book.add_format({"num_format": "0.000", "font_color": "#404040", **box}),
        "share": book.add_format({"num_format": "0.0%", "font_color": "#404040", **box}),
        "faint": book.add_format({"num_format": "0.000", "font_color": "#808080"}),
        "strong": book.add_format({"bold": True, "num_format": "0.000", **box}),
    }


@dataclass(frozen=True, slots=True)
class _Head:
    """Whom and what a form asks; as in :func:`write_form`."""

    framework: Framework
    method: str
    lang: str
    expert: str
    round_number: int
    self_rating: Sequence[int | None] | None
    kept: tuple[float, float] | None
    label: str

    @property
    def texts(self) -> FormTexts:
        return FormTexts(self.lang)


def _write_start(book: Any, styles: Mapping[str, Any], head: _Head, *, levels: bool) -> None:
    texts, lang, framework = head.texts, head.lang, head.framework
    sheet = book.add_worksheet(texts["sheet"])
    sheet.set_column(0, 0, 46)
    sheet.set_column(1, 1, 40)
    sheet.fit_to_pages(1, 0)
    sheet.protect()
    sheet.write_string(0, 0, texts["title"], styles["title"])
    if head.label:
        sheet.write_string(0, 1, head.label, styles["wrap"])
    sheet.write_string(1, 0, texts["framework"])
    sheet.write_string(1, 1, f"{framework.name.get(lang)} ({framework.code} {framework.version})")
    sheet.write_string(2, 0, texts["method"])
    sheet.write_string(2, 1, METHODS[head.method].name.get(lang))
    sheet.write_string(EXPERT_ROW, 0, texts["expert"], styles["text"])
    sheet.write_string(EXPERT_ROW, INPUT_COLUMN, head.expert, styles["input"])
    sheet.write_string(ROUND_ROW, 0, texts["round"], styles["text"])
    sheet.write_number(ROUND_ROW, INPUT_COLUMN, head.round_number, styles["input"])
    offer_choices(sheet, ROUND_ROW, INPUT_COLUMN, [str(i) for i in range(1, 10)], texts)
    _ask_self_rating(sheet, styles, head)
    lines = [say(f"experts.instructions.{key}", lang) for key in _INSTRUCTIONS["common"]]
    lines += [say("experts.instructions.levels", lang)] if levels else []
    lines += [say(f"experts.instructions.{key}", lang) for key in _INSTRUCTIONS[head.method]]
    for i, line in enumerate(lines):
        row = INSTRUCTIONS_ROW + i
        sheet.merge_range(row, 0, row, 3, line, styles["wrap"])
        sheet.set_row(row, 32)


def _ask_self_rating(sheet: Any, styles: Mapping[str, Any], head: _Head) -> None:
    texts, lang = head.texts, head.lang
    sheet.write_string(BASIS_ROW - 1, 0, texts["self"], styles["head"])
    hint = texts["self_hint"]
    if head.kept is not None and not np.isnan(head.kept).all():
        ca, cs = ("–" if np.isnan(value) else f"{value:g}" for value in head.kept)
        hint = f"{hint}\n{say('experts.form.self_kept', lang, ca=ca, cs=cs)}"
        sheet.set_row(BASIS_ROW - 1, 48)
    sheet.write_string(BASIS_ROW - 1, 1, hint, styles["head"])
    labels = [*(say(f"experts.basis.{b}", lang) for b in BASIS_SCALE), texts["familiarity"]]
    for i, name in enumerate(labels):
        row = BASIS_ROW + i
        sheet.write_string(row, 0, name, styles["text"])
        level = head.self_rating[i] if head.self_rating else None
        if level is None:
            sheet.write_blank(row, INPUT_COLUMN, None, styles["input"])
        else:
            sheet.write_number(row, INPUT_COLUMN, level, styles["input"])
        most = len(FAMILIARITY_SCALE) if row == FAMILIARITY_ROW else 3
        offer_choices(sheet, row, INPUT_COLUMN, [str(v) for v in range(1, most + 1)], texts)


def _described(framework: Framework, questions: Mapping[str, Question]) -> list[tuple[str, Node]]:
    """Return the nodes asked about, and their parents, that say what their levels mean.

    Returns
    -------
    Pairs of the code of a track, "" where all tracks say the same, and the node.
    """
    asked = {c for q in questions.values() for c in (q.parent, *q.items)}
    used = {t for q in questions.values() for t in q.tracks}
    found: dict[str, list[tuple[str, Node]]] = {}
    for t in used & set(framework.tracks):
        for node in framework.tracks[t].nodes:
            if node.code in asked and node.descriptions:
                found.setdefault(node.code, []).append((t, node))
    out: list[tuple[str, Node]] = []
    for code in framework.codes:
        same = found.get(code, [])
        alike = len({n.descriptions for _, n in same}) == 1
        every = len(same) == sum(code in tree.index for tree in framework.tracks.values())
        out += [("", same[0][1])] if alike and every and len(same) > 1 else sorted(same)
    return out


def _write_levels(
    book: Any,
    styles: Mapping[str, Any],
    described: Sequence[tuple[str, Node]],
    framework: Framework,
    lang: str,
) -> None:
    """Write what each level of each node means: to read, not to fill in."""
    texts = FormTexts(lang)
    sheet = book.add_worksheet(texts["levels"])
    sheet.protect()
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    first = framework.rule.first
    labels = [texts["code"], texts["name"]]
    labels += [f"L{first + k}" for k in range(framework.rule.stars)]
    for column, label in enumerate(labels):
        sheet.set_column(column, column, (10, 24)[column] if column < 2 else 30)
        sheet.write_string(0, column, label, styles["head"])
    for row, (track, node) in enumerate(described, start=1):
        name = node.name.get(lang)
        where = f" ({framework.tracks[track].name.get(lang)})" if track else ""
        sheet.write_string(row, 0, node.code, styles["cell"])
        sheet.write_string(row, 1, name + where, styles["cell"])
        for column, text in enumerate(node.descriptions, start=2):
            sheet.write_string(row, column, text.get(lang), styles["cell"])
    sheet.freeze_panes(1, 2)


def _write_stamp(book: Any, head: _Head, sheets: Mapping[str, str]) -> None:
    """Write what the reader needs to know, on a sheet that Excel does not offer to show."""
    stamp = book.add_worksheet(STAMP_SHEET)
    stamp.very_hidden()
    rows = [
        ("schema", SCHEMA),
        ("framework", head.framework.code),
        ("version", head.framework.version),
        ("method", head.method),
        ("lang", head.lang),
        *((name, repr(float(v))) for name, v in zip(("ca", "cs"), head.kept or (), strict=False)),
        *((f"sheet:{key}", name) for key, name in sheets.items()),
    ]
    for i, (key, value) in enumerate(rows):
        stamp.write_string(i, 0, key)
        stamp.write_string(i, 1, value)


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


def form_file(number: int, expert: str) -> str:
    """Return the name of the file of an expert's form in a round."""
    safe = re.sub(r"[^\w.-]+", "_", expert)
    return f"round-{number}-{safe}.xlsx"


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
        path = Path(folder) / form_file(number + 1, form.expert)
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
