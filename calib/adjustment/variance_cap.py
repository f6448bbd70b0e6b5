"""Problem C: the nearest weights under which no indicator's variance share exceeds a cap.

A share C_l = z_l (Σz)_l / z'Σz under a cap is a quadratic demand, and not a convex one: there may
be several nearest points. The solver starts from many places, polishes each stop to a KKT point
of rounding accuracy, and reports how many distinct optima it met.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from calib._types import FloatArray, Seed
from calib.adjustment.nearest import Certificate, nearest_weights
from calib.adjustment.qp import Conflict, project
from calib.adjustment.rows import Rows
from calib.adjustment.share_cap import ShareCap
from calib.errors import ConvergenceError, InfeasibleError

__all__ = ["VarianceCapped", "lowest_share_cap", "nearest_under_share_cap"]

_SAME = 1e-6
_FEASIBLE = 1e-9


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


@dataclass(frozen=True, slots=True)
class _Problem:
    start: FloatArray
    rows: Rows
    equal: FloatArray
    value: FloatArray
    caps: tuple[ShareCap, ...]

    def excess(self, z: FloatArray) -> FloatArray:
        """Return shares minus caps, (c,)."""
        return np.concatenate([c.shares(z) - c.caps for c in self.caps])

    def jacobian(self, z: FloatArray) -> FloatArray:
        return np.concatenate([c.jacobian(z) for c in self.caps])

    def hessian(self, z: FloatArray, price: FloatArray) -> FloatArray:
        out = np.zeros((len(z), len(z)))
        at = 0
        for cap in self.caps:
            k = len(cap.caps)
            if np.any(price[at : at + k]):
                out += cap.hessian(z, price[at : at + k])
            at += k
        return out

    def violation(self, z: FloatArray) -> float:
        parts = (
            self.excess(z),
            -self.rows.slack(z),
            np.abs(self.equal @ z - self.value),
        )
        return float(max(p.max(initial=0.0) for p in parts))


@dataclass(frozen=True, slots=True)
class _Point:
    z: FloatArray
    row_price: FloatArray
    cap_price: FloatArray
    certificate: Certificate


def nearest_under_share_cap(
    start: FloatArray,
    rows: Rows,
    equal: FloatArray,
    value: FloatArray,
    caps: Sequence[ShareCap],
    *,
    starts: Sequence[FloatArray] = (),
    random_starts: int = 8,
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
        Random points of the simplex (projected onto the linear demands) tried besides.
    rng : seed or generator

    Returns
    -------
    VarianceCapped
        Never farther from the start than any feasible starting point given.

    Raises
    ------
    InfeasibleError
        The linear demands contradict each other, or no start led to weights under the caps; the
        message gives the lowest cap that was reached and what stands in the way.
    ConvergenceError
        Feasible weights exist but no start converged to a KKT point.
    """
    problem = _Problem(start, rows, equal, value, tuple(caps))
    linear = nearest_weights(start, rows, equal, value)
    if problem.violation(linear.z) <= _FEASIBLE:
        # The linear optimum meets the caps: it is the global optimum of the larger problem too.
        point = _Point(
            linear.z, linear.multipliers, np.zeros(len(_labels(caps))), linear.certificate
        )
        return _result(point, problem, 1, [point])
    points = _starting_points(problem, linear.z, starts, random_starts, rng)
    found = [p for z in points if (p := _descend(problem, z)) is not None]
    if not found:
        lowest = lowest_share_cap(start, rows, equal, value, caps, starts=points)
        if lowest[0] > _FEASIBLE:
            _raise_infeasible(problem, lowest)
        # A start under the caps after all: minimising the excess got where the descent did not.
        points += [lowest[1], _walk_back(problem, lowest[1], linear.z)]
        found = [p for z in points[-2:] if (p := _descend(problem, z)) is not None]
        if not found:
            raise ConvergenceError(
                "weights under the caps exist, but no search ended in an optimum"
            )
    found.sort(key=lambda p: _distance(p.z, start))
    best = found[0]
    bar = min(
        (_distance(z, start) for z in points if problem.violation(z) <= _FEASIBLE), default=np.inf
    )
    if _distance(best.z, start) > bar + 1e-9:
        raise ConvergenceError("no local search improved on a feasible starting point")
    return _result(best, problem, len(points), found)


def lowest_share_cap(
    start: FloatArray,
    rows: Rows,
    equal: FloatArray,
    value: FloatArray,
    caps: Sequence[ShareCap],
    *,
    starts: Sequence[FloatArray],
) -> tuple[float, FloatArray]:
    """Return the smallest excess over the caps that local searches reach, and where.

    Parameters
    ----------
    starts : starting points

    Returns
    -------
    (excess, z)
        A non-positive excess means that the caps can be met.
    """
    from scipy.optimize import minimize

    problem = _Problem(start, rows, equal, value, tuple(caps))
    best, where = np.inf, start
    for z0 in starts:
        x0 = np.append(z0, problem.excess(z0).max())
        answer = minimize(
            lambda x: x[-1],
            x0,
            jac=lambda x: np.append(np.zeros(len(x) - 1), 1.0),
            method="SLSQP",
            constraints=_levelled(problem),
            options={"maxiter": 300, "ftol": 1e-12},
        )
        z = _project_linear(problem, np.asarray(answer.x[:-1], dtype=float))
        if z is not None and problem.excess(z).max() < best:
            best, where = float(problem.excess(z).max()), z
    return best, where


def _levelled(problem: _Problem) -> list[dict[str, object]]:
    """Return the demands on (z, t) under which t is at least every excess."""
    rows = problem.rows
    caps = sum(len(c.caps) for c in problem.caps)
    return [
        _ineq(
            lambda x: x[-1] - problem.excess(x[:-1]),
            lambda x: np.column_stack([-problem.jacobian(x[:-1]), np.ones(caps)]),
        ),
        _ineq(
            lambda x: rows.slack(x[:-1]),
            lambda x: np.column_stack([-rows.a, np.zeros(len(rows))]),
        ),
        {
            "type": "eq",
            "fun": lambda x: problem.equal @ x[:-1] - problem.value,
            "jac": lambda x: np.column_stack([problem.equal, np.zeros(len(problem.value))]),
        },
    ]


def _ineq(fun: object, jac: object) -> dict[str, object]:
    return {"type": "ineq", "fun": fun, "jac": jac}


def _labels(caps: Sequence[ShareCap]) -> tuple[str, ...]:
    return tuple(label for c in caps for label in c.labels)


def _distance(z: FloatArray, start: FloatArray) -> float:
    return 0.5 * float(np.sum((z - start) ** 2))


def _raise_infeasible(problem: _Problem, lowest: tuple[float, FloatArray]) -> None:
    excess, z = lowest
    labels = _labels(problem.caps)
    over = problem.excess(z)
    tight = [labels[i] for i in np.flatnonzero(over > excess - 1e-6)]
    binding = [
        label
        for label, slack in zip(problem.rows.labels, problem.rows.slack(z), strict=True)
        if slack < 1e-8
    ]
    msg = (
        f"no weights were found under these variance-share caps: the best of all starts still "
        f"exceeds them by {excess:.4f} (at {'; '.join(tight[:6])})."
    )
    if binding:
        msg += " Demands in the way: " + "; ".join(binding[:12]) + "."
    kept = len(problem.value) - len(problem.caps)
    if kept > 0:
        msg += f" {kept} equalities keep other levels or shared weights as they are."
    raise InfeasibleError(msg + " Raise the cap, loosen a demand, or let more levels move.")


def _project_linear(problem: _Problem, z: FloatArray) -> FloatArray | None:
    rows = problem.rows
    out = project(z, np.ones_like(z), rows.a, rows.b, problem.equal, problem.value)
    return None if isinstance(out, Conflict) else out.z


def _starting_points(
    problem: _Problem,
    linear: FloatArray,
    given: Sequence[FloatArray],
    random_starts: int,
    rng: Seed,
) -> list[FloatArray]:
    generator = np.random.default_rng(rng)
    points = [linear]
    for z in given:
        inside = _project_linear(problem, z)
        if inside is not None:
            points.append(inside)
    for _ in range(random_starts):
        draw = generator.exponential(size=len(linear)) * problem.start.sum() / len(linear)
        inside = _project_linear(problem, draw)
        if inside is not None:
            points.append(inside)
    extra = []
    for z in points[1:]:
        if problem.violation(z) <= _FEASIBLE:
            extra.append(_walk_back(problem, z, linear))
    return points + extra


def _walk_back(problem: _Problem, feasible: FloatArray, towards: FloatArray) -> FloatArray:
    """Walk from a feasible point towards the start until a cap stops it."""
    low, high = 0.0, 1.0
    for _ in range(40):
        mid = 0.5 * (low + high)
        if problem.violation(feasible + mid * (towards - feasible)) <= _FEASIBLE:
            low = mid
        else:
            high = mid
    return feasible + low * (towards - feasible)


def _descend(problem: _Problem, z0: FloatArray) -> _Point | None:
    """Search from one start and polish; None where it ends outside the caps."""
    from scipy.optimize import minimize

    rows, start = problem.rows, problem.start
    answer = minimize(
        lambda z: _distance(z, start),
        z0,
        jac=lambda z: z - start,
        method="SLSQP",
        constraints=[
            _ineq(lambda z: -problem.excess(z), lambda z: -problem.jacobian(z)),
            _ineq(rows.slack, lambda z: -rows.a),
            {"type": "eq", "fun": lambda z: problem.equal @ z - problem.value,
             "jac": lambda z: problem.equal},
        ],
        options={"maxiter": 300, "ftol": 1e-13},
    )  # fmt: skip
    z = np.asarray(answer.x, dtype=float)
    if not np.isfinite(z).all() or problem.violation(z) > 1e-4:
        return None
    return _polish(problem, z)


def _polish(problem: _Problem, z: FloatArray) -> _Point | None:
    """Newton steps as quadratic programmes on linearised caps, to a KKT point."""
    rows = problem.rows
    r, c = len(rows), len(problem.excess(z))
    price = np.zeros(c)
    point: _Point | None = None
    for _ in range(30):
        jac = problem.jacobian(z)
        excess = problem.excess(z)
        step = _newton_qp(problem, z, price, jac, excess)
        if step is None:
            return point
        new, row_price, price = step
        moved = float(np.abs(new - z).max())
        z = new
        point = _Point(z, row_price, price, _certificate(problem, z, row_price, price))
        if point.certificate.residual < 1e-13 or moved < 1e-15:
            break
    if point is None or point.certificate.residual > 1e-9 or r + c == 0:
        return None
    return point


def _newton_qp(
    problem: _Problem, z: FloatArray, price: FloatArray, jac: FloatArray, excess: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray] | None:
    """Solve min ½ d'Hd + (z-start)'d under linearised demands; H the Lagrangian's Hessian.

    H is made positive definite on the way if need be, which costs speed only, not the answer.
    """
    rows = problem.rows
    hessian = np.eye(len(z)) + problem.hessian(z, price)
    values, vectors = np.linalg.eigh(0.5 * (hessian + hessian.T))
    values = np.maximum(values, 1e-3)
    gradient = z - problem.start
    # In y = V'z the metric is diagonal, as the projection wants it.
    target = vectors.T @ z - (vectors.T @ gradient) / values
    a = np.concatenate([rows.a, jac]) @ vectors
    b = np.concatenate([rows.b, jac @ z - excess])
    out = project(target, values, a, b, problem.equal @ vectors, problem.value)
    if isinstance(out, Conflict):
        return None
    r = len(rows)
    return vectors @ out.z, out.multipliers[:r], out.multipliers[r:]


def _certificate(
    problem: _Problem, z: FloatArray, row_price: FloatArray, cap_price: FloatArray
) -> Certificate:
    rows = problem.rows
    pull = z - problem.start + rows.a.T @ row_price + problem.jacobian(z).T @ cap_price
    equal_price = np.linalg.lstsq(problem.equal.T, -pull, rcond=None)[0]
    stationary = pull + problem.equal.T @ equal_price
    comp = np.concatenate([row_price * rows.slack(z), cap_price * problem.excess(z)])
    return Certificate(
        float(np.abs(stationary).max()),
        problem.violation(z),
        float(np.abs(comp).max(initial=0.0)),
        False,
    )


def _result(
    best: _Point, problem: _Problem, starts: int, found: Sequence[_Point]
) -> VarianceCapped:
    distinct: list[_Point] = []
    for p in found:
        if all(np.abs(p.z - other.z).max() > _SAME for other in distinct):
            distinct.append(p)
    return VarianceCapped(
        best.z,
        _distance(best.z, problem.start),
        best.certificate,
        best.row_price,
        best.cap_price,
        _labels(problem.caps),
        starts,
        len(found),
        tuple(_distance(p.z, problem.start) for p in distinct),
    )
