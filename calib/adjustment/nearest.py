"""Problem A: the nearest weights under linear constraints, with certificate and shadow prices.

Points are projected onto the polytope by the dual active-set method of Goldfarb and Idnani (1983).
It starts from the unconstrained optimum and takes in violated constraints one by one, each step
staying optimal for the constraints held. It ends after finitely many steps with the exact set of
active constraints and their multipliers, or with a proof that the constraints contradict each
other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from calib._types import FloatArray
from calib.adjustment.constraints import Rows, explain_conflict, independent_rows
from calib.errors import ConvergenceError, InfeasibleError, InputError
from calib.words import message

__all__ = [
    "Certificate",
    "Conflict",
    "Distance",
    "Nearest",
    "Projection",
    "linear_certificate",
    "nearest_weights",
    "project",
]


_TOLERANCE = 1e-12


@dataclass(frozen=True, slots=True)
class Projection:
    """Nearest point of a polytope.

    Parameters
    ----------
    z : (q,) the point
    multipliers : (r,) of the demands a @ z <= b, >= 0, zero where a demand is slack
    equal_multipliers : (e,) of the equalities
    steps : int
        Demands taken in or let go.
    """

    z: FloatArray
    multipliers: FloatArray
    equal_multipliers: FloatArray
    steps: int


@dataclass(frozen=True, slots=True)
class Conflict:
    """Proof that the demands cannot all hold: these rows already contradict each other."""

    rows: tuple[int, ...]


def project(
    target: FloatArray,
    metric: FloatArray,
    a: FloatArray,
    b: FloatArray,
    equal: FloatArray,
    value: FloatArray,
) -> Projection | Conflict:
    """Minimise ½ Σ metric_j (z_j - target_j)² subject to a z <= b and equal z = value.

    Parameters
    ----------
    target : (q,)
    metric : (q,) positive
    a, b : (r, q), (r,)
    equal, value : (e, q), (e,); dependent rows are allowed when they agree

    Returns
    -------
    Projection or Conflict

    Raises
    ------
    ConvergenceError
        The active set did not settle (numerical trouble).
    """
    root = np.sqrt(metric)
    # In u = sqrt(metric) (z - target) the point sought is the one nearest to the origin.
    normal = -(a / root)
    length = np.linalg.norm(normal, axis=1)
    length = np.where(length > 0, length, 1.0)
    normal = normal / length[:, None]
    bound = (a @ target - b) / length
    equal_u = equal / root
    equal_value = value - equal @ target
    keep = independent_rows(equal_u)
    held = equal_u[keep].T
    u = _nearest(held, equal_value[keep])
    if np.abs(equal_u @ u - equal_value).max(initial=0.0) > 1e-9:
        return Conflict(())
    found = _active_set(u, held, normal, bound)
    if isinstance(found, Conflict):
        return found
    active, steps = found
    n_all = np.concatenate([held, normal[active].T], axis=1)
    u = _nearest(n_all, np.concatenate([equal_value[keep], bound[active]]))
    lam = np.linalg.lstsq(n_all, u, rcond=None)[0] if n_all.size else np.zeros(0)
    multipliers = np.zeros(len(b))
    multipliers[active] = np.maximum(lam[held.shape[1] :], 0.0) / length[active]
    equal_multipliers = np.zeros(len(value))
    equal_multipliers[keep] = -lam[: held.shape[1]]
    return Projection(target + u / root, multipliers, equal_multipliers, steps)


def _nearest(normals: FloatArray, values: FloatArray) -> FloatArray:
    """Return the shortest u with normals' u = values."""
    if normals.shape[1] == 0:
        return np.zeros(normals.shape[0])
    return np.asarray(np.linalg.lstsq(normals.T, values, rcond=None)[0], dtype=float)


def _active_set(
    u: FloatArray, held: FloatArray, normal: FloatArray, bound: FloatArray
) -> tuple[list[int], int] | Conflict:
    """Find the active demands by dual steps."""
    fixed = held.shape[1]
    active: list[int] = []
    lam = np.zeros(0)
    steps = 0
    limit = 50 * (len(bound) + normal.shape[1] + 10)
    scale = 1.0 + np.abs(bound)
    while True:
        gap = (normal @ u - bound) / scale
        gap[active] = 0.0
        p = int(np.argmin(gap)) if len(gap) else -1
        if p < 0 or gap[p] >= -_TOLERANCE:
            return active, steps
        price = 0.0
        while True:
            steps += 1
            if steps > limit:
                raise ConvergenceError(message("adjustment.fault.unsettled"))
            n_all = np.concatenate([held, normal[active].T], axis=1)
            r, z = _split(n_all, normal[p])
            r = r[fixed:]
            full = np.inf
            size = float(z @ normal[p])
            if size > 1e-11:
                full = (bound[p] - float(normal[p] @ u)) / size
            partial, drop = _first_to_vanish(lam, r)
            step = min(full, partial)
            if not np.isfinite(step):
                return Conflict((*active, p))
            if np.isfinite(full):
                u = u + step * z
            lam = np.maximum(lam - step * r, 0.0)
            price += step
            if step == full:
                active.append(p)
                lam = np.append(lam, price)
                break
            active.pop(drop)
            lam = np.delete(lam, drop)


def _split(normals: FloatArray, direction: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Split a direction into its part in the span of the normals (coefficients) and the rest."""
    if normals.shape[1] == 0:
        return np.zeros(0), direction
    basis, corner = np.linalg.qr(normals)
    size = np.abs(np.diag(corner))
    if corner.shape[0] == corner.shape[1] and size.min() > 1e-9 * size.max():
        part = basis.T @ direction
        rest = direction - basis @ part
        return np.linalg.solve(corner, part), rest - basis @ (basis.T @ rest)
    r = np.linalg.lstsq(normals, direction, rcond=None)[0]
    return np.asarray(r, dtype=float), direction - normals @ r


def _first_to_vanish(lam: FloatArray, r: FloatArray) -> tuple[float, int]:
    """Return the step at which the first multiplier reaches zero, and which one."""
    falling = r > 1e-12
    if not falling.any():
        return np.inf, -1
    ratio = np.full(len(r), np.inf)
    ratio[falling] = lam[falling] / r[falling]
    drop = int(np.argmin(ratio))
    return float(ratio[drop]), drop


Distance = Literal["euclidean", "entropy"]


@dataclass(frozen=True, slots=True)
class Certificate:
    """What proves an answer optimal: how far the Karush-Kuhn-Tucker conditions are from exact.

    Parameters
    ----------
    stationarity, violation, complementarity : float
        Largest absolute entry of each condition.
    unique : bool
        Whether the problem is strictly convex, so that the answer is the only one.
    """

    stationarity: float
    violation: float
    complementarity: float
    unique: bool

    @property
    def residual(self) -> float:
        """Largest of the three."""
        return max(self.stationarity, self.violation, self.complementarity)


@dataclass(frozen=True, slots=True)
class Nearest:
    """Nearest weights under demands.

    Parameters
    ----------
    z : (q,) weights
    multipliers : (r,) of the demands
    equal_multipliers : (e,) of the equalities
    objective : float
        ½ Σ metric (z - start)² or Σ z ln(z / start).
    certificate : Certificate
    """

    z: FloatArray
    multipliers: FloatArray
    equal_multipliers: FloatArray
    objective: float
    certificate: Certificate

    def prices(self, rows: Rows) -> FloatArray:
        """Return shadow prices: how fast the objective falls when a demand's number is raised."""
        relief = rows.relief @ np.append(self.z, 1.0)
        return np.asarray(self.multipliers * relief, dtype=float)


def nearest_weights(
    start: FloatArray,
    rows: Rows,
    equal: FloatArray,
    value: FloatArray,
    *,
    distance: Distance = "euclidean",
    explain: bool = True,
) -> Nearest:
    """Find the weights nearest to the start under linear demands.

    Parameters
    ----------
    start : (q,) weights, >= 0
    rows : demands, including z >= 0
    equal, value : (e, q), (e,) equalities (sums, levels that keep their local weights)
    distance : "euclidean" or "entropy"
        ½‖z - start‖², or the Kullback-Leibler divergence Σ z ln(z/start), under which a weight
        of zero stays zero.
    explain : bool
        Whether to find out which demands contradict each other, where some do.

    Returns
    -------
    Nearest

    Raises
    ------
    InfeasibleError
        Names an irreducible set of demands that contradict each other.
    ConvergenceError
        The certificate could not be brought under 1e-8.

    Notes
    -----
    Both problems are strictly convex: the answer is unique, and a KKT residual of rounding size
    proves it.
    """
    if distance == "entropy":
        found = _entropy(start, rows, equal, value, explain)
    elif distance == "euclidean":
        step = _solve(start, np.ones_like(start), rows, equal, value, explain)
        gradient = step.z - start
        cert = linear_certificate(gradient, step, rows, equal, value)
        found = Nearest(
            step.z, step.multipliers, step.equal_multipliers, 0.5 * float(gradient @ gradient), cert
        )
    else:
        raise InputError(message("adjustment.fault.distance", distance=repr(distance)))
    if found.certificate.residual > 1e-8:
        residual = f"{found.certificate.residual:.1e}"
        raise ConvergenceError(message("adjustment.fault.residual", residual=residual))
    return found


def _solve(
    target: FloatArray,
    metric: FloatArray,
    rows: Rows,
    equal: FloatArray,
    value: FloatArray,
    explain: bool = True,
) -> Projection:
    step = project(target, metric, rows.a, rows.b, equal, value)
    if isinstance(step, Conflict):
        if not explain:
            raise InfeasibleError(message("adjustment.fault.contradict"))
        explain_conflict(rows, equal, value)
        raise ConvergenceError(message("adjustment.fault.hair"))
    return step


def linear_certificate(
    gradient: FloatArray, step: Projection, rows: Rows, equal: FloatArray, value: FloatArray
) -> Certificate:
    """Measure how far a point with multipliers is from the KKT conditions."""
    stationary = gradient + rows.a.T @ step.multipliers + equal.T @ step.equal_multipliers
    slack = rows.slack(step.z)
    off = max(
        float(np.maximum(-slack, 0.0).max(initial=0.0)),
        float(np.abs(equal @ step.z - value).max(initial=0.0)),
    )
    comp = float(np.abs(step.multipliers * slack).max(initial=0.0))
    return Certificate(float(np.abs(stationary).max()), off, comp, True)


def _entropy(
    start: FloatArray, rows: Rows, equal: FloatArray, value: FloatArray, explain: bool
) -> Nearest:
    """Minimise Σ z ln(z/start) by Newton steps, each a projection in the metric 1/z."""
    live = start > 0
    full = np.zeros_like(start)
    reduced = Rows(
        rows.a[:, live], rows.b, rows.labels, rows.relief[:, [*np.flatnonzero(live), -1]]
    )
    s, e = start[live], equal[:, live]
    z = _interior(s, reduced, e, value, explain)
    step = Projection(z, np.zeros(len(rows)), np.zeros(len(value)), 0)
    for _ in range(100):
        gradient = np.log(z / s) + 1.0
        step = _solve(z - gradient * z, 1.0 / z, reduced, e, value)
        move = step.z - z
        fall = float(gradient @ move)
        here = float(z @ np.log(z / s))
        t = 1.0 if (step.z > 0).all() else min(1.0, 0.95 * _room(z, move))
        while float((z + t * move) @ np.log((z + t * move) / s)) > here + 1e-4 * t * fall + 1e-15:
            t *= 0.5
            if t < 1e-10:
                break
        z = z + t * move
        if np.abs(move).max() < 1e-14 or abs(fall) < 1e-28:
            break
    gradient = np.log(z / s) + 1.0
    at = Projection(z, step.multipliers, step.equal_multipliers, step.steps)
    cert = linear_certificate(gradient, at, reduced, e, value)
    full[live] = z
    return Nearest(full, step.multipliers, step.equal_multipliers, float(z @ np.log(z / s)), cert)


def _room(z: FloatArray, move: FloatArray) -> float:
    down = move < 0
    return float(np.min(-z[down] / move[down])) if down.any() else np.inf


def _interior(
    start: FloatArray, rows: Rows, equal: FloatArray, value: FloatArray, explain: bool
) -> FloatArray:
    """Return a feasible point with every weight positive."""
    from scipy.optimize import linprog

    point = _solve(start, 1.0 / start, rows, equal, value, explain).z
    if point.min() > 1e-6 * start.min():
        return point
    q = len(start)
    # Largest common share t of the start that every weight can keep: z >= t * start.
    a = np.block([[rows.a, np.zeros((len(rows), 1))], [-np.eye(q), start[:, None]]])
    out = linprog(
        np.append(np.zeros(q), -1.0),
        A_ub=a,
        b_ub=np.concatenate([rows.b, np.zeros(q)]),
        A_eq=np.column_stack([equal, np.zeros(len(value))]),
        b_eq=value,
        bounds=[(None, None)] * q + [(0.0, 1.0)],
        method="highs",
    )
    if out.status != 0 or out.x[-1] <= 1e-9:
        raise InputError(message("adjustment.fault.entropy_zero"))
    mixed = 0.5 * np.maximum(point, 0.0) + 0.5 * np.asarray(out.x[:-1], dtype=float)
    return np.asarray(mixed, dtype=float)
