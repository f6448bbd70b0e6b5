"""The tables behind the page for the committee."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from calib.outcomes.decision_facts import Facts
from calib.outcomes.decision_rules import Ruling
from calib.outcomes.star_differences import mover_table
from calib.weights import Consensus
from calib.words import Text

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["agreement", "by_agreement", "enterprises", "movers", "rules", "samples", "stars"]


def movers(facts: Facts) -> pd.DataFrame:
    """Who changes star, why, and with what probability."""
    current, proposed = facts.ratings
    names = [current.weights.name, proposed.weights.name]
    both = {names[0]: current, names[1] if names[0] != names[1] else f"{names[1]} *": proposed}
    return mover_table(both, names[0]).drop(columns="set")


def by_agreement(every: Sequence[Consensus]) -> list[Consensus]:
    """Return nodes with the lowest agreement first, those where it is not defined last."""
    return sorted(every, key=lambda c: (np.isnan(c.w), c.w))


def agreement(facts: Facts) -> pd.DataFrame:
    """Kendall's W by node, the lowest first."""
    import pandas as pd

    rows = [(c.track, c.node, c.experts, c.w, c.low, c.high)
            for c in by_agreement(facts.evidence.consensus)]  # fmt: skip
    columns = ["track", "node", "judged_by", "kendall_w", "w_low", "w_high"]
    return pd.DataFrame(rows, columns=columns)


def rules(rulings: Sequence[Ruling], words: bool = False) -> pd.DataFrame:
    """Every rule with its verdict; ``words`` for texts of any language in place of English."""
    import pandas as pd

    def said(text: Text) -> Any:
        return text if words else text.get("en")

    rows = [
        (r.title if words else r.name, said(r.asked), said(r.found), r.threshold, r.value,
         r.verdict, r.p_met)
        for r in rulings
    ]  # fmt: skip
    columns = ["rule", "asked", "found", "threshold", "measured", "verdict", "p_met"]
    return pd.DataFrame(rows, columns=columns)


def stars(facts: Facts) -> pd.DataFrame:
    """Stars before and after, overall and by track, with intervals over draws."""
    import pandas as pd

    rows = []
    first, every = facts.scored.framework.rule.first, facts.scored.framework.rule.stars
    scopes = ["all", *(facts.before if len(facts.before) > 1 else ())]
    for scope in scopes:
        chosen = [t for t in facts.before if scope in ("all", t)]
        before, after = (
            np.bincount(np.concatenate([v[t] for t in chosen]), minlength=every)
            for v in (facts.before, facts.after)
        )
        low = high = mean = np.full(every, np.nan)
        if facts.drawn is not None and facts.estimated:
            drawn = np.concatenate([facts.drawn[t][1] for t in chosen], axis=1)
            counts = np.stack([(drawn == k).sum(axis=1) for k in range(every)], axis=1)
            low, high = facts.interval(counts)
            mean = counts.mean(axis=0)
        rows += [
            (scope, k + first, before[k], after[k], mean[k], low[k], high[k]) for k in range(every)
        ]
    columns = ["scope", "star", "count_before", "count_after", "count_expected", "count_low",
               "count_high"]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def enterprises(facts: Facts) -> pd.DataFrame:
    """Stars of every enterprise before and after, and the probability of each star."""
    import pandas as pd

    parts = []
    first = facts.scored.framework.rule.first
    for t, s in facts.ratings[1].samples.items():
        data = {
            "enterprise": s.ids, "name": s.names, "track": t,
            "star_before": facts.before[t] + first, "star_after": s.star + first,
        }  # fmt: skip
        if facts.probability is not None:
            p = facts.probability[t]
            data["p_now"] = p[np.arange(len(p)), s.star]
            data |= {f"p_{k + first}": p[:, k] for k in range(p.shape[1])}
        parts.append(pd.DataFrame(data))
    return pd.concat(parts, ignore_index=True)


def samples(facts: Facts) -> pd.DataFrame:
    """How many samples of an ensemble have how many star changes."""
    import pandas as pd

    counts, sizes = np.unique(facts.moved_samples, return_counts=True)
    share = sizes / sizes.sum()
    rows = zip(counts.tolist(), sizes.tolist(), share.tolist(), strict=True)
    return pd.DataFrame(list(rows), columns=["stars_changed", "samples", "share_of_samples"])
