"""Rounding to a published grid so that siblings still sum to exactly 1."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from calib._types import FloatArray, IntArray
from calib.errors import InputError
from calib.weights.uncertainty import Local, derive
from calib.weights.weightset import SUM_TOLERANCE, WeightSet
from calib.words import Text, joined, message

__all__ = ["off_grid", "round_family", "round_weights"]

FINEST = 1e-6
"""No finer grid: its steps would come near the tolerance within which siblings sum to 1."""


def round_family(weights: FloatArray, grid: float = 0.01) -> FloatArray:
    """Round sibling weights to multiples of ``grid`` that sum to exactly 1.

    Parameters
    ----------
    weights : (c,) non-negative, summing to 1
    grid : the step; 1 must be a whole number of steps

    Returns
    -------
    (c,) the nearest such weights in the sum of squared differences (largest remainders);
    ties go to the earlier sibling

    Raises
    ------
    InputError
        When 1 is no whole number of steps, or the weights are no weights of siblings.

    Examples
    --------
    >>> round_family(np.array([1, 1, 1]) / 3)
    array([0.34, 0.33, 0.33])
    """
    steps = _steps(grid)
    weights = np.asarray(weights, dtype=float)
    if not (weights >= 0).all() or abs(weights.sum() - 1) > SUM_TOLERANCE:
        raise InputError(
            message(
                "faults.weights_sum_to_expected_non",
                weights=weights.tolist(),
                total=f"{weights.sum():.6g}",
            )
        )
    return _largest_remainders(weights, steps)


def _largest_remainders(weights: FloatArray, steps: int) -> FloatArray:
    """Round sibling weights (..., c) to whole steps that sum to 1 in every row."""
    exact = weights * steps
    # A weight within rounding noise of a grid point is that grid point.
    near = np.rint(exact)
    exact = np.where(np.abs(exact - near) < 1e-9 * steps, near, exact)
    floor = np.floor(exact)
    missing = steps - floor.sum(axis=-1, keepdims=True)
    order = np.argsort(-(exact - floor), axis=-1, kind="stable")
    place = np.argsort(order, axis=-1, kind="stable")
    return np.asarray((floor + (place < missing)) / steps, dtype=float)


def _steps(grid: float) -> int:
    inverse = 1 / Fraction(str(grid)) if FINEST <= grid <= 1 else Fraction(0)
    if inverse < 1 or inverse.denominator != 1:
        raise InputError(
            message("faults.grid_expected_a_step_that", grid=repr(grid), finest=f"{FINEST:g}")
        )
    return int(inverse)


def round_weights(
    weights: WeightSet, grid: float = 0.01, *, name: str | None = None, keep_equal: bool = True
) -> WeightSet:
    """Round every family of a weight set to the grid; see :func:`round_family`.

    A ``name`` is what tables and figures show as well; without one they show that of ``weights``.

    With ``keep_equal``, families of equal weights that the grid cannot hold (three siblings on
    0.01) are left exact, as the published model leaves indicators within a capability; the
    provenance names them. Without it they are rounded too, the earlier siblings getting more.
    """
    framework = weights.framework
    steps = _steps(grid)
    moved: dict[str, list[IntArray]] = {t: [] for t in framework.tracks}
    kept: list[Text] = []
    for t, tree in framework.tracks.items():
        for family in tree.families:
            own = weights.local[t][family.members]
            if keep_equal and len(own) > 1 and np.ptp(own) <= 1e-12:
                if steps % len(own):
                    kept.append(joined([family.parent or message("framework.root"), f"({t})"], " "))
            else:
                moved[t].append(family.members)

    def rounded(local: Local) -> Local:
        out = {t: np.array(v) for t, v in local.items()}
        for t, values in out.items():
            for members in moved[t]:
                values[..., members] = _largest_remainders(values[..., members], steps)
        return out

    parts: list[Text] = [message("provenance.rounded", base=weights.called, grid=f"{grid:g}")]
    if kept:
        parts.append(message("provenance.kept", families=kept))
    return WeightSet.build(
        framework,
        name or f"{weights.name} rounded",
        rounded(weights.local),
        source="rounded",
        detail=joined(parts, message("words.semicolon")),
        inputs={weights.name: weights.digest},
        label=weights.label if name is None else None,
        synthetic=weights.provenance.synthetic,
        uncertainty=derive([weights], lambda sets, _: rounded(sets[0])),
    )


def round_draws(point: WeightSet, draws: Local, grid: float) -> Local:
    """Round draws of a set to the grid on which its families stand; the others stay as they are.

    Parameters
    ----------
    point : the set that was drawn
    draws : (k, m) local weights by track
    grid : the step

    Notes
    -----
    By largest remainders, family by family. A family that ``point`` does not have on the grid, as
    equal siblings that it cannot hold, is not rounded in the draws either.
    """
    steps = _steps(grid)
    off = set(off_grid(point, grid))
    out = {t: np.array(v) for t, v in draws.items()}
    for t, tree in point.framework.tracks.items():
        for family in tree.families:
            if family.parent not in off:
                out[t][:, family.members] = _largest_remainders(out[t][:, family.members], steps)
    return out


def off_grid(weights: WeightSet, grid: float = 0.01) -> tuple[str, ...]:
    """Return the parents of families whose weights are not all on a grid; "" is the root."""
    steps = _steps(grid)
    found: dict[str, None] = {}
    for t, tree in weights.framework.tracks.items():
        exact = weights.local[t] * steps
        for family in tree.families:
            own = exact[family.members]
            if (np.abs(own - np.rint(own)) > 1e-9 * steps).any():
                found[family.parent] = None
    return tuple(found)
