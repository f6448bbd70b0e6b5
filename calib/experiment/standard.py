"""The comparison that every run makes: stars under each set, against the baseline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from calib.experiment.context import Context
from calib.experiment.results import Drawing, Note, OutcomeResult, Table
from calib.framework import OPEN_READINGS, Name
from calib.outcomes.comparison import (
    agreement_table,
    downgrade_table,
    mover_table,
    node_star_table,
    star_table,
    transition_matrix,
    transition_table,
)
from calib.rating import Rating
from calib.report import Column, Role
from calib.weights import WeightSet, compare_weights, distance_table

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["standard_outcome"]

MOST_TRANSITIONS = 8
"""Transition figures are drawn for this many sets; the table has them all."""
MOST_ENTERPRISES = 200_000
"""The table of every enterprise under every set is written up to this many rows."""


def standard_outcome(context: Context, sets: Mapping[str, WeightSet]) -> OutcomeResult:
    """Compare every set with the baseline."""
    ratings, base = context.ratings, context.baseline
    nodes = node_star_table(ratings)
    tables = [
        Table("stars", star_table(ratings), Name("星级分布", "Star distribution"), rows=0),
        Table(
            "agreement",
            _agreement(ratings, base),
            Name("与基准的一致性", "Agreement with the baseline"),
        ),
        Table("movers", mover_table(ratings, base), Name("星级变化的企业", "Who moves, and why")),
        Table("downgrades", downgrade_table(ratings), Name("被降级的企业", "Downgrades")),
        Table(
            "transitions",
            transition_table(ratings, base),
            Name("星级转移", "Transitions from the baseline"),
            rows=0,
        ),
        Table(
            "node-stars",
            nodes,
            Name("一级指标星级", "Stars of first-level nodes"),
            rows=60,
            shown=_pivot(nodes),
            declared=_star_columns(context),
        ),
        Table("weights", _weights(sets, base), Name("权重", "Weights"), rows=0),
        Table(
            "distances",
            _distances(sets, base),
            Name("与基准权重的距离", "Distance from the baseline weights"),
            blank=Name("有权重为 0，距离无穷大", "infinitely far: a weight is 0 in one set only"),
        ),
        Table("provenance", _provenance(sets), Name("权重来源", "Where the weights come from")),
    ]
    if len(context.scored) * len(ratings) <= MOST_ENTERPRISES:
        tables.append(
            Table(
                "enterprises", _enterprises(ratings), Name("企业结果", "Every enterprise"), rows=0
            )
        )
    return OutcomeResult(tuple(tables), tuple(_drawings(context, sets)), tuple(_notes(context)))


def _pivot(nodes: pd.DataFrame) -> pd.DataFrame:
    """Return node stars with one column a star, all tracks together."""
    whole = nodes[nodes["scope"] == "all"]
    order = whole[["set", "node"]].drop_duplicates()
    wide = whole.pivot_table(index=["set", "node"], columns="star", values="count")
    wide = wide.loc[list(order.itertuples(index=False, name=None))].astype(int)
    wide.columns = [f"star_{k}" for k in wide.columns]
    return wide.reset_index()


def _star_columns(context: Context) -> tuple[Column, ...]:
    """Return the columns of counts by star, headed by the framework's own names of stars."""
    rule = context.framework.rule
    numbered = enumerate(rule.labels, rule.first)
    return tuple(Column(f"star_{k}", Role.COUNT, label=n) for k, n in numbered)


def _agreement(ratings: Mapping[str, Rating], base: str) -> pd.DataFrame:
    table = agreement_table(ratings, base)
    return table[table["set"] != base].reset_index(drop=True)


def _weights(sets: Mapping[str, WeightSet], base: str) -> pd.DataFrame:
    import pandas as pd

    parts = []
    for name, weights in sets.items():
        table = compare_weights(weights, sets[base])
        table.insert(0, "set", name)
        parts.append(table)
    return pd.concat(parts, ignore_index=True)


def _distances(sets: Mapping[str, WeightSet], base: str) -> pd.DataFrame:
    import pandas as pd

    parts = []
    for name, weights in sets.items():
        if name != base:
            table = distance_table(weights, sets[base])
            table.insert(0, "set", name)
            parts.append(table)
    if not parts:
        return pd.DataFrame(columns=["set", "track", "level", "total_variation", "aitchison"])
    return pd.concat(parts, ignore_index=True)


def _provenance(sets: Mapping[str, WeightSet]) -> pd.DataFrame:
    import pandas as pd

    rows = [
        (n, w.provenance.source, w.provenance.detail, w.provenance.date, w.version, w.digest[:12])
        for n, w in sets.items()
    ]
    return pd.DataFrame(rows, columns=["set", "source", "detail", "date", "version", "digest"])


def _enterprises(ratings: Mapping[str, Rating]) -> pd.DataFrame:
    import pandas as pd

    parts = []
    for name, rating in ratings.items():
        table = rating.frame()
        table.insert(0, "set", name)
        parts.append(table)
    return pd.concat(parts, ignore_index=True)


def _label(sets: Mapping[str, WeightSet], name: str, lang: str) -> str:
    """Return a set's label, with its name where other sets have the same one."""
    label = sets[name].label.get(lang)
    same = sum(w.label.get(lang) == label for w in sets.values())
    return label if same == 1 else f"{label} ({name})"


def _rated(context: Context, sets: Mapping[str, WeightSet], name: str, lang: str) -> str:
    """Return a set's label and, where they grow, what its enterprises have become."""
    return context.said(name, _label(sets, name, lang), lang)


def _drawings(context: Context, sets: Mapping[str, WeightSet]) -> list[Drawing]:
    """Return the figures of the sets that the file names; further ones are in the tables."""
    base = context.baseline
    ratings = {n: r for n, r in context.ratings.items() if "/" not in n or n == base}

    def stars(lang: str) -> Any:
        import pandas as pd

        from calib.figures import star_distribution

        labels = [n.get(lang) for n in context.framework.rule.labels]
        counts = pd.DataFrame(
            [r.counts() for r in ratings.values()],
            index=[_rated(context, sets, n, lang) for n in ratings], columns=labels,
        )  # fmt: skip
        return star_distribution(counts, language=lang)

    def pillars(lang: str) -> Any:
        import pandas as pd

        from calib.figures import weights_by_set

        track = next(iter(context.framework.tracks.values()))
        top = track.at_depth(1)
        table = pd.DataFrame(
            {_label(sets, n, lang): sets[n].local[track.code][top] for n in ratings},
            index=[track.nodes[i].name.get(lang) for i in top],
        )
        return weights_by_set(table, language=lang)

    out = [
        Drawing("stars", Name("各权重方案下的星级分布", "Star distribution by weight set"), stars),
        Drawing("weights", Name("一级指标权重", "First-level weights by set"), pillars),
    ]
    for name in [n for n in ratings if n != base][:MOST_TRANSITIONS]:
        out.append(_transition(context, sets, name))
    return out


def _transition(context: Context, sets: Mapping[str, WeightSet], name: str) -> Drawing:
    base = context.baseline

    def draw(lang: str) -> Any:
        import pandas as pd

        from calib.figures import transitions

        labels = [n.get(lang) for n in context.framework.rule.labels]
        matrix = transition_matrix(context.ratings[name], context.ratings[base])
        return transitions(
            pd.DataFrame(matrix, index=labels, columns=labels),
            before=_rated(context, sets, base, lang),
            after=_rated(context, sets, name, lang),
            language=lang,
        )

    title = Name(f"{base} → {name}：星级转移", f"{base} → {name}: transitions")
    return Drawing(f"transitions-{name.replace('/', '-')}", title, draw)


def _notes(context: Context) -> list[Note]:
    framework, scored = context.framework, context.scored
    notes = []
    if scored.synthetic:
        notes.append(Note(Name(
            f"样本“{scored.label}”为合成数据，不含任何真实企业。",
            f"The population “{scored.label}” is synthetic: no real enterprise is in it.",
        ), warning=True))  # fmt: skip
    notes += [Note(n) for n in framework.notes]
    notes += [Note(n) for n in scored.notes]
    changed = [
        (r, getattr(scored.readings, r.key))
        for r in OPEN_READINGS
        if getattr(scored.readings, r.key) != getattr(framework.rule.defaults, r.key)
    ]
    for reading, value in changed:
        notes.append(Note(Name(
            f"读法不同于默认：{reading.question.zh} → {value}",
            f"A reading differs from the default: {reading.question.en} → {value}",
        )))  # fmt: skip
    growing = [n for n in context.sets() if context.grown(n) and "/" not in n]
    if growing:
        text = ", ".join(growing)
        notes.append(Note(Name(
            f"方案 {text}：企业按假设成长，各年星级均按当年得分计算；与基准的差异包含成长的影响。",
            f"Sets {text}: enterprises grow as assumed, and every year's stars are of its scores; "
            "differences from the baseline include that growth.",
        ), warning=True))  # fmt: skip
    empty = [t for t in framework.tracks if t not in scored.samples]
    if empty:
        text = ", ".join(empty)
        notes.append(Note(Name(f"没有企业的行业类型：{text}", f"No enterprises on: {text}")))
    if any(np.isinf(v) for v in framework.rule.thresholds(scored.readings).gate):
        notes.append(Note(Name("此框架没有门槛。", "This framework has no gates.")))
    return notes
