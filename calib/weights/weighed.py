"""What every way to weights gives back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from calib.report import Drawing, Live, Note, Result, Table
from calib.weights.evidence import Evidence
from calib.weights.weightset import WeightSet
from calib.words import Text, message

__all__ = ["Weighed"]


@dataclass(frozen=True, eq=False, repr=False)
class Weighed(Result):
    """A weight set with what its method has to say.

    Attributes
    ----------
    weights : the set, with its draws and their roots where it has them
    also : further sets by suffix: rounds, years, other estimators
    files : text files by name that go with the result, such as a ledger
    """

    weights: WeightSet
    also: Mapping[str, WeightSet] = field(default_factory=dict)
    tables: Sequence[Table] = ()
    drawings: Sequence[Drawing] = ()
    notes: Sequence[Note] = ()
    files: Mapping[str, str] = field(default_factory=dict)

    def headline(self) -> Text:
        """Return the set's label and first-level weights."""
        weights = self.weights
        track = next(iter(weights.framework.tracks.values()))
        top = [
            f"{track.codes[i]} {weights.local[track.code][i]:.3g}" for i in track.at_depth(1)[:6]
        ]
        return message("weights.headline", label=weights.label, top=top)

    @property
    def names(self) -> Mapping[str, Text]:
        """Names of nodes, tracks and levels by code."""
        return self.weights.framework.names

    @property
    def live(self) -> Live:
        """What a published page knows of the weights: it says where they were changed."""
        return self.weights.live

    @property
    def evidence(self) -> Evidence:
        """What a decision needs to know of how the weights came about."""
        return Evidence()
