"""The nearest weights, in least squares, that meet linear conditions, for many enterprises."""

from __future__ import annotations

import numpy as np

from calib._types import BoolArray, FloatArray
from calib.errors import ConvergenceError
from calib.words import message

__all__ = ["nearest_l2", "nearest_l2_jointly", "project_by_nnls"]

STEPS = 60
TOLERANCE = 1e-10


def nearest_l2(c: FloatArray, g: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Project on the weights that meet one condition.

    Parameters
    ----------
    c : (n, u) condition of each enterprise
    g : (u,) weights, non-negative, summing to 1

    Returns
    -------
    distance : (n,) Euclidean distance; 0 where met already, inf where no weights meet it
    weights : (n, u) nearest weights

    Notes
    -----
    The projection is ``max(0, g + t c - μ(t))`` with ``t >= 0`` such that ``c · g' = 0`` and μ
    restoring the sum. As t grows columns only leave the support: on the simplex, the column with
    the smallest g_l + t c_l relative to μ drops out and stays out, because c_l is below the mean
    of c over the support and that mean only rises. So at most u steps of one linear solve each.
    """
    n, u = c.shape
    value = c @ g
    top = c.max(axis=1)
    todo = value < 0
    impossible = todo & (top <= 0)
    active = np.flatnonzero(todo & ~impossible)
    weights = np.broadcast_to(g, (n, u)).copy()
    if len(active):
        weights[active] = _project(c[active], weights[active])
    distance = np.sqrt(((weights - g) ** 2).sum(axis=1))
    return np.where(impossible, np.inf, distance), weights


def _project(c: FloatArray, g: FloatArray) -> FloatArray:
    """Follow the projection path from ``g`` until the condition is met."""
    current, support = g.copy(), np.ones(c.shape, dtype=bool)
    moving = np.arange(len(c))
    # Zero weights with c under the mean leave the support at once, one after another.
    for _ in range(2 * c.shape[1] + 2):
        cc, inside, at = c[moving], support[moving], current[moving]
        size = inside.sum(axis=1)
        mean = np.where(inside, cc, 0.0).sum(axis=1) / size
        slope = np.where(inside, cc - mean[:, None], 0.0)
        rise = (slope * cc).sum(axis=1)
        need = -(at * cc).sum(axis=1)
        full = np.divide(need, rise, out=np.full(len(cc), np.inf), where=rise > 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            room = np.where(slope < 0, at / -slope, np.inf)
        leaver = room.argmin(axis=1)
        first = room[np.arange(len(cc)), leaver]
        step = np.minimum(full, first)
        current[moving] = np.maximum(at + step[:, None] * slope, 0.0)
        blocked = first < full
        who = moving[blocked]
        current[who, leaver[blocked]] = 0.0
        support[who, leaver[blocked]] = False
        moving = who
        if not len(moving):
            break
    return current


def nearest_l2_jointly(conditions: FloatArray, g: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Project on the weights that meet all conditions.

    Parameters
    ----------
    conditions : (n, J, u) coefficients; condition j is ``conditions[:, j] · g' >= 0``
    g : (u,) weights, non-negative, summing to 1

    Returns
    -------
    distance : (n,) Euclidean distance, inf where no weights meet all conditions
    weights : (n, u) nearest weights; ``g`` where there are none

    Notes
    -----
    The projection is ``g' = max(0, g + C'λ + μ)`` with multipliers λ >= 0 of the conditions and
    μ of the sum. An active-set Newton method on (λ, μ) solves all enterprises abreast and ends
    at the exact solution when its sets no longer change; whoever does not settle, and whoever
    has no solution, goes through a finite method one by one (:func:`project_by_nnls`).
    """
    scale = np.maximum(np.abs(conditions).max(axis=2, keepdims=True), 1e-300)
    c = conditions / scale
    weights, settled = _newton(c, g)
    distance = np.sqrt(((weights - g) ** 2).sum(axis=1))
    for i in np.flatnonzero(~settled):
        solution = project_by_nnls(c[i], g)
        weights[i] = g if solution is None else solution
        distance[i] = np.inf if solution is None else np.sqrt(((solution - g) ** 2).sum())
    return distance, weights


def _newton(c: FloatArray, g: FloatArray) -> tuple[FloatArray, BoolArray]:
    """Solve by active sets; the second array tells where the optimum is certain."""
    n, j, u = c.shape
    weights = np.broadcast_to(g, (n, u)).copy()
    settled = np.zeros(n, dtype=bool)
    rows = np.arange(n)
    a = np.concatenate([c, np.ones((n, 1, u))], axis=1)
    z = np.zeros((n, j + 1))
    support = np.broadcast_to(g > 0, (n, u)).copy()
    active = np.concatenate([c @ g < 0, np.ones((n, 1), dtype=bool)], axis=1)
    for _ in range(STEPS):
        inside = a * support[:, None, :]
        gram = np.matmul(inside, a.transpose(0, 2, 1))
        target = np.concatenate([np.zeros((len(a), j)), np.ones((len(a), 1))], axis=1)
        right = target - inside @ g
        both = active[:, :, None] & active[:, None, :]
        system = np.where(both, gram, 0.0)
        diagonal = np.arange(j + 1)
        system[:, diagonal, diagonal] += np.where(active, 1e-13, 1.0)
        z = np.linalg.solve(system, np.where(active, right, 0.0)[:, :, None])[:, :, 0]
        raw = g + np.matmul(z[:, None, :], a)[:, 0]
        trial = np.maximum(raw, 0.0)
        level = np.matmul(a, trial[:, :, None])[:, :, 0] - target
        good = (
            (np.abs(level[:, j]) < TOLERANCE)
            & (level[:, :j] > -TOLERANCE).all(axis=1)
            & (z[:, :j] > -TOLERANCE).all(axis=1)
            & (np.abs(np.where(active[:, :j], level[:, :j], 0.0)) < TOLERANCE).all(axis=1)
        )
        weights[rows[good]] = trial[good]
        settled[rows[good]] = True
        keep = ~good
        if not keep.any():
            break
        rows, a = rows[keep], a[keep]
        support = raw[keep] > 0
        # A condition stays active while its multiplier is positive, or joins when it is unmet.
        active[:, :j] = np.where(active[:, :j], z[:, :j] > 0, level[:, :j] < -TOLERANCE)
        active = active[keep]
        z = z[keep]
        lost = ~support.any(axis=1)
        support[lost] = True
    return weights, settled


def project_by_nnls(conditions: FloatArray, g: FloatArray) -> FloatArray | None:
    """Project one ``g`` by non-negative least squares; None where no weights meet the conditions.

    Parameters
    ----------
    conditions : (J, u)
    g : (u,)

    Notes
    -----
    Least-distance programming: min ‖x‖ subject to G x >= h has the solution x = r / r_last from
    the residual r of the non-negative least-squares problem ``[G h]' y = (0, …, 0, 1)``, and no
    solution when that residual is 0 (Lawson and Hanson, Solving Least Squares Problems, ch. 23).
    The sum is kept by working in an orthonormal basis of the shifts that sum to 0.
    """
    from scipy.optimize import nnls

    u = len(g)
    basis = np.linalg.qr(np.column_stack([np.ones(u), np.eye(u)[:, : u - 1]]))[0][:, 1:]
    rows = np.vstack([conditions, np.eye(u)])
    G, h = rows @ basis, -rows @ g
    E = np.vstack([G.T, h])
    f = np.zeros(u)
    f[-1] = 1.0
    try:
        y, _ = nnls(E, f, maxiter=50 * u)
    except RuntimeError as exc:
        raise ConvergenceError(message("outcomes.stability.projection", why=str(exc))) from exc
    residual = E @ y - f
    # At the optimum r_last = -‖r‖²; a residual of 0 certifies that nothing meets the conditions.
    if -residual[-1] < 1e-12:
        return None
    x = -residual[:-1] / residual[-1]
    return np.asarray(np.maximum(g + basis @ x, 0.0), dtype=float)
