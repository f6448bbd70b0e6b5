"""Tables of a comparison about the sets themselves: weights, distances, where they come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from calib.report import Column, Role, Table
from calib.weights import WeightSet, compare_weights, distance_table
from calib.words import message

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["by_star", "distances", "provenance", "weight_table"]

MOST_SETS_SHOWN = 8
"""At most so many sets stand beside each other in a report's table of weights."""


def weight_table(sets: Mapping[str, WeightSet], baseline: str, shown: Sequence[str]) -> Table:
    """Return every weight under every set; a report shows the nodes above the leaves.

    Parameters
    ----------
    shown : sets that a report shows beside each other
    """
    frame, names = compare_weights(sets[baseline], sets), list(shown)[:MOST_SETS_SHOWN]
    levels = list(dict.fromkeys(frame["level"]))
    nodes = frame[frame["level"].isin(levels[:-1] or levels) & frame["set"].isin(names)]
    keys = ["track", "level", "code"]
    wide = nodes.pivot_table(index=keys, columns="set", values="local_weight")[names]
    wide = wide.loc[list(dict.fromkeys(nodes[keys].itertuples(index=False, name=None)))]
    wide.columns.name = None
    columns = tuple(Column(n, Role.WEIGHT, label=sets[n].label) for n in names)
    return Table(
        "weights", frame, message("outcomes.comparison.weights"), rows=len(wide),
        shown=wide.reset_index(), declared=columns,
    )  # fmt: skip


def distances(sets: Mapping[str, WeightSet], baseline: str) -> pd.DataFrame:
    """Return how far every other set is from the baseline, by track and level."""
    import pandas as pd

    parts = []
    for name, weights in sets.items():
        if name != baseline:
            table = distance_table(weights, sets[baseline])
            table.insert(0, "set", name)
            parts.append(table)
    if not parts:
        return pd.DataFrame(columns=["set", "track", "level", "total_variation", "aitchison"])
    return pd.concat(parts, ignore_index=True)


def provenance(sets: Mapping[str, WeightSet], *, said: bool = False) -> pd.DataFrame:
    """Return where each set comes from; what was done in the reader's language if ``said``."""
    import pandas as pd

    rows = [
        (n, p.source, p if said else p.detail, p.date, w.version, w.digest[:12])
        for n, w in sets.items()
        for p in [w.provenance]
    ]
    columns = ["set", "source", "detail", "date", "version", "digest"]
    return pd.DataFrame(rows, columns=columns)


def by_star(nodes: pd.DataFrame) -> pd.DataFrame:
    """Return node stars with one column a star, all tracks together."""
    whole = nodes[nodes["scope"] == "all"]
    order = whole[["set", "node"]].drop_duplicates()
    wide = whole.pivot_table(index=["set", "node"], columns="star", values="count")
    wide = wide.loc[list(order.itertuples(index=False, name=None))].astype(int)
    wide.columns = [f"star_{k}" for k in wide.columns]
    return wide.reset_index()
