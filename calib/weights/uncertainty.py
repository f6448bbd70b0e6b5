"""Where the uncertainty of a weight set comes from: draws of the whole procedure, by root.

A *root* is something that could have come out otherwise: the experts of a panel, the ballots of a
survey, the enterprises of a trial. Replicate ``i`` of a root is one such other outcome. A
procedure that starts from roots (pooling, blending, adjusting, rounding) is repeated under
replicates of all of them; sets that share a root are drawn under the same replicate, so their
draws are paired, and different roots are independent of each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from calib._types import FloatArray, IntArray
from calib.errors import InputError
from calib.words import Text, message

if TYPE_CHECKING:
    from calib.weights.weightset import WeightSet

__all__ = ["DECIDED", "Local", "Plan", "Root", "Uncertainty", "derive", "from_table"]

Local = Mapping[str, FloatArray]
"""Local weights by track: (m,) of one set, (k, m) of draws."""
Plan = Mapping[str, IntArray]
"""By the key of a root, (k,) numbers of replicates; -1 holds the root at what was observed."""
DECIDED = -1
"""The number of the replicate that is what was observed."""


@dataclass(frozen=True)
class Root:
    """Something that was sampled and could have come out otherwise.

    Attributes
    ----------
    key : identity of the data; two sets with a root of one key rest on the same data
    kind : ``"panel"``, ``"survey"``, ``"population"`` or another word
    label : shown to readers
    stream : names the sequence of replicates; sets of one root are paired within one stream only
    units : how many experts, ballots or enterprises were sampled; None where it is not known
    """

    key: str
    kind: str
    label: Text
    stream: str
    units: float | None = None


@dataclass(frozen=True, eq=False)
class Uncertainty:
    """How a set's weights vary: its roots, and the procedure as a function of their replicates.

    Attributes
    ----------
    roots : by key
    size : how many replicates there are of every root
    make : from a plan of (k,) replicates by root to local weights (k, m) by track
    """

    roots: Mapping[str, Root]
    size: int
    make: Callable[[Plan], Local]

    def plan(
        self, free: Iterable[str] | None = None, size: int | None = None
    ) -> dict[str, IntArray]:
        """Return the plan that goes through the replicates in order.

        Parameters
        ----------
        free : keys of the roots that vary; all of them if None. The others stay as observed
        size : how many draws; ``self.size`` if None, which is also the most there are
        """
        k = self.size if size is None else min(size, self.size)
        chosen = set(self.roots) if free is None else set(free)
        return {key: np.arange(k) if key in chosen else np.full(k, DECIDED) for key in self.roots}

    def draws(self, free: Iterable[str] | None = None, size: int | None = None) -> Local:
        """Return local weights (k, m) by track when the roots ``free`` vary."""
        return self.make(self.plan(free, size))


def from_table(root: Root, point: Local, draws: Local) -> Uncertainty:
    """Return the uncertainty of a set whose replicates are at hand.

    Parameters
    ----------
    point : (m,) by track, what the root gives as observed
    draws : (k, m) by track, what its replicates give
    """
    table = {t: np.vstack([draws[t], point[t]]) for t in point}  # row -1 is the point

    def make(plan: Plan) -> Local:
        return {t: values[plan[root.key]] for t, values in table.items()}

    return Uncertainty({root.key: root}, len(next(iter(draws.values()))), make)


def derive(
    sets: Sequence[WeightSet],
    procedure: Callable[[Sequence[Local], Plan], Local],
    *,
    own: Root | None = None,
    size: int | None = None,
) -> Uncertainty | None:
    """Return the uncertainty of a set that a procedure makes from others.

    Parameters
    ----------
    sets : what the procedure starts from; those without draws stay as they are
    procedure : from draws (k, m) by track of every set, and the plan, to draws of the new set
    own : a root that the procedure brings in itself, for instance the enterprises of a trial
    size : how many replicates ``own`` has

    Returns
    -------
    None where nothing varies.

    Raises
    ------
    InputError
        When two sets rest on the same data but were drawn in different streams, so that their
        draws cannot be paired.
    """
    known = [s.uncertainty for s in sets if s.uncertainty is not None]
    roots: dict[str, Root] = {}
    for root in [r for u in known for r in u.roots.values()] + ([own] if own else []):
        first = roots.setdefault(root.key, root)
        if first.stream != root.stream:
            raise InputError(message("weights.unpaired", root=root.label))
    if not roots:
        return None
    sizes = [u.size for u in known] + ([size] if own and size else [])

    def make(plan: Plan) -> Local:
        k = len(next(iter(plan.values())))
        return procedure([under(s, plan, k) for s in sets], plan)

    return Uncertainty(roots, min(sizes), make)


def under(weights: WeightSet, plan: Plan, k: int) -> Local:
    """Return a set's local weights (k, m) by track under a plan."""
    if weights.uncertainty is None:
        return {t: np.broadcast_to(v, (k, len(v))) for t, v in weights.local.items()}
    return weights.uncertainty.make({key: plan[key] for key in weights.uncertainty.roots})
