"""How far two weight sets are apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from calib._types import FloatArray
from calib.errors import InputError
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


def compare_weights(*weights: WeightSet, baseline: WeightSet | None = None) -> pd.DataFrame:
    """Return local and global weights beside those of a baseline, differences in percentage points.

    Parameters
    ----------
    weights : any number of sets of one framework
    baseline : what they are compared with; the last of ``weights`` if None

    Returns
    -------
    one row for each set and node, in the order given

    Raises
    ------
    InputError
        When there is nothing to compare, two sets have one name, or frameworks differ.
    """
    import pandas as pd

    every = weights if baseline is None else (*weights, baseline)
    others, base = every[:-1], every[-1:]
    names = [w.name for w in others]
    if not others or len(set(names)) < len(names):
        raise InputError(message("faults.compare_sets_of_different_names", names=names))
    return pd.concat([_beside(w, *base) for w in others], ignore_index=True)


def _beside(weights: WeightSet, baseline: WeightSet) -> pd.DataFrame:
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
    table.insert(0, "set", weights.name)
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
