"""Damped Newton ascent: the one solver behind every Plackett-Luce fit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from calib._types import FloatArray

__all__ = ["Ascent", "Point", "climb"]

_LONGEST = 3.0  # a step in log-worths longer than this leaves the region a parabola describes
_SHORTEST = 1e-12
_SLACK = 1e-9  # a fall of the value within rounding is no fall


@dataclass(frozen=True, slots=True)
class Point:
    """A concave function at one place: value, gradient (p,) and minus its Hessian (p, p)."""

    value: float
    gradient: FloatArray
    curvature: FloatArray


@dataclass(frozen=True, slots=True)
class Ascent:
    """Where an ascent ended.

    Parameters
    ----------
    x : (p,) place
    point : the function there
    steps : Newton steps taken
    converged : whether the last full step was shorter than asked; else ``halt`` stopped it, the
        curvature became singular, or the steps ran out
    """

    x: FloatArray
    point: Point
    steps: int
    converged: bool


def climb(
    objective: Callable[[FloatArray], Point],
    start: FloatArray,
    *,
    close: float,
    most: int = 200,
    halt: Callable[[FloatArray, Point, float], bool] | None = None,
) -> Ascent:
    """Climb to the maximum of a concave function of log-worths, over the contrasts.

    Parameters
    ----------
    objective : returns the function at a place; (1, ..., 1) is an eigenvector of its Hessian
    start : (p,) where to begin; the mean stays what it is here
    close : the largest entry of a full Newton step at which the place is good enough. Newton is
        quadratic: after a step of 1e-5 the error is near 1e-10
    most : steps at most
    halt : called with place, point and the last gain after each step; true ends the ascent

    Notes
    -----
    Steps are cut to a length of 3, and halved while the value falls.
    """
    x, point = start, objective(start)
    size = x.size
    for count in range(1, most + 1):
        ridge = np.trace(point.curvature) / size**2  # gives the direction (1, ..., 1) a curvature
        try:
            move = np.linalg.solve(point.curvature + ridge, point.gradient)
        except np.linalg.LinAlgError:
            return Ascent(x, point, count, converged=False)
        move -= move.mean()
        far = float(np.abs(move).max())
        if not np.isfinite(far):
            return Ascent(x, point, count, converged=False)
        move *= min(1.0, _LONGEST / far) if far > 0 else 1.0
        new = objective(x + move)
        while new.value < point.value - _SLACK * (1.0 + abs(point.value)):
            move *= 0.5
            if float(np.abs(move).max()) < _SHORTEST:
                return Ascent(x, point, count, converged=False)
            new = objective(x + move)
        gain = new.value - point.value
        x, point = x + move, new
        if far < close:
            return Ascent(x, point, count, converged=True)
        if halt is not None and halt(x, point, gain):
            break
    return Ascent(x, point, count, converged=False)
