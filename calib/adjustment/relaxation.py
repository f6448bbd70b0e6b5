"""Caps that cannot be met under floor and order: what can be met, and the price of each way out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from calib.adjustment.adjust_request import ResolvedRequest
from calib.adjustment.adjusting import space_of
from calib.adjustment.before_and_after import measure_table
from calib.adjustment.solve import solve
from calib.adjustment.variables import Space
from calib.errors import ConvergenceError, InfeasibleError, InputError, NotFoundError
from calib.outcomes.dominance.moments import Moments, complete_scores, moments_of
from calib.rating import Scored
from calib.report import Column, Role, Table
from calib.weights import WeightSet
from calib.words import Text, joined, message

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Relaxation", "Relaxed", "relax", "with_relaxation"]

_HALVINGS = 7
_STEP = 0.001
"""Caps that can be met are stated on this grid."""
_GRID_STEPS, _GRID_ROOM = 8, 0.002
"""How often, and by how much, caps are raised further where the grid of weights needs it."""
Found = TypeVar("Found")


@dataclass(frozen=True)
class Relaxation:
    """One way to meet what is asked.

    Attributes
    ----------
    way : "free_order" (siblings may change places), "lower_floor", "neither" (neither floor nor
        order), "higher_caps"
    value : the floor or the factor on the caps that it takes; NaN for order
    caps : the caps met, by measure
    distance : from the starting weights to the nearest ones, over all tracks
    """

    way: str
    value: float
    caps: Mapping[str, float]
    distance: float


@dataclass(frozen=True)
class Relaxed:
    """A request whose caps can be met, in place of one whose caps cannot.

    Attributes
    ----------
    spec : the request with higher caps, under the same floor and order
    ways : what would meet the caps asked, and the higher caps
    proven : whether it is proven that no weights meet the caps asked, or none were found
    """

    spec: ResolvedRequest
    ways: tuple[Relaxation, ...]
    proven: bool

    def sentence(self) -> Text:
        """Say what can be met."""
        asked, met = _caps(self.spec.asked), _caps(self.spec.caps)
        kept: list[Text] = []
        if self.spec.least:
            kept.append(message("adjustment.relaxed_floor", floor=self.spec.least))
        if self.spec.keep_order:
            kept.append(message("adjustment.relaxed_order"))
        conditions = joined(kept, message("adjustment.relaxed_and"))
        if self.proven:
            return message("adjustment.relaxed_proven", asked=asked, met=met, kept=conditions)
        return message("adjustment.relaxed_unfound", asked=asked, met=met, kept=conditions)

    def table(self) -> Table:
        """Return the ways out and their price."""
        return Table("relaxations", self._frame(), message("adjustment.table.relaxations"),
                     declared=_COLUMNS)  # fmt: skip

    def _frame(self) -> pd.DataFrame:
        import pandas as pd

        rows = [
            (w.way, w.value, max(w.caps.values()), w.distance, w.way == "higher_caps")
            for w in self.ways
        ]
        return pd.DataFrame(
            rows, columns=["relaxation", "relaxed_to", "largest_cap", "euclidean", "in_force"]
        )


def _caps(caps: Mapping[str, float]) -> Text:
    return joined(
        message("adjustment.asked_cap", measure=message(f"adjustment.measure.{m}"), cap=f"{c:g}")
        for m, c in caps.items()
    )


_COLUMNS = (
    Column("relaxation", Role.GROUP, coded="word"),
    Column("relaxed_to", Role.STATISTIC),
    Column("largest_cap", Role.STATISTIC),
    Column("in_force", Role.FLAG),
)


def relax(
    weights: WeightSet,
    space: Space,
    spec: ResolvedRequest,
    moments: Mapping[str, Moments],
    *,
    proven: bool,
) -> Relaxed | None:
    """Find what can be met in place of caps that cannot be met under floor and order.

    Parameters
    ----------
    weights : starting weights
    space, moments : variables and moments of the adjustment
    spec : the request, whose caps were not met
    proven : whether that no weights meet them is proven

    Returns
    -------
    None where it is not floor and order that stand in the way.

    Notes
    -----
    The lowest floor and the lowest common factor on the caps are found by halving, each step an
    adjustment by itself: a factor is overstated where the search misses weights that exist.
    """

    def reach(one: ResolvedRequest) -> float | None:
        """Return the distance of the nearest weights; None where there are none."""
        try:
            found = solve(space, one.quick(), moments, rng=0)
        except (InfeasibleError, NotFoundError, ConvergenceError, InputError):
            return None
        return _distance(space, found.local)

    if not spec.caps or not (spec.least or spec.keep_order) or reach(spec) is not None:
        return None
    free = reach(spec.free())
    if free is None:
        return None
    ways = [
        *_without_order(spec, reach),
        *_with_lower_floor(spec, reach),
        Relaxation("neither", 0.0, spec.caps, free),
    ]
    higher = _with_higher_caps(weights, spec, moments, reach)
    if higher is None:
        return None
    return Relaxed(replace(spec, caps=higher.caps), (*ways, higher), proven)


def with_relaxation(
    weights: WeightSet,
    scored: Scored,
    spec: ResolvedRequest,
    run: Callable[[ResolvedRequest], Found],
) -> tuple[Found, Relaxed | None]:
    """Run an adjustment, under caps that can be met where floor and order forbid those asked.

    Raises
    ------
    InfeasibleError, NotFoundError
        Where it is not floor and order that stand in the way.
    """
    try:
        return run(spec), None
    except (InfeasibleError, NotFoundError) as failed:
        scores, _ = complete_scores(scored, weights)
        moments = {t: moments_of(X) for t, X in scores.items() if len(X)}
        space = space_of(weights, list(moments), spec.depths)
        # Caps on variance shares are not convex: a search that ends without weights proves nothing.
        proven = isinstance(failed, InfeasibleError)
        relaxed = relax(weights, space, spec, moments, proven=proven)
        if relaxed is None:
            raise
        # The grid may need a little more room than weights off it.
        for more in range(_GRID_STEPS):
            caps = {m: round(c + more * _GRID_ROOM, 6) for m, c in relaxed.spec.caps.items()}
            higher = replace(relaxed, spec=replace(relaxed.spec, caps=caps))
            try:
                return run(higher.spec), higher
            except (InfeasibleError, NotFoundError):
                continue
        raise


_Reach = Callable[[ResolvedRequest], float | None]


def _without_order(spec: ResolvedRequest, reach: _Reach) -> list[Relaxation]:
    if not spec.keep_order:
        return []
    distance = reach(replace(spec, keep_order=False))
    return [] if distance is None else [Relaxation("free_order", float("nan"), spec.caps, distance)]


def _with_lower_floor(spec: ResolvedRequest, reach: _Reach) -> list[Relaxation]:
    if not spec.least:
        return []
    best = reach(replace(spec, least=0.0))
    if best is None:
        return []
    low, high, distance = 0.0, spec.least, best
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        found = reach(replace(spec, least=middle))
        if found is None:
            high = middle
        else:
            low, distance = middle, found
    return [Relaxation("lower_floor", low, spec.caps, distance)]


def _with_higher_caps(
    weights: WeightSet,
    spec: ResolvedRequest,
    moments: Mapping[str, Moments],
    reach: _Reach,
) -> Relaxation | None:
    table = measure_table(weights, weights, moments, spec.on)
    top = max(float(table[f"{m}_before"].max()) / c for m, c in spec.caps.items())

    def caps(factor: float) -> dict[str, float]:
        up = {m: np.ceil(c * factor / _STEP - 1e-9) * _STEP for m, c in spec.caps.items()}
        return {m: min(round(float(c), 6), 1.0) for m, c in up.items()}

    low, high = 1.0, max(top, 1.0) + _STEP
    best = reach(replace(spec, caps=caps(high)))
    if best is None:
        return None
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        found = reach(replace(spec, caps=caps(middle)))
        if found is None:
            low = middle
        else:
            high, best = middle, found
    return Relaxation("higher_caps", high, caps(high), best)


def _distance(space: Space, local: Mapping[str, np.ndarray]) -> float:
    z = [b.track.global_weights(local[b.track.code])[b.nodes] for b in space.blocks]
    return float(np.linalg.norm(np.concatenate(z) - space.start))
