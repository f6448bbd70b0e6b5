"""Populations from files: calib's own tables, and exports of survey platforms."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from calib.files.inputs import file_digest
from calib.framework import Framework
from calib.imports import (
    Proposal,
    convert_answers,
    framework_of,
    prepare,
    require_ready,
    stored,
)
from calib.population.parse import parse_population
from calib.population.population import Kind, Population
from calib.requests import expect
from calib.tables import read_table
from calib.words import message

__all__ = ["import_answers", "mapped_population", "read_population"]


def import_answers(
    path: str | os.PathLike[str],
    framework: Framework,
    *,
    mapping: str | os.PathLike[str] | None = None,
    choices: Mapping[str, str] | None = None,
    confirm: bool = False,
    sheet: str | None = None,
    label: str = "",
    synthetic: bool = False,
) -> Population:
    """Read a population from the export of a survey platform, or from a form filled by hand.

    Option texts, letters and numbers, skipped branches, headers of several rows, columns that the
    platform added: what each column holds is worked out from the file. What is likely but not
    certain has to be confirmed, and what is ambiguous is a question, never a guess.

    Parameters
    ----------
    path : .xlsx, .xls, .ods, .csv …
    mapping : what the columns hold, as ``calib import`` wrote it; if None, the mapping beside the
        file that is for its layout, else a new proposal
    choices : answers to questions about the whole file, such as ``{"numbers": "scores"}``
    confirm : accept what is likely, but not certain
    label : name of the population; the file's if not given
    synthetic : no real enterprise is in it

    Returns
    -------
    The population; its notes say how many cells were converted in which way.

    Raises
    ------
    InputError
        With every open question and what can be answered, or with every faulty cell.
    """
    call = "import_answers(path, framework)"
    expect(call, framework=(framework, Framework))
    proposal = prepare(
        path, framework, kind="answers", mapping=mapping, choices=choices, sheet=sheet
    )
    require_ready(proposal, confirm=confirm)
    return mapped_population(proposal, framework, label=label, synthetic=synthetic)


def read_population(
    path: str | os.PathLike[str],
    framework: Framework,
    *,
    kind: Kind = "answers",
    sheet: str | None = None,
    attributes: Sequence[str] = (),
    label: str = "",
    synthetic: bool = False,
    mapping: str | os.PathLike[str] | None = None,
) -> Population:
    """Read a population from CSV, XLSX or Parquet, wide or long, or from an export with a mapping.

    Wide: one row an enterprise, a column ``enterprise``, ``track`` (if the framework has several),
    optionally ``name`` and attributes, and one column an indicator, headed by its code or by its
    Chinese or English name. Long: columns ``enterprise``, ``track``, ``indicator``, ``value``.
    Chinese labels (企业编号, 企业名称, 企业类型, 指标, 得分 …) are understood.

    Parameters
    ----------
    kind : ``"answers"`` (option numbers from 1) or ``"scores"`` (points on the framework's scale)
    attributes : further columns to keep as attributes of an enterprise
    mapping : what the columns of an export hold; see :func:`import_answers`. A mapping that lies
        beside the file and is for its layout is used without being named

    Raises
    ------
    InputError
        With every fault of the file by cell.
    """
    found = stored(path, framework, "answers", mapping, sheet)
    if found is not None:
        return mapped_population(found, framework, label=label, synthetic=synthetic)
    table = read_table(path, sheet=sheet)
    return parse_population(
        table, framework, kind=kind, attributes=attributes, label=label or Path(path).stem,
        synthetic=synthetic, digest=file_digest(path),
    )  # fmt: skip


def mapped_population(
    proposal: Proposal, framework: Framework, *, label: str = "", synthetic: bool = False
) -> Population:
    """Return the population of an export whose mapping is ready or was confirmed."""
    mapping = proposal.mapping
    table, values = convert_answers(proposal.export, mapping, framework)
    kind: Kind = "scores" if values == "scores" else "answers"
    file = Path(proposal.export.file)
    state = hashlib.sha256(file.read_bytes())
    state.update(mapping.model_dump_json(exclude={"confirmed"}).encode())
    if proposal.stored:
        said = message("imports.reused", file=Path(proposal.stored).name)
        table = replace(table, notes=(*table.notes, said))
    return parse_population(
        table,
        framework_of(mapping, framework),
        kind=kind,
        attributes=tuple(dict.fromkeys(c.of for c in mapping.column("attribute"))),
        label=label or file.stem,
        synthetic=synthetic,
        digest=state.hexdigest(),
        asked="numbers" in mapping.choices,
    )
