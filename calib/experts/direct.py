"""Weights that are stated as numbers: direct weights, point allocation, ratings, swing.

All four are normalised by their sum; the sum is kept, because a panel whose points add up to 90
has misread the form even though normalisation hides it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calib._types import FloatArray
from calib.experts.problems import Problem
from calib.words import message

__all__ = ["Normalised", "check_numbers", "normalise"]


@dataclass(frozen=True, slots=True)
class Normalised:
    """Stated numbers and the weights that follow.

    Parameters
    ----------
    weights : (k, n) local weights, rows sum to 1
    raw : (k, n) the numbers as they were stated
    raw_sum : (k,) their sums before normalising
    """

    weights: FloatArray
    raw: FloatArray
    raw_sum: FloatArray


def check_numbers(
    values: FloatArray, *, low: float = 0.0, high: float = np.inf, top: float | None = None
) -> list[Problem]:
    """Find missing, out-of-range and all-zero judgements.

    Parameters
    ----------
    values : (k, n) stated numbers, NaN where nothing was stated
    low, high
        Valid range of one number, both ends included.
    top
        Value that the highest item must have (swing: 100), or None.

    Returns
    -------
    list of Problem
        Empty when every row can be normalised.
    """
    values = np.asarray(values, dtype=float)
    problems: list[Problem] = []
    kind = "number_from_to" if np.isfinite(high) else "number_from"
    wanted = message(f"experts.faults.{kind}", low=f"{low:g}", high=f"{high:g}")
    missing = np.isnan(values)
    bad = ~missing & ~((values >= low) & (values <= high) & np.isfinite(values))
    for expert, item in np.argwhere(missing):
        problems.append(
            Problem(int(expert), (int(item),), message("experts.faults.no_value"), None, wanted)
        )
    for expert, item in np.argwhere(bad):
        at, value = (int(item),), float(values[expert, item])
        problems.append(
            Problem(int(expert), at, message("experts.faults.out_of_range"), value, wanted)
        )
    sound = ~(missing | bad).any(axis=1)
    for expert in np.flatnonzero(sound & (values.sum(axis=1) <= 0.0)):
        problems.append(
            Problem(
                int(expert),
                (),
                message("experts.faults.sum_0"),
                0.0,
                message("experts.faults.one_above_0"),
            )
        )
    if top is not None:
        for expert in np.flatnonzero(sound & (values.max(axis=1) != top)):
            highest = float(values[expert].max())
            wanted_top = message("experts.faults.one_item_top", top=f"{top:g}")
            text = message("experts.faults.swing_top")
            problems.append(Problem(int(expert), (), text, highest, wanted_top))
    return problems


def normalise(values: FloatArray) -> Normalised:
    """Divide stated numbers by their sum.

    Parameters
    ----------
    values : (k, n) numbers ≥ 0 that passed :func:`check_numbers`

    Returns
    -------
    Normalised

    Examples
    --------
    >>> import numpy as np
    >>> normalise(np.array([[50.0, 30.0, 10.0]])).raw_sum
    array([90.])
    """
    raw = np.asarray(values, dtype=float)
    raw_sum = np.asarray(raw.sum(axis=-1), dtype=float)
    return Normalised(raw / raw_sum[..., None], raw, raw_sum)
