"""Populations as declared: inline in an experiment file, or in a TOML file of their own."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from calib._types import Seed
from calib._validation import parse_model
from calib.errors import InputError
from calib.files.inputs import read_toml
from calib.files.shipped import shipped_data, shipped_file
from calib.framework import Framework
from calib.population.generate import generate_population
from calib.population.population import Population
from calib.population.population_files import read_population
from calib.requests import expect
from calib.words import Label, message

_TABLE_KEYS = ("values", "sheet", "attributes", "mapping")
"""Keys that say how to read a table; a population file states its own."""

__all__ = ["GenerateEntry", "PopulationSpec", "load_population", "resolve_population"]


class GenerateEntry(BaseModel):
    """A synthetic population to be generated; see :func:`generate_population`."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    n: (
        Annotated[int, Field(ge=1, strict=True)]
        | dict[str, Annotated[int, Field(ge=0, strict=True)]]
    )
    like: str | None = None
    seed: Annotated[int, Field(ge=0, strict=True)] | None = None
    general: Annotated[float, Field(ge=0, lt=1)] = 0.35
    pillar: Annotated[float, Field(ge=0, lt=1)] = 0.15
    capability: Annotated[float, Field(ge=0, lt=1)] = 0.15


class _LabelEntry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)


def _as_label(given: str | _LabelEntry) -> Label:
    return Label(given.en, given.zh) if isinstance(given, _LabelEntry) else Label(given)


if TYPE_CHECKING:
    _LabelField = Label
else:
    _LabelField = Annotated[str | _LabelEntry, AfterValidator(_as_label)]


class PopulationSpec(BaseModel):
    """A population as declared: a ``file``, or ``generate``."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    schema_: Literal["calib.population/1"] | None = Field(default=None, alias="schema")
    framework: str | None = None
    label: _LabelField = Label("")
    synthetic: bool = False
    one_of_many: bool = False
    file: str | None = None
    values: Literal["answers", "scores"] = "answers"
    sheet: str | None = None
    attributes: tuple[str, ...] = ()
    mapping: str | None = None
    note: str = ""
    generate: GenerateEntry | None = None

    @model_validator(mode="after")
    def _one_way(self) -> PopulationSpec:
        if (self.file is None) == (self.generate is None):
            raise ValueError(message("options.file_or_generate"))
        table = self.file is not None and not self.file.lower().endswith(".toml")
        idle = [k for k in _TABLE_KEYS if k in self.model_fields_set and not table]
        if idle:
            raise ValueError(message("options.idle", names=idle))
        return self


def load_population(
    path: str | Path | Population, framework: Framework, *, rng: Seed = None
) -> Population:
    """Read a population from a table, from a TOML file that declares one, or a shipped one.

    Parameters
    ----------
    path : a .csv, .xlsx, .parquet or .toml file; or the name of a shipped population: "trial",
        "au-aged-care", "cms-hospitals".
        Enterprises that are loaded already are handed back
    rng : seed or generator, for a declared population that is generated and states no seed

    Raises
    ------
    InputError
        With every fault by cell or key.
    """
    expect("load_population(path, framework)", framework=(framework, Framework))
    if not isinstance(path, str | os.PathLike):
        return path
    file = _shipped(path) or Path(path)
    if file.suffix.lower() != ".toml":
        return read_population(file, framework)
    return resolve_population(
        PopulationSpec(file=str(file)), framework, Path(), lambda p: None, rng=rng
    )


def _shipped(path: str | Path, folder: Path = Path()) -> Path | None:
    """Return the file of a shipped population that goes by its name, None for any other path."""
    files = sorted(shipped_data().glob("**/*.toml"))
    shipped = {p.stem: p for p in files if p.stem == p.parent.name}
    return shipped_file(path, shipped, "population.no_such", folder=folder)


def resolve_population(
    spec: PopulationSpec,
    framework: Framework,
    folder: Path,
    note_file: Callable[[Path], object],
    *,
    rng: Seed = None,
) -> Population:
    """Read or generate a declared population.

    Parameters
    ----------
    folder : relative file names start here
    note_file : called with every file that is read, for the manifest
    rng : used where ``generate`` states no seed of its own
    """
    if spec.generate is not None:
        entry = spec.generate
        like = None
        if entry.like is not None:
            inner = PopulationSpec(file=entry.like)
            like = resolve_population(inner, framework, folder, note_file, rng=rng)
        generator = np.random.default_rng(entry.seed if entry.seed is not None else rng)
        return generate_population(
            framework, entry.n, like=like, general=entry.general, pillar=entry.pillar,
            capability=entry.capability, label=spec.label, rng=generator,
        )  # fmt: skip
    return _resolve_file(spec, framework, folder, note_file, rng, ())


def _resolve_file(
    spec: PopulationSpec,
    framework: Framework,
    folder: Path,
    note_file: Callable[[Path], object],
    rng: Seed,
    above: tuple[Path, ...],
) -> Population:
    """Follow population files down to a table; ``above`` are those that led here."""
    path = _shipped(str(spec.file), folder) or folder / str(spec.file)
    if path.suffix.lower() != ".toml":
        note_file(path)
        mapping = None if spec.mapping is None else folder / spec.mapping
        if mapping is not None:
            note_file(mapping)
        found = read_population(
            path, framework, kind=spec.values, sheet=spec.sheet, attributes=spec.attributes,
            label=spec.label, synthetic=spec.synthetic, mapping=mapping,
        )  # fmt: skip
        return replace(found, one_of_many=spec.one_of_many)
    document = read_toml(path)
    if path.resolve() in above:
        raise InputError(message("faults.file_the_population_files_name", path=path))
    note_file(path)
    inner = parse_model(PopulationSpec, document, str(path))
    if inner.framework not in (None, framework.code):
        raise InputError(
            message(
                "faults.framework_the_population_is_for",
                path=path,
                framework=repr(inner.framework),
                code=framework.code,
            )
        )
    inner = _outer_words(spec, inner)
    if inner.generate is not None:
        return resolve_population(inner, framework, path.parent, note_file, rng=rng)
    above = (*above, path.resolve())
    return _resolve_file(inner, framework, path.parent, note_file, rng, above)


def _outer_words(outer: PopulationSpec, inner: PopulationSpec) -> PopulationSpec:
    """Return a population file as the one who names it sees it: under its label, if it has one.

    What is synthetic, or one of many, stays so.
    """
    said = {k: getattr(inner, k) or getattr(outer, k) for k in ("synthetic", "one_of_many")}
    return inner.model_copy(update={"label": outer.label or inner.label, **said})
