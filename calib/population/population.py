"""Populations: enterprises by indicators on each track, as option answers or as scores."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from calib._types import FloatArray
from calib.framework import Framework, Track
from calib.words import Text, message

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Kind", "Labels", "Population", "Sample"]

Kind = Literal["answers", "scores"]
Labels = NDArray[np.object_]


@dataclass(frozen=True, eq=False)
class Sample:
    """The enterprises of one track.

    Attributes
    ----------
    ids, names : (n,) enterprise ids and names
    values : (n, L) option numbers 1 … k or scores, NaN where unanswered
    attributes : other columns (size, region …), n values each
    """

    track: Track
    ids: Labels
    names: Labels
    values: FloatArray
    attributes: Mapping[str, Labels] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"<Sample {self.track.code}: {len(self.ids)} enterprises>"

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, rows: NDArray[Any]) -> Sample:
        """Return some of the enterprises, by positions or by a mask."""
        return Sample(
            self.track,
            self.ids[rows],
            self.names[rows],
            self.values[rows],
            {k: v[rows] for k, v in self.attributes.items()},
        )


@dataclass(frozen=True, eq=False)
class Population:
    """Enterprises on the tracks of a framework.

    Attributes
    ----------
    samples : by track; a track without enterprises is left out
    kind : whether values are option answers or scores
    synthetic : no real enterprise is in it; shown wherever the population is
    digest : SHA-256 of the file, or of the contents
    notes : what reading it had to decide
    one_of_many : others agree as well with what is known; see :func:`calib.load_ensemble`
    """

    framework: Framework
    samples: Mapping[str, Sample]
    kind: Kind
    label: str = ""
    synthetic: bool = False
    digest: str = ""
    notes: tuple[Text, ...] = ()
    one_of_many: bool = False

    def __post_init__(self) -> None:
        if not self.digest:
            object.__setattr__(self, "digest", _digest(self))

    def __len__(self) -> int:
        return sum(len(s) for s in self.samples.values())

    def __repr__(self) -> str:
        sizes = ", ".join(f"{t} {len(s)}" for t, s in self.samples.items())
        made_up = f"; {message('population.synthetic')}" if self.synthetic else ""
        return f"<Population {self.label!r}: {len(self)} ({sizes}), {self.kind}{made_up}>"

    @classmethod
    def from_frame(cls, frame: pd.DataFrame, framework: Framework, **options: Any) -> Population:
        """Build a population from a DataFrame; see :func:`calib.population.parse_population`.

        Faults name its rows by position, the first one 0.
        """
        from calib.population.parse import parse_population
        from calib.tables import RawTable, check_header

        plain = frame.reset_index(drop=True).astype(object).where(frame.notna().to_numpy(), "")
        plain.columns = plain.columns.map(str)
        table = RawTable(plain, "DataFrame", first_row=0)
        check_header(table)
        return parse_population(table, framework, **options)

    def frame(self) -> pd.DataFrame:
        """Return the wide table: enterprise, name, track, attributes, one column an indicator."""
        import pandas as pd

        leaves = list(dict.fromkeys(c for s in self.samples.values() for c in s.track.leaf_codes))
        parts = []
        for t, s in self.samples.items():
            head = {"enterprise": s.ids, "name": s.names, "track": t, **s.attributes}
            body = dict(zip(s.track.leaf_codes, s.values.T, strict=True))
            parts.append(pd.DataFrame({**head, **body}))
        whole = pd.concat(parts, ignore_index=True)
        return whole[[c for c in whole.columns if c not in leaves] + leaves]

    def under(self, framework: Framework) -> Population:
        """Return the same enterprises under a framework of the same trees with another rule.

        Raises
        ------
        InputError
            When the trees differ.
        """
        self.framework.same_trees(framework)
        samples = {t: replace(s, track=framework.tracks[t]) for t, s in self.samples.items()}
        return replace(self, framework=framework, samples=samples, digest="")

    def take(self, rows: Mapping[str, NDArray[Any]]) -> Population:
        """Return some of the enterprises of each track named in ``rows``."""
        samples = {t: self.samples[t].take(r) for t, r in rows.items()}
        return Population(self.framework, samples, self.kind, self.label, self.synthetic)


def _digest(population: Population) -> str:
    state = hashlib.sha256(f"{population.framework.digest} {population.kind}".encode())
    for t, s in population.samples.items():
        state.update(f"{t} {s.values.shape}".encode())
        state.update("\x1f".join(map(str, s.ids)).encode())
        state.update(np.ascontiguousarray(s.values).tobytes())
    return state.hexdigest()
