"""From a file to a mapping that can be used: stored beside it, given, or proposed and confirmed."""

from __future__ import annotations

import os
from collections.abc import Callable
from collections.abc import Mapping as Entries
from pathlib import Path

from calib.errors import Fault, InputError
from calib.framework import Framework
from calib.imports.export import Export, read_export
from calib.imports.mapping import Kind, Mapping, find_mapping, read_mapping
from calib.imports.proposal import Proposal
from calib.imports.propose_answers import propose_answers
from calib.imports.propose_ballots import looks_like_ballots, propose_ballots
from calib.imports.propose_weights import looks_like_weights, propose_weights
from calib.words import joined, message

__all__ = ["prepare", "require_ready", "stored"]


def _propose(export: Export, framework: Framework, kind: Kind | None) -> Proposal:
    if kind is None:
        if looks_like_weights(export, framework):
            kind = "weights"
        else:
            kind = "ballots" if looks_like_ballots(export, framework) else "answers"
    return _MAKERS[kind](export, framework)


_MAKERS: dict[Kind, Callable[[Export, Framework], Proposal]] = {
    "answers": propose_answers,
    "ballots": propose_ballots,
    "weights": propose_weights,
}


def prepare(
    path: str | os.PathLike[str],
    framework: Framework,
    *,
    kind: Kind | None = None,
    mapping: str | os.PathLike[str] | None = None,
    choices: Entries[str, str] | None = None,
    sheet: str | None = None,
) -> Proposal:
    """Return a file with its mapping: the one given, the one beside it, or a new proposal.

    Parameters
    ----------
    mapping : a mapping file; if None, one beside the data whose fingerprint is that of the file's
        layout, whatever it is called
    choices : answers to questions about the whole file, by their names

    Raises
    ------
    InputError
        When the mapping is for another kind of data, another framework or another layout.
    """
    export = read_export(path, sheet=sheet)
    found = Path(mapping) if mapping is not None else find_mapping(path, export.fingerprint)
    if found is None:
        proposal = _propose(export, framework, kind)
    else:
        stored = read_mapping(found)
        _check_fits(stored, export, framework, kind, found)
        fresh = _propose(export, framework, stored.kind)
        still = {q.key: q for q in fresh.questions if q.key in stored.open_points()}
        proposal = Proposal(export, stored, tuple(still.values()), str(found))
    if choices:
        chosen = proposal.mapping.with_choices(choices)
        left = tuple(q for q in proposal.questions if q.key.removeprefix("choices.") not in choices)
        proposal = Proposal(export, chosen, left, proposal.stored)
    return proposal


def stored(
    path: str | os.PathLike[str],
    framework: Framework,
    kind: Kind,
    mapping: str | os.PathLike[str] | None = None,
    sheet: str | None = None,
) -> Proposal | None:
    """Return a file with the mapping that is given, or lies beside it; None if there is none.

    Raises
    ------
    InputError
        When the mapping does not fit, or has open questions.
    """
    file = Path(path)
    if mapping is None:
        beside = file.suffix.lower() != ".parquet" and file.is_file()
        if not beside or not any(file.parent.glob("*.mapping.toml")):
            return None
        found = find_mapping(file, read_export(file, sheet=sheet).fingerprint)
        if found is None or read_mapping(found).kind != kind:
            return None
        mapping = found
    proposal = prepare(file, framework, kind=kind, mapping=mapping, sheet=sheet)
    require_ready(proposal)
    return proposal


def _check_fits(
    mapping: Mapping, export: Export, framework: Framework, kind: Kind | None, path: Path
) -> None:
    faults = []
    if kind is not None and mapping.kind != kind:
        faults.append(
            Fault(str(path), "kind", message("imports.other_kind"), mapping.kind, expected=kind)
        )
    if mapping.framework != framework.code:
        faults.append(
            Fault(
                str(path),
                "framework",
                message("imports.other_framework"),
                mapping.framework,
                expected=framework.code,
            )
        )
    elif mapping.framework_version not in ("", framework.version):
        faults.append(
            Fault(
                str(path),
                "framework_version",
                message("imports.other_version"),
                mapping.framework_version,
                expected=framework.version,
            )
        )
    if mapping.fingerprint != export.fingerprint:
        faults.append(_layout_fault(mapping, export, path))
    if faults:
        raise InputError(faults)


def _layout_fault(mapping: Mapping, export: Export, path: Path) -> Fault:
    stored = {c.column: c.header for c in mapping.columns}
    now = {b.column_name(c): label for b in export.blocks for c, label in enumerate(b.labels)}
    differing = [c for c in {**now, **stored} if stored.get(c) != now.get(c)]
    said = message("imports.other_layout", n=len(differing), columns=differing[:8])
    return Fault(str(path), "fingerprint", said, expected=message("imports.other_layout_expected"))


def require_ready(proposal: Proposal, *, confirm: bool = False) -> Mapping:
    """Return the mapping of a proposal, if it can be used.

    Parameters
    ----------
    confirm : accept what is likely, but not certain

    Raises
    ------
    InputError
        With every question that is open, or with what has to be confirmed.
    """
    mapping = proposal.mapping
    file = proposal.stored or proposal.export.file
    asked = {q.key: q for q in proposal.questions}
    open_points = mapping.open_points()
    if open_points:
        faults = [
            Fault(
                file,
                point,
                asked[point].text if point in asked else message("imports.is_open"),
                expected=joined(asked[point].answers) if point in asked else "",
            )
            for point in open_points
        ]
        how = message("imports.how_to_answer", file=Path(proposal.export.file).name)
        raise InputError([*faults, Fault(file, "", how)])
    if not confirm and not mapping.ready:
        doubtful = mapping.doubtful_points()
        said = message("imports.to_confirm", n=len(doubtful), what=doubtful)
        how = message("imports.how_to_confirm", file=Path(proposal.export.file).name)
        raise InputError([Fault(file, "", said, expected=how)])
    return mapping if mapping.ready else mapping.model_copy(update={"confirmed": True})
