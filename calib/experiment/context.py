"""What a run knows while it works: the framework, the population, and the sets made so far."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from calib._streams import stream
from calib.errors import Fault, InputError
from calib.files.inputs import note_digest
from calib.framework import Framework, RuleOptions
from calib.population import Population
from calib.rating import Rating, Scored
from calib.shifts import Grown
from calib.weights import Weighed, WeightSet
from calib.words import Text, message

__all__ = ["Context", "InputLog"]


@dataclass(frozen=True, eq=False)
class InputLog:
    """The files that a run has read: where relative names start, and SHA-256 by shown name."""

    folder: Path
    file: str
    hashes: dict[str, str] = field(default_factory=dict)

    def path(self, name: str) -> Path:
        """Return a file named in the experiment, and note its hash for the manifest.

        Raises
        ------
        InputError
            When there is no such file.
        """
        path = Path(name) if Path(name).is_absolute() else self.folder / name
        if not path.is_file():
            raise InputError(
                [
                    Fault(
                        self.file,
                        "",
                        message("faults.no_such_file", name=repr(name)),
                        expected=message("faults.a_file_at", path=path),
                    )
                ]
            )
        self.note(path)
        return path

    def note(self, path: Path) -> None:
        """Note the hash of an input file."""
        if path.is_file():
            note_digest(self.hashes, _shown(path, self.folder), path)


@dataclass(eq=False)
class Context:
    """The state of a run, handed to sources and outcome analyses.

    Attributes
    ----------
    log : the files read so far
    results : sets made so far, in the order of making
    ratings : the rating of every set (for outcome analyses)
    workers : how many threads or processes an analysis may use
    scheduler : address of a Dask scheduler, or None
    tick : called with a text when a step of long work is done
    requires : by set, the sets that it builds on
    protocol : what is known of when rules and methods were set; None without a locked protocol
    """

    framework: Framework
    population: Population
    scored: Scored
    rule_options: RuleOptions
    baseline: str
    seed: int
    log: InputLog
    results: dict[str, Weighed] = field(default_factory=dict)
    ratings: dict[str, Rating] = field(default_factory=dict)
    workers: int = 1
    scheduler: str | None = None
    tick: Callable[[str], None] = lambda text: None
    requires: Mapping[str, Sequence[str]] = field(default_factory=dict)
    protocol: Text | None = None

    def __repr__(self) -> str:
        return f"<Context of {self.file!r}: {len(self.results)} sets made>"

    @property
    def file(self) -> str:
        """The experiment file, as named by the user."""
        return self.log.file

    def rng(self, name: str) -> np.random.Generator:
        """Return a generator that depends on the run's seed and on ``name`` only.

        So adding a set to an experiment does not change the draws of another.
        """
        return stream(self.seed, name)

    def path(self, name: str) -> Path:
        """Return a file named in the experiment, and note its hash; see :class:`InputLog`."""
        return self.log.path(name)

    def set(self, name: str) -> WeightSet:
        """Return a weight set made earlier, by its name (``rounds/2`` for a further set)."""
        return self.sets()[name]

    def sets(self) -> dict[str, WeightSet]:
        """Return all weight sets made so far, further ones under ``name/suffix``."""
        out: dict[str, WeightSet] = {}
        for name, result in self.results.items():
            out[name] = result.weights
            for suffix, weights in result.also.items():
                out[f"{name}/{suffix}"] = weights
        return out

    def behind(self, name: str) -> list[str]:
        """Return the sets that a set was made from, directly or not, and its own; it first."""
        found: dict[str, None] = {}
        waiting = [name]
        while waiting:
            own = waiting.pop(0).partition("/")[0]
            if own not in found:
                found[own] = None
                waiting += self.requires.get(own, ())
        return list(found)

    def scored_under(self, name: str) -> Scored:
        """Return the enterprises that a set rates: grown where its source says that they grow."""
        grown = self.grown(name)
        return self.scored if grown is None else grown.grow(self.scored)

    def grown(self, name: str) -> Grown | None:
        """Return how the enterprises have grown by the time of a set, None if they have not."""
        source, _, suffix = name.partition("/")
        known: Mapping[str, Grown] = getattr(self.results[source], "grown", {})
        return known.get(suffix)

    def said(self, name: str, label: str, lang: str) -> str:
        """Return a set's label with what its enterprises have become, where they grow."""
        grown = self.grown(name)
        if grown is None:
            return label
        shown = message("experiment.label_grown", label=label, grown=grown.label)
        return shown.get(lang)


def _shown(path: Path, folder: Path) -> str:
    """Return a path as seen from the experiment's folder, so that no machine's path is kept."""
    resolved, start = path.resolve(), folder.resolve()
    for up in (start, *start.parents[:2]):
        if resolved.is_relative_to(up):
            return resolved.relative_to(up).as_posix()
    return path.name
