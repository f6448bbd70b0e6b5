"""Tables of one rating: thresholds, stars overall and of the first-level nodes, downgrades."""

from __future__ import annotations

from typing import TYPE_CHECKING

from calib.framework import RatingRule
from calib.report import Column, Role, Table
from calib.words import message

if TYPE_CHECKING:
    import pandas as pd

    from calib.rating.rating_result import Rating

__all__ = ["rating_tables", "star_columns"]


def star_columns(rule: RatingRule) -> tuple[Column, ...]:
    """Return the columns of counts by star, headed by the framework's own names of stars."""
    numbered = enumerate(rule.labels, rule.first)
    return tuple(Column(f"star_{k}", Role.COUNT, label=name) for k, name in numbered)


def rating_tables(rating: Rating) -> tuple[Table, ...]:
    """Return every table of a rating: one row an enterprise first, then its distributions."""
    every = rating.enterprises()
    lost = every[every["downgraded"]].reset_index(drop=True)
    columns = ["enterprise", "name", "track", "total", "band_star", "star", "caused_by"]
    return (
        Table("enterprises", every, message("rating.enterprises"), rows=60),
        Table("stars", _stars(rating), message("rating.stars")),
        Table("node-stars", _node_stars(rating), message("rating.node_stars"),
              declared=star_columns(rating.framework.rule)),
        *([Table("downgrades", lost[columns], message("rating.downgrades"))]
          if rating.framework.rule.holds_back else []),
        Table("thresholds", _thresholds(rating), message("rating.thresholds"),
              declared=_THRESHOLDS, blank=message("rating.no_threshold")),
    )  # fmt: skip


_THRESHOLDS = (
    Column("total_above", Role.SCORE, "points", label=message("rating.total_above")),
    Column("gate_above", Role.SCORE, "points", label=message("rating.gate_above")),
)


def _stars(rating: Rating) -> pd.DataFrame:
    import pandas as pd

    first = rating.framework.rule.first
    rows = []
    for scope in rating.scopes:
        counts = rating.counts(scope)
        share = counts / max(int(counts.sum()), 1)
        rows += [
            (scope or "all", k + first, int(c), float(p))
            for k, (c, p) in enumerate(zip(counts, share, strict=True))
        ]
    return pd.DataFrame(rows, columns=["scope", "star", "count", "share"])


def _node_stars(rating: Rating) -> pd.DataFrame:
    import pandas as pd

    codes = dict.fromkeys(
        n.code for s in rating.samples.values() for n in s.track.nodes if n.depth == 1
    )
    first = rating.framework.rule.first
    rows = [(code, *rating.node_counts(code).tolist()) for code in codes]
    stars = [f"star_{k}" for k in range(first, first + rating.framework.rule.stars)]
    return pd.DataFrame(rows, columns=["node", *stars])


def _thresholds(rating: Rating) -> pd.DataFrame:
    import pandas as pd

    rule = rating.framework.rule
    if rule.beyond_gates():
        return _all_thresholds(rating)
    found = rule.thresholds(rating.rule_options)
    table = pd.DataFrame(
        {
            "star": range(rule.first, rule.first + rule.stars),
            "total_above": [float("nan"), *found.band.tolist()],
            "gate_above": [float("nan"), *found.gate.tolist()],
        }
    )
    return table if rule.gates else table.drop(columns="gate_above")


def _all_thresholds(rating: Rating) -> pd.DataFrame:
    """Return the thresholds of a rule that differs by track or node: a row a star and node."""
    import pandas as pd

    rule, options = rating.framework.rule, rating.rule_options
    nan, rows = float("nan"), []
    for t, sample in rating.samples.items():
        bands = rule.effective(options, t).band
        if rule.bands_of(t, options.year):
            rows += [(k, t, "", b, nan) for k, b in enumerate(bands, rule.first + 1)]
        for node, gates in zip(sample.gated, sample.gates, strict=True):
            code = sample.track.codes[node]
            rows += [
                (k, t, code, nan, g)
                for k, g in enumerate(gates, rule.first + 1)
                if g >= rule.low - rule.tolerance
            ]
    table = pd.DataFrame(rows, columns=["star", "track", "node", "total_above", "gate_above"])
    return table if table["gate_above"].notna().any() else table[["star", "track", "total_above"]]
