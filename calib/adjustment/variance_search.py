"""Caps on variance shares and local searches under them: descent, polishing, excess.

Sequential least squares finds a region from any start; Newton steps as quadratic programmes then
polish its stop to a Karush-Kuhn-Tucker point of rounding accuracy.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calib._types import FloatArray
from calib.adjustment.constraints import Rows
from calib.adjustment.nearest import Certificate, Conflict, project

__all__ = [
    "FEASIBLE",
    "CapProblem",
    "KktPoint",
    "ShareCap",
    "descend",
    "half_square",
    "lower_excess",
    "polish",
    "project_linear",
    "walk_back",
]


@dataclass(frozen=True, slots=True)
class ShareCap:
    """Caps on the variance shares of nodes in one track.

    Parameters
    ----------
    forms : (c, q, q) symmetric, z' forms[j] z = numerator of node j's share
    cov : (q, q) z' cov z = variance of the total
    caps : (c,) highest share of each
    labels : (c,)
    """

    forms: FloatArray
    cov: FloatArray
    caps: FloatArray
    labels: tuple[str, ...]

    def shares(self, z: FloatArray) -> FloatArray:
        """Return the shares of the nodes, (c,); 0 where the total does not vary."""
        v = float(z @ self.cov @ z)
        top = np.asarray((self.forms @ z) @ z, dtype=float)
        return top / v if v > 0 else np.zeros_like(top)

    def jacobian(self, z: FloatArray) -> FloatArray:
        """Return the derivatives of the shares, (c, q).

        Notes
        -----
        dC_j/dz = 2 (F_j z - C_j Σz) / z'Σz.
        """
        sz = self.cov @ z
        v = float(z @ sz)
        if v <= 0:
            return np.zeros((len(self.caps), len(z)))
        return np.asarray(2.0 * (self.forms @ z - self.shares(z)[:, None] * sz) / v)

    def hessian(self, z: FloatArray, price: FloatArray) -> FloatArray:
        """Return Σ_j price_j ∇²C_j, (q, q)."""
        sz = self.cov @ z
        v = float(z @ sz)
        if v <= 0:
            return np.zeros((len(z), len(z)))
        share, jac = self.shares(z), self.jacobian(z)
        cross = np.outer(price @ jac, sz)
        out = 2.0 * (np.einsum("c,cij->ij", price, self.forms) - (price @ share) * self.cov)
        return np.asarray((out - 2.0 * (cross + cross.T)) / v)


FEASIBLE = 1e-9
"""A demand broken by no more than this counts as met."""
_NEAR = 1e-5
"""Excess above which the rounding of a search does not decide whether a cap is met."""


@dataclass(frozen=True, slots=True)
class CapProblem:
    """Nearest weights to a start under linear demands and caps on variance shares.

    Parameters
    ----------
    start : (q,) weights
    rows : linear demands
    equal, value : (e, q), (e,) equalities, linearly independent
    caps : caps on shares, one entry a track
    """

    start: FloatArray
    rows: Rows
    equal: FloatArray
    value: FloatArray
    caps: tuple[ShareCap, ...]

    def excess(self, z: FloatArray) -> FloatArray:
        """Return shares minus caps, (c,)."""
        return np.concatenate([c.shares(z) - c.caps for c in self.caps])

    def jacobian(self, z: FloatArray) -> FloatArray:
        """Return the derivatives of the shares, (c, q)."""
        return np.concatenate([c.jacobian(z) for c in self.caps])

    def hessian(self, z: FloatArray, price: FloatArray) -> FloatArray:
        """Return the second derivative of price @ excess, (q, q)."""
        out = np.zeros((len(z), len(z)))
        at = 0
        for cap in self.caps:
            k = len(cap.caps)
            if np.any(price[at : at + k]):
                out += cap.hessian(z, price[at : at + k])
            at += k
        return out

    def violation(self, z: FloatArray) -> float:
        """Return the largest amount by which a point breaks a demand, cap or equality."""
        parts = (
            self.excess(z),
            -self.rows.slack(z),
            np.abs(self.equal @ z - self.value),
        )
        return float(max(p.max(initial=0.0) for p in parts))


@dataclass(frozen=True, slots=True)
class KktPoint:
    """A point that meets the Karush-Kuhn-Tucker conditions, with its multipliers.

    Parameters
    ----------
    z : (q,) weights
    row_price : (r,) multipliers of the linear demands
    cap_price : (c,) multipliers of the caps
    certificate : how far the conditions are from exact
    """

    z: FloatArray
    row_price: FloatArray
    cap_price: FloatArray
    certificate: Certificate


def lower_excess(problem: CapProblem, z0: FloatArray) -> tuple[float, FloatArray]:
    """Lower the largest excess over the caps from one start.

    Returns
    -------
    (excess, z)
        A non-positive excess means that z meets every cap and every linear demand.
    """
    from scipy.optimize import minimize

    slope = np.append(np.zeros(len(z0)), 1.0)
    answer = minimize(
        lambda x: x[-1],
        np.append(z0, problem.excess(z0).max()),
        jac=lambda x: slope,
        method="SLSQP",
        constraints=_levelled(problem),
        options={"maxiter": 300, "ftol": 1e-12},
    )
    x = np.asarray(answer.x[:-1], dtype=float)
    if not np.isfinite(x).all():
        return np.inf, z0
    reached = float(problem.excess(x).max())
    if reached > _NEAR and answer.success:
        return reached, x  # the search keeps linear demands to about 1e-12
    z = project_linear(problem, x)
    return (np.inf, z0) if z is None else (float(problem.excess(z).max()), z)


def _levelled(problem: CapProblem) -> list[dict[str, object]]:
    """Return the demands on (z, t) under which t is at least every excess."""
    rows = problem.rows
    caps = len(problem.excess(problem.start))
    fixed = np.zeros((caps + len(rows), len(problem.start) + 1))
    fixed[:caps, -1] = 1.0
    fixed[caps:, :-1] = -rows.a
    equal = np.column_stack([problem.equal, np.zeros(len(problem.value))])

    def slack(x: FloatArray) -> FloatArray:
        return np.concatenate([x[-1] - problem.excess(x[:-1]), rows.slack(x[:-1])])

    def slopes(x: FloatArray) -> FloatArray:
        out = fixed.copy()
        out[:caps, :-1] = -problem.jacobian(x[:-1])
        return out

    return [
        _ineq(slack, slopes),
        {
            "type": "eq",
            "fun": lambda x: problem.equal @ x[:-1] - problem.value,
            "jac": lambda x: equal,
        },
    ]


def _ineq(fun: object, jac: object) -> dict[str, object]:
    return {"type": "ineq", "fun": fun, "jac": jac}


def half_square(z: FloatArray, start: FloatArray) -> float:
    """Return the objective ½‖z - start‖²."""
    return 0.5 * float(np.sum((z - start) ** 2))


def project_linear(problem: CapProblem, z: FloatArray) -> FloatArray | None:
    """Return the point nearest to z that meets the linear demands; None if there is none."""
    rows = problem.rows
    out = project(z, np.ones_like(z), rows.a, rows.b, problem.equal, problem.value)
    return None if isinstance(out, Conflict) else out.z


def walk_back(problem: CapProblem, feasible: FloatArray, towards: FloatArray) -> FloatArray:
    """Walk from a feasible point towards the start until a cap stops it."""
    low, high = 0.0, 1.0
    for _ in range(40):
        mid = 0.5 * (low + high)
        if problem.violation(feasible + mid * (towards - feasible)) <= FEASIBLE:
            low = mid
        else:
            high = mid
    return feasible + low * (towards - feasible)


def descend(problem: CapProblem, z0: FloatArray) -> FloatArray | None:
    """Search from one start; None where it ends outside the caps."""
    from scipy.optimize import minimize

    rows, start = problem.rows, problem.start
    answer = minimize(
        lambda z: half_square(z, start),
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
    return z if np.isfinite(z).all() and problem.violation(z) <= 1e-4 else None


def polish(problem: CapProblem, z: FloatArray) -> KktPoint | None:
    """Newton steps as quadratic programmes on linearised caps, to a KKT point; None without one.

    The steps end where rounding keeps the conditions from being met any better.
    """
    price = np.zeros(len(problem.excess(z)))
    best: KktPoint | None = None
    for _ in range(30):
        step = _newton_qp(problem, z, price, problem.jacobian(z), problem.excess(z))
        if step is None:
            break
        z, row_price, price = step
        point = KktPoint(z, row_price, price, _certificate(problem, z, row_price, price))
        before = np.inf if best is None else best.certificate.residual
        if point.certificate.residual < before:
            best = point
        if before < 1e-10 and point.certificate.residual > 0.5 * before:
            break
        if point.certificate.residual < 1e-13:
            break
    if best is None or best.certificate.residual > 1e-9:
        return None
    return best


def _newton_qp(
    problem: CapProblem, z: FloatArray, price: FloatArray, jac: FloatArray, excess: FloatArray
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
    problem: CapProblem, z: FloatArray, row_price: FloatArray, cap_price: FloatArray
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
