"""How far two weight sets are apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from calib._types import FloatArray
from calib.errors import InputError
from calib.requests import answered, expect
from calib.weights.several import Sets, named_sets
from calib.weights.weightset import WeightSet
from calib.words import message

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["aitchison_distance", "compare_weights", "distance_table", "total_variation"]


def total_variation(a: FloatArray, b: FloatArray) -> float:
    """Return half the sum of absolute differences: the weight that has to move, 0 to 1."""
    return float(np.abs(np.asarray(a) - np.asarray(b)).sum() / 2)


def aitchison_distance(a: FloatArray, b: FloatArray) -> float:
    """Return the Euclidean distance of centred log-ratios.

    A weight of 0 is infinitely far from any other; where both are 0 the part is left out.

    References
    ----------
    Aitchison, J. (1986). The Statistical Analysis of Compositional Data.
    """
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    if ((a > 0) != (b > 0)).any():
        return float("inf")
    both = a > 0
    ratio = np.log(a[both]) - np.log(b[both])
    return float(np.sqrt(((ratio - ratio.mean()) ** 2).sum()))


@answered
def compare_weights(baseline: WeightSet, candidate: Sets) -> pd.DataFrame:
    """Return local and global weights beside those of a baseline, differences in percentage points.

    Parameters
    ----------
    baseline : the set that the others are compared with, as in :func:`calib.compare`
    candidate : a set, several, or several by name; what a method gave stands for its weights

    Returns
    -------
    one row for each set and node, in the order given; ``local_pp`` and ``global_pp`` are above 0
    where the candidate's weight is

    Raises
    ------
    InputError
        When frameworks differ, or something else than a weight set is given.

    Examples
    --------
    >>> import calib
    >>> published = calib.published_weights(calib.load_framework("aii"))
    >>> more = published.with_weights({"DA": 0.4}, name="more")
    >>> table = calib.compare_weights(published, more)
    >>> float(table.loc[table["code"] == "DA", "local_pp"].iloc[0].round(6))
    8.0
    """
    import pandas as pd

    call = "compare_weights(baseline, candidate)"
    expect(call, baseline=(baseline, WeightSet))
    others = named_sets(call, candidate)
    return pd.concat([_beside(n, w, baseline) for n, w in others.items()], ignore_index=True)


def _beside(name: str, weights: WeightSet, baseline: WeightSet) -> pd.DataFrame:
    if weights.framework.digest != baseline.framework.digest:
        raise InputError(
            message(
                "faults.and_belong_to_different_frameworks",
                name=repr(weights.name),
                name2=repr(baseline.name),
            )
        )
    table = baseline.frame().rename(
        columns={"local_weight": "baseline_local", "global_weight": "baseline_global"}
    )
    own = weights.frame()
    table.insert(0, "set", name)
    table["local_weight"] = own["local_weight"]
    table["global_weight"] = own["global_weight"]
    table["local_pp"] = 100 * (table["local_weight"] - table["baseline_local"])
    table["global_pp"] = 100 * (table["global_weight"] - table["baseline_global"])
    return table


def distance_table(weights: WeightSet, baseline: WeightSet) -> pd.DataFrame:
    """Return total variation and Aitchison distance by track, on pillars and on leaves."""
    import pandas as pd

    rows = []
    for t, tree in weights.framework.tracks.items():
        top = tree.at_depth(1)
        pairs = [
            (weights.framework.levels[0][0], weights.local[t][top], baseline.local[t][top]),
            ("leaf", weights.leaf(t), baseline.leaf(t)),
        ]
        for level, a, b in pairs:
            rows.append((t, level, total_variation(a, b), aitchison_distance(a, b)))
    return pd.DataFrame(rows, columns=["track", "level", "total_variation", "aitchison"])
