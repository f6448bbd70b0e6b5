"""Caps on shares of the variance of the total: the nearest weights under which none exceeds them.

C_l = z_l (Σz)_l / z'Σz under a cap is a quadratic constraint, and not a convex one, so that there
may be several nearest points. The solver starts from many places, polishes each stop to a KKT point
of rounding accuracy, and reports how many starts converged and how many distinct optima they met.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from calib._types import FloatArray, Seed
from calib.adjustment.constraints import Rows, full_rank
from calib.adjustment.nearest import Certificate, nearest_weights
from calib.adjustment.variance_search import (
    FEASIBLE,
    CapProblem,
    KktPoint,
    ShareCap,
    descend,
    half_square,
    lower_excess,
    polish,
    project_linear,
    walk_back,
)
from calib.errors import ConvergenceError, NotFoundError
from calib.words import Text, joined, message

__all__ = ["VarianceCapped", "nearest_under_share_cap"]


_SAME = 1e-6
_PATIENCE = 24
"""Further random starts where no start led under the caps."""
_BRIEF = 8
"""The same, for one of many draws."""


@dataclass(frozen=True, slots=True)
class VarianceCapped:
    """Nearest weights found under caps on variance shares.

    Parameters
    ----------
    z : (q,) best weights found
    objective : float
        ½‖z - start‖².
    certificate : Certificate
        Of a local optimum; ``unique`` is False, as the problem is not convex.
    row_prices : (r,) multipliers of the linear demands
    cap_prices : (c,) shadow prices of the caps, over all tracks
    cap_labels : (c,)
    starts : int
        Starting points tried.
    converged : int
        Starts that ended in a KKT point.
    optima : tuple of float
        Objectives of the distinct local optima, best first.
    """

    z: FloatArray
    objective: float
    certificate: Certificate
    row_prices: FloatArray
    cap_prices: FloatArray
    cap_labels: tuple[str, ...]
    starts: int
    converged: int
    optima: tuple[float, ...]


def nearest_under_share_cap(
    start: FloatArray,
    rows: Rows,
    equal: FloatArray,
    value: FloatArray,
    caps: Sequence[ShareCap],
    *,
    starts: Sequence[FloatArray] = (),
    random_starts: int = 8,
    brief: bool = False,
    rng: Seed = None,
) -> VarianceCapped:
    """Find the nearest weights under linear demands and caps on variance shares.

    Parameters
    ----------
    start : (q,) starting weights
    rows, equal, value : linear demands and equalities
    caps : caps on shares, one entry a track
    starts : further starting points, e.g. weights with equal variance shares
    random_starts : int
        Random points tried besides, projected onto the linear demands: every other one uniform on
        the simplex, every other one a perturbation of the starting weights.
    brief : bool
        For one of many draws: look for a point under the caps before any search for the nearest
        one, which is quicker where there often is none; with fewer random points to find one, with
        one optimum only (the best), and without saying which demands contradict each other.
    rng : seed or generator

    Returns
    -------
    VarianceCapped
        Never farther from the start than any feasible starting point given.

    Raises
    ------
    InfeasibleError
        The linear demands contradict each other, which a linear programme proves.
    NotFoundError
        No start led to weights under the caps. The problem is not convex: this is no proof that
        there are none. The message gives the lowest excess that was reached, and where.
    ConvergenceError
        Feasible weights exist but no start converged to a KKT point.
    """
    equal, value = full_rank(equal, value)
    problem = CapProblem(start, rows, equal, value, tuple(caps))
    linear = nearest_weights(start, rows, equal, value, explain=not brief)
    if problem.violation(linear.z) <= FEASIBLE:
        # The linear optimum meets the caps: it is the global optimum of the larger problem too.
        point = KktPoint(
            linear.z, linear.multipliers, np.zeros(len(_labels(caps))), linear.certificate
        )
        return _result(point, problem, 1, [point])
    generator = np.random.default_rng(rng)
    points = _starting_points(problem, linear.z, starts, random_starts, generator)
    patience = _BRIEF if brief else _PATIENCE
    if brief and min(problem.violation(z) for z in points) > FEASIBLE:
        inside, _ = _reach(problem, points, generator, patience)
        points += [inside, walk_back(problem, inside, linear.z)]
    found = _optima(problem, points, brief)
    if not found:
        inside, tried = _reach(problem, points, generator, patience)
        points = [*tried, inside, walk_back(problem, inside, linear.z)]
        found = _optima(problem, points[-2:], brief)
        if not found:
            raise ConvergenceError(message("adjustment.fault.no_optimum"))
    found.sort(key=lambda p: half_square(p.z, start))
    best = found[0]
    bar = min(
        (half_square(z, start) for z in points if problem.violation(z) <= FEASIBLE), default=np.inf
    )
    if half_square(best.z, start) > bar + 1e-9:
        raise ConvergenceError(message("adjustment.fault.no_improvement"))
    return _result(best, problem, len(points), found)


def _optima(problem: CapProblem, points: Sequence[FloatArray], brief: bool) -> list[KktPoint]:
    """Search from each point and polish the stops; if brief, the nearest that can be."""
    stops = [z for p in points if (z := descend(problem, p)) is not None]
    if not brief:
        return [p for z in stops if (p := polish(problem, z)) is not None]
    stops.sort(key=lambda z: half_square(z, problem.start))
    return next(([p] for z in stops if (p := polish(problem, z)) is not None), [])


def _reach(
    problem: CapProblem,
    points: Sequence[FloatArray],
    generator: np.random.Generator,
    patience: int,
) -> tuple[FloatArray, list[FloatArray]]:
    """Lower the excess from the starts given, then from random ones, to a point under the caps.

    Returns
    -------
    (z, starts tried)

    Raises
    ------
    NotFoundError
        With the lowest excess that was reached.
    """
    tried: list[FloatArray] = []
    lowest, where = np.inf, problem.start
    for z0 in chain(points, _random_points(problem, patience, generator)):
        excess, z = lower_excess(problem, z0)
        tried.append(z0)
        if excess < lowest:
            lowest, where = excess, z
        if lowest <= FEASIBLE:
            return where, tried
    raise NotFoundError(_not_found(problem, lowest, where, len(tried)))


def _labels(caps: Sequence[ShareCap]) -> tuple[str, ...]:
    return tuple(label for c in caps for label in c.labels)


def _not_found(problem: CapProblem, excess: float, z: FloatArray, starts: int) -> Text:
    labels = _labels(problem.caps)
    tight = [labels[i] for i in np.flatnonzero(problem.excess(z) > excess - 1e-6)]
    binding = [
        label
        for label, slack in zip(problem.rows.labels, problem.rows.slack(z), strict=True)
        if slack < 1e-8
    ]
    over = f"{excess:.4f}" if excess >= 5e-5 else f"{excess:.1e}"
    between = message("words.semicolon")
    said: list[Text] = [
        message("adjustment.unfound.best", starts=starts, over=over,
                caps=joined(tight[:6], between))
    ]  # fmt: skip
    if binding:
        said.append(message("adjustment.unfound.binding",
                            constraints=joined(binding[:12], between)))  # fmt: skip
    kept = len(problem.value) - len(problem.caps)
    if kept > 0:
        said.append(message("adjustment.unfound.kept", n=kept))
    return joined([*said, message("adjustment.unfound.remedy")], message("words.next_sentence"))


def _starting_points(
    problem: CapProblem,
    linear: FloatArray,
    given: Sequence[FloatArray],
    random_starts: int,
    generator: np.random.Generator,
) -> list[FloatArray]:
    inside = [p for z in given if (p := project_linear(problem, z)) is not None]
    points = [linear, *inside, *_random_points(problem, random_starts, generator)]
    extra = [walk_back(problem, z, linear) for z in points[1:] if problem.violation(z) <= FEASIBLE]
    return points + extra


def _random_points(
    problem: CapProblem, count: int, generator: np.random.Generator
) -> Iterator[FloatArray]:
    """Draw points that meet the linear demands: uniform ones and ones around the start in turn."""
    q, start = len(problem.start), problem.start
    for i in range(count):
        draw = generator.exponential(size=q)
        draw = start * draw if i % 2 else draw * start.sum() / q
        z = project_linear(problem, draw)
        if z is not None:
            yield z


def _result(
    best: KktPoint, problem: CapProblem, starts: int, found: Sequence[KktPoint]
) -> VarianceCapped:
    distinct: list[KktPoint] = []
    for p in found:
        if all(np.abs(p.z - other.z).max() > _SAME for other in distinct):
            distinct.append(p)
    return VarianceCapped(
        best.z,
        half_square(best.z, problem.start),
        best.certificate,
        best.row_price,
        best.cap_price,
        _labels(problem.caps),
        starts,
        len(found),
        tuple(half_square(p.z, problem.start) for p in distinct),
    )
