"""Experiment files: what is declared, checked before anything is computed."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from calib._validation import parse_model
from calib.errors import Faults, InputError, did_you_mean
from calib.experiment.registry import RENAMED_OUTCOMES, Params, find_outcome, find_source, known
from calib.files.inputs import read_toml
from calib.files.names import composed, is_unseen
from calib.files.shipped import shipped_experiments
from calib.framework import Framework, Name, load_framework
from calib.population import PopulationSpec
from calib.words import message

__all__ = ["Experiment", "SetEntry", "document_digest", "load_experiment", "parse_experiment"]

DECISION = "decision"
"""The analysis that stands in a table of its own."""
_MOST_SIGNS = 60


def _checked_name(name: str) -> str:
    """Refuse what is no name in any script; names of files are derived from it."""
    if not name or len(name) > _MOST_SIGNS:
        raise ValueError(message("faults.name_length", most=_MOST_SIGNS))
    if name != name.strip() or any(is_unseen(c) for c in name):
        raise ValueError(message("faults.name_unseen"))
    if name[0] in ".-":
        raise ValueError(message("faults.name_starts"))
    if found := sorted(set(name) & set("/\\")):
        raise ValueError(message("faults.name_signs", signs=found))
    return name


SetName = Annotated[str, AfterValidator(_checked_name)]
"""Name of an experiment or a set, in any script; ``/`` stands before a further set of a source."""


class _TitleEntry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    zh: str
    en: str


class _ExperimentFile(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    renamed: ClassVar = {"readings": "rule_options"}
    schema_: Literal["calib.experiment/1"] = Field(alias="schema")
    name: SetName
    title: _TitleEntry | None = None
    description: _TitleEntry | None = None
    framework: str
    population: PopulationSpec
    rule_options: dict[str, str] = {}
    baseline: str = "published"
    seed: Annotated[int, Field(ge=0, strict=True)] = 0
    sets: Annotated[dict[SetName, dict[str, Any]], Field(min_length=1)]
    decision: dict[str, Any] | None = None
    outcomes: dict[str, dict[str, Any]] = {}


@dataclass(frozen=True, eq=False)
class SetEntry:
    """One declared weight set: its source and the source's checked keys.

    Without a ``label`` of its own the set goes by the one that its source gives it.
    """

    name: str
    label: Name | None
    source: str
    params: Params
    requires: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Experiment:
    """A checked experiment; ``sets`` is in an order in which each can be made."""

    name: str
    title: Name
    description: Name
    framework: Framework
    population: PopulationSpec
    rule_options: Mapping[str, str]
    baseline: str
    seed: int
    sets: tuple[SetEntry, ...]
    outcomes: Mapping[str, Params]
    folder: Path
    file: str
    digest: str
    order: tuple[str, ...]

    def __repr__(self) -> str:
        return f"<Experiment {self.name!r}: {len(self.sets)} weight sets, {self.framework!r}>"


def load_experiment(source: str | os.PathLike[str]) -> Experiment:
    """Read an experiment file, or a shipped experiment by its name.

    Raises
    ------
    InputError
        With every fault: unknown keys, sources or rule options, a cycle of sources, a baseline that
        is no set …
    """
    path = Path(source)
    if path.suffix != ".toml" and not path.is_file():
        shipped = sorted(p.stem for p in shipped_experiments().glob("*.toml"))
        if str(source) not in shipped:
            hint = did_you_mean(str(source), shipped)
            raise InputError(
                message(
                    "faults.no_experiment_shipped_are_or",
                    source=repr(os.fspath(source)),
                    hint=hint,
                    shipped=list(shipped),
                )
            )
        path = shipped_experiments() / f"{source}.toml"
    return parse_experiment(read_toml(path), folder=path.parent, file=str(path))


def parse_experiment(document: Mapping[str, Any], *, folder: Path, file: str = "") -> Experiment:
    """Check the contents of an experiment file; see :func:`load_experiment`."""
    document = _one_spelling(document, file)
    spec = parse_model(_ExperimentFile, document, file)
    faults = Faults(file)
    framework = load_framework(_framework_path(spec.framework, folder))
    try:
        framework.rule.read(spec.rule_options)
    except InputError as exc:
        for f in exc.faults:
            faults.add(f.where, f.problem, value=f.value, expected=f.expected)
    sets = [_set_entry(name, dict(keys), file, faults) for name, keys in spec.sets.items()]
    entries = {s.name: s for s in sets if s is not None}
    if spec.baseline.split("/")[0] not in spec.sets:
        faults.add(
            "baseline",
            message("faults.is_no_set", hint=did_you_mean(spec.baseline, spec.sets)),
            value=spec.baseline,
            expected=" | ".join(spec.sets),
        )
    outcomes = _outcomes(spec, file, faults)
    ordered = _order(entries, set(spec.sets), faults)
    faults.raise_if_any()
    title = spec.title or _TitleEntry(zh=spec.name, en=spec.name)
    text = spec.description or _TitleEntry(zh="", en="")
    return Experiment(
        name=spec.name,
        title=Name(title.zh, title.en),
        description=Name(text.zh, text.en),
        framework=framework,
        population=spec.population,
        rule_options=spec.rule_options,
        baseline=spec.baseline,
        seed=spec.seed,
        sets=tuple(ordered),
        outcomes=outcomes,
        folder=folder,
        file=file,
        digest=_digest(document),
        order=tuple(spec.sets),
    )


def document_digest(document: Mapping[str, Any]) -> str:
    """Return the SHA-256 of what an experiment file says, whatever its layout."""
    return _digest(_one_spelling(document, ""))


def _digest(document: Mapping[str, Any]) -> str:
    canonical = json.dumps(document, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _one_spelling(document: Mapping[str, Any], file: str) -> Mapping[str, Any]:
    """Return the document with the names of sets spelled in one way wherever they stand.

    A name typed on one machine and copied from a file's name on another may be composed in one
    place and decomposed in the other, which no reader can see. Other texts, names of files among
    them, stay as they are.
    """
    sets = document.get("sets")
    if not isinstance(sets, Mapping):
        return document
    faults = Faults(file)
    first: dict[str, str] = {}
    for name in sets:
        if first.setdefault(composed(name), name) != name:
            faults.add(f"sets.{name}", message("faults.name_twice"))
    faults.raise_if_any()
    known = set(first) if any(not name.isascii() for name in first) else set()
    return {**_respelled(document, known), "name": _respelled(document.get("name"), None)}


def _respelled(value: Any, known: Iterable[str] | None) -> Any:
    """Return a value with texts composed: all of them, or those that begin with a known name."""
    if isinstance(value, Mapping):
        return {_respelled(k, known): _respelled(v, known) for k, v in value.items()}
    if isinstance(value, list):
        return [_respelled(v, known) for v in value]
    if not isinstance(value, str) or value.isascii():
        return value
    own = composed(value)
    return own if known is None or own.split("/")[0] in known else value


def _framework_path(name: str, folder: Path) -> str:
    return str(folder / name) if name.endswith(".toml") else name


def _set_entry(name: str, keys: dict[str, Any], file: str, faults: Faults) -> SetEntry | None:
    at = f"sets.{name}"
    word = keys.pop("source", None)
    label = keys.pop("label", None)
    if not isinstance(word, str):
        faults.add(
            f"{at}.source",
            message("faults.is_missing") if word is None else message("faults.is_no_text"),
            value=word,
            expected=" | ".join(known("sources")),
        )
        return None
    source = find_source(word)
    if source is None:
        faults.add(
            f"{at}.source",
            message("faults.unknown_source", hint=did_you_mean(word, known("sources"))),
            value=word,
            expected=" | ".join(known("sources")),
        )
        return None
    try:
        shown = parse_model(_TitleEntry, label, file, f"{at}.label") if label is not None else None
        params = parse_model(source.params, keys, file, at)
    except InputError as exc:
        faults.extend(exc.faults)
        return None
    named = Name(shown.zh, shown.en) if shown else None
    return SetEntry(name, named, word, params, tuple(source.requires(params)))


def _outcomes(spec: _ExperimentFile, file: str, faults: Faults) -> dict[str, Params]:
    out: dict[str, Params] = {}
    declared = spec.outcomes
    if spec.decision is not None:  # what is decided comes first, and so in the report
        declared = {DECISION: spec.decision, **declared}
    if DECISION in spec.outcomes:
        faults.add(f"outcomes.{DECISION}", message("experiment.decision_place"),
                   expected="[decision]")  # fmt: skip
    for name, keys in declared.items():
        at = name if name == DECISION else f"outcomes.{name}"
        outcome = find_outcome(name)
        if outcome is None and name in RENAMED_OUTCOMES:
            new = RENAMED_OUTCOMES[name]
            faults.add(f"outcomes.{name}", message("requests.renamed", old=name, new=new))
            continue
        if outcome is None:
            faults.add(
                f"outcomes.{name}",
                message("faults.unknown_analysis", hint=did_you_mean(name, known("outcomes"))),
                expected=" | ".join(known("outcomes")),
            )
            continue
        try:
            out[name] = parse_model(outcome.params, keys, file, at)
        except InputError as exc:
            faults.extend(exc.faults)
            continue
        for needed in outcome.requires(out[name]):
            if needed.split("/")[0] not in spec.sets:
                faults.add(
                    at,
                    message(
                        "faults.names_an_unknown_set",
                        needed=repr(needed),
                        hint=did_you_mean(needed, spec.sets),
                    ),
                    expected=" | ".join(spec.sets),
                )
    return out


def _order(entries: Mapping[str, SetEntry], declared: set[str], faults: Faults) -> list[SetEntry]:
    """Order sets so that each comes after those it builds on; a cycle is a fault."""
    done: dict[str, SetEntry] = {}
    path: list[str] = []

    def visit(name: str) -> None:
        if name in done or name not in entries:
            return
        if name in path:
            cycle = " → ".join([*path[path.index(name) :], name])
            problem = message("faults.a_cycle_of_sources", cycle=cycle)
            if all(problem != f.problem for f in faults.items):
                expected = message("faults.sets_that_build_on_earlier")
                faults.add(f"sets.{name}", problem, expected=expected)
            return
        path.append(name)
        for needed in entries[name].requires:
            root = needed.split("/")[0]
            if root not in declared:
                faults.add(
                    f"sets.{name}",
                    message(
                        "faults.builds_on_an_unknown_set",
                        needed=repr(needed),
                        hint=did_you_mean(root, declared),
                    ),
                    expected=" | ".join(sorted(declared)),
                )
            visit(root)
        path.pop()
        done[name] = entries[name]

    for name in entries:
        visit(name)
    return list(done.values())
