"""Opinions that come back from the explorer: weights that readers have set, as a panel.

Each file is what *save my weights* writes (``calib.opinion/1``): local weights of all nodes, which
families the reader has moved, and a name, a role and a comment where they were given.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from calib.errors import Faults
from calib.experts.panel import Answer, ExpertForm, Panel, Question, questions_of
from calib.experts.panel_files import Files, panel_of
from calib.files.inputs import read_input
from calib.framework import Framework
from calib.requests import expect
from calib.words import message

__all__ = ["read_opinions"]

MOST_BYTES = 1_000_000
SUM_TOLERANCE = 1e-6

_Weight = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class _OpinionFile(BaseModel):
    """What the explorer writes; anything else in the file is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_: Annotated[Literal["calib.opinion/1"], Field(alias="schema")]
    framework: str
    framework_version: str
    framework_digest: str = ""
    date: str = ""
    start: str = ""
    start_digest: str = ""
    judged: tuple[str, ...]
    weights: dict[str, _Weight | dict[str, _Weight]]
    name: Annotated[str, Field(max_length=200)] = ""
    role: Annotated[str, Field(max_length=200)] = ""
    comment: Annotated[str, Field(max_length=5000)] = ""


def read_opinions(
    files: Files | Panel,
    framework: Framework,
    *,
    skip_invalid: bool = False,
    synthetic: bool = False,
) -> Panel:
    """Read weights that readers of the explorer have saved, as a panel of one round.

    Parameters
    ----------
    files : files of *save my weights*: one path or several; ``*`` stands for many. A panel that is
        read already is handed back
    framework : the framework that the opinions are about
    skip_invalid : keep what is sound; the panel has the faults in ``skipped``
    synthetic : nobody gave these opinions; whatever is made from them says so

    Returns
    -------
    Panel
        An expert a file, called by the name in it, or after the file. Families that a reader left
        as they stood are no judgement of hers. The forms hold roles and comments.

    Raises
    ------
    InputError
        With every fault of every file; for a pattern that matches nothing; or when nothing sound
        is left.

    Examples
    --------
    >>> panel = read_opinions("opinions/*.json", load_framework("aii"))  # doctest: +SKIP
    >>> weights = weigh_panel(panel, unjudged="published").weights  # doctest: +SKIP
    """
    expect("read_opinions(files, framework)", framework=(framework, Framework))
    if isinstance(files, Panel):
        return files

    def read(file: Path, faults: Faults) -> list[ExpertForm]:
        form = _read_opinion(file, framework, faults)
        return [] if form is None else [form]

    return replace(panel_of(files, framework, read, skip_invalid=skip_invalid), synthetic=synthetic)


def _read_opinion(file: Path, framework: Framework, faults: Faults) -> ExpertForm | None:
    given = _checked(file, framework, faults)
    if given is None:
        return None
    questions = questions_of(framework)
    answers: dict[str, Answer] = {}
    for key in given.judged:
        question = questions.get(key)
        if question is None:
            faults.add("judged", message("experts.faults.unknown_node"), value=key,
                       expected=message("experts.faults.node_key"))  # fmt: skip
            continue
        weights = _weights_of(given, question, faults)
        if weights is not None:
            answers[key] = Answer("direct", np.array(weights))
    if not given.judged:
        faults.add("judged", message("experts.faults.nothing_moved"))
    if not answers:
        return None
    expert = " ".join(given.name.split()) or file.stem
    return ExpertForm(expert, 1, answers, file=file.name, role=given.role.strip(),
                      comment=given.comment.strip())  # fmt: skip


def _checked(file: Path, framework: Framework, faults: Faults) -> _OpinionFile | None:
    try:
        document: Any = json.loads(read_input(file, most=MOST_BYTES))
        given = _OpinionFile.model_validate(document)
    except FileNotFoundError:
        raise
    except ValidationError as exc:
        for error in exc.errors():
            where = ".".join(str(p) for p in error["loc"]) or "schema"
            faults.add(where, message("experts.faults.no_opinion", cause=error["msg"]))
        return None
    except (UnicodeDecodeError, ValueError, RecursionError) as exc:
        faults.add("", message("experts.faults.no_opinion", cause=str(exc)))
        return None
    model, own = (given.framework, given.framework_version), (framework.code, framework.version)
    if model != own:
        faults.add("framework", message("experts.faults.other_framework_opinion"),
                   value=" ".join(model), expected=" ".join(own))  # fmt: skip
        return None
    return given


def _weights_of(given: _OpinionFile, question: Question, faults: Faults) -> list[float] | None:
    """Return the local weights of a question's items, None where they are no weights."""
    track = given.weights.get(question.tracks[0])
    own = track if isinstance(track, dict) else {}
    found = [given.weights.get(c, own.get(c)) for c in question.items]
    lacking = [c for c, w in zip(question.items, found, strict=True) if not isinstance(w, float)]
    if lacking:
        faults.add(f"weights.{lacking[0]}", message("experts.faults.no_value"))
        return None
    values = [w for w in found if isinstance(w, float)]
    if abs(sum(values) - 1) > SUM_TOLERANCE:
        faults.add(f"weights ({question.key})", message("experts.faults.opinion_sum"),
                   value=float(f"{sum(values):.6g}"), expected="1")  # fmt: skip
        return None
    return values
