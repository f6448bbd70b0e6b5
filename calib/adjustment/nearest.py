"""Problem A: the nearest weights that meet linear demands, with certificate and shadow prices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from calib._types import FloatArray
from calib.adjustment.conflicts import explain_conflict
from calib.adjustment.qp import Conflict, Projection, project
from calib.adjustment.rows import Rows
from calib.errors import ConvergenceError, InfeasibleError, InputError

__all__ = ["Certificate", "Distance", "Nearest", "linear_certificate", "nearest_weights"]

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
        raise InputError(f"unknown distance {distance!r}; expected 'euclidean' or 'entropy'")
    if found.certificate.residual > 1e-8:
        msg = f"nearest weights stopped with a KKT residual of {found.certificate.residual:.1e}"
        raise ConvergenceError(msg)
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
            raise InfeasibleError("the demands contradict each other")
        explain_conflict(rows, equal, value)
        raise ConvergenceError("the demands hold together only by a hair; loosen one of them")
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
        msg = "the demands force a weight to zero, where the entropy distance has no optimum; "
        raise InputError(msg + "use the euclidean distance")
    mixed = 0.5 * np.maximum(point, 0.0) + 0.5 * np.asarray(out.x[:-1], dtype=float)
    return np.asarray(mixed, dtype=float)
