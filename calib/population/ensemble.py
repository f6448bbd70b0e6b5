"""Ensembles: several samples that are equally compatible with what is known."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from calib.errors import InputError
from calib.files.inputs import note_input
from calib.files.shipped import shipped_data, shipped_file
from calib.framework import Framework
from calib.population.declared import load_population
from calib.population.population import Population, Sample
from calib.requests import expect
from calib.words import Label, Text, message

__all__ = ["Ensemble", "has_ensemble", "load_ensemble"]


@dataclass(frozen=True, eq=False)
class Ensemble:
    """Several samples, each of which could be the one that was observed.

    Attributes
    ----------
    members : populations of one framework, with as many enterprises in each track
    scheme : by which distribution they were drawn
    digest : SHA-256 of what they were read from
    example : a further sample that is shown where one has to stand for all
    """

    framework: Framework
    members: tuple[Population, ...]
    label: str
    scheme: Text
    digest: str
    example: Population | None = None

    def __len__(self) -> int:
        return len(self.members)

    def __getitem__(self, number: int) -> Population:
        return self.members[number]

    def __iter__(self) -> Iterator[Population]:
        return iter(self.members)

    def __repr__(self) -> str:
        sizes = ", ".join(f"{t} {len(s)}" for t, s in self.members[0].samples.items())
        return f"<Ensemble {self.label!r}: {len(self)} samples of {len(self.members[0])} ({sizes})>"

    def first(self, number: int) -> Ensemble:
        """Return the first members only.

        Raises
        ------
        InputError
            When there are not so many.
        """
        if not 1 <= number <= len(self):
            raise InputError(message("population.ensemble_size", n=number, most=len(self)))
        return replace(self, members=self.members[:number])


def load_ensemble(name: str, framework: Framework, *, n: int | None = None) -> Ensemble:
    """Read a shipped ensemble: ``"trial"``, samples that meet every published aggregate.

    Parameters
    ----------
    name : of the ensemble, or the path of a CSV with columns sample, track and answers (a digit
        an item, in the order of the track's indicators)
    framework : the framework of its answers
    n : only the first members; all of them if None

    Raises
    ------
    InputError
        For a name that is none, or lines that do not fit the framework.
    """
    expect("load_ensemble(name, framework)", framework=(framework, Framework))
    path = shipped_file(name, _shipped(), "population.no_ensemble") or Path(name)
    note_input(path)
    text = path.read_text(encoding="ascii")
    digest = hashlib.sha256(text.encode()).hexdigest()
    label = Label.of(message("population.ensemble_label", name=name))
    members = _members(text.splitlines()[1:], framework, path.name, label)
    scheme = message("population.ensemble_scheme", file=f"{path.name}")
    example = path.with_name(f"{path.parent.name}.toml")
    shown = load_population(example, framework) if has_ensemble(name) and example.exists() else None
    whole = Ensemble(framework, members, label, scheme, digest, shown)
    return whole if n is None else whole.first(n)


def has_ensemble(name: str) -> bool:
    """Return whether an ensemble of this name is shipped."""
    return name in _shipped()


def _shipped() -> dict[str, Path]:
    return {p.parent.name: p for p in sorted(shipped_data().glob("*/ensemble.csv"))}


def _members(
    lines: list[str], framework: Framework, file: str, label: Label
) -> tuple[Population, ...]:
    rows: dict[str, dict[str, list[str]]] = {}
    for place, line in enumerate(lines, start=2):
        parts = line.split(",")
        track = framework.tracks.get(parts[1]) if len(parts) == 3 else None
        if track is None or len(parts[2]) != len(track.leaves) or not parts[2].isdigit():
            raise InputError(message("population.ensemble_line", file=file, line=place))
        rows.setdefault(parts[0], {}).setdefault(parts[1], []).append(parts[2])
    out = []
    for number, tracks in rows.items():
        samples = {}
        for code, answers in tracks.items():
            values = np.array([[int(d) for d in a] for a in answers], dtype=float)
            ids = np.array([f"{code[0].upper()}{i:02d}" for i in range(1, len(answers) + 1)])
            names = ids.astype(object)
            samples[code] = Sample(framework.tracks[code], names, names.copy(), values)
        numbered = Label(f"{label} {number}", f"{label.get('zh')} {number}")
        out.append(Population(framework, samples, "answers", numbered, synthetic=True))
    return tuple(out)
