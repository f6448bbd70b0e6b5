"""Tables of Delphi rounds: by node, by indicator, changes, and as journals print them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from calib.experts.rounds import NodeRound
from calib.words import joined, message, say

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["changes_table", "delphi_report", "items_table", "rounds_table"]


def rounds_table(rounds: Sequence[NodeRound]) -> pd.DataFrame:
    """Return a row per round and node: response, authority, W with its test, the verdict."""
    import pandas as pd

    rows = []
    for r in rounds:
        s, w = r.statistics, r.statistics.concordance
        nan = float("nan")
        rows.append(
            {
                "round": r.round,
                "node": r.node.question.key,
                "scale": r.scale,
                "sent": s.sent,
                "judged_by": s.returned,
                "response_rate": s.response_rate,
                "authority": s.authority,
                "kendall_w": w.w if w else nan,
                "w_low": w.interval[0] if w else nan,
                "w_high": w.interval[1] if w else nan,
                "chi2": w.chi2 if w else nan,
                "df": w.df if w else nan,
                "p": w.p if w else nan,
                "verdict": r.verdict.outcome,
                "reasons": joined(r.verdict.reasons, message("words.semicolon")),
            }
        )
    return pd.DataFrame(rows)


def items_table(rounds: Sequence[NodeRound]) -> pd.DataFrame:
    """Return a row per round, node and item: mean, median, SD, CV, IQR, full-mark ratio."""
    import pandas as pd

    rows = []
    for r in rounds:
        s = r.statistics.items
        for i, code in enumerate(r.node.question.items):
            rows.append(
                {
                    "round": r.round,
                    "node": r.node.question.key,
                    "code": code,
                    "name_zh": r.node.question.names[i].zh,
                    "name_en": r.node.question.names[i].en,
                    "scale": r.scale,
                    "judged_by": int(s.count[i]),
                    "mean": s.mean[i],
                    "median": s.median[i],
                    "sd": s.sd[i],
                    "cv": s.cv[i],
                    "iqr": s.iqr[i],
                    "full_mark_ratio": s.full_marks[i],
                }
            )
    return pd.DataFrame(rows)


def changes_table(rounds: Sequence[NodeRound]) -> pd.DataFrame:
    """Return a row per node, item and pair of rounds: stability, apart from consensus."""
    import pandas as pd

    rows = []
    for r in rounds:
        if r.change is None:
            continue
        c = r.change
        for i, code in enumerate(r.node.question.items):
            rows.append(
                {
                    "round": r.round,
                    "node": r.node.question.key,
                    "code": code,
                    "mean_change": c.mean_change[i],
                    "cv_change": c.cv_change[i],
                    "moved": c.moved[i],
                    "changed_share": c.changed_share[i],
                    "stayed": len(c.stayed),
                    "joined": len(c.joined),
                    "left": len(c.left),
                    "weight_shift": c.weight_shift,
                    "w_change": c.w_change,
                }
            )
    columns = ["round", "node", "code", "mean_change", "cv_change", "moved", "changed_share"]
    columns += ["stayed", "joined", "left", "weight_shift", "w_change"]
    return pd.DataFrame(rows, columns=columns)


_BY_ITEM = ("round", "within", "indicator", "mean_sd", "cv", "full")
_BY_ROUND = (
    "round", "within", "sent", "returned", "rate", "authority", "w", "chi2", "df", "p",
)  # fmt: skip
"""Keys of the headings, under ``experts.delphi`` in the catalogue."""


def delphi_report(
    rounds: Sequence[NodeRound], lang: str = "zh"
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the two tables of a Delphi study as Chinese journals print them, as text.

    Parameters
    ----------
    rounds
        From :func:`calib.experts.rounds.delphi_rounds`.
    lang
        ``"zh"`` or ``"en"``.

    Returns
    -------
    by indicator : mean ± SD, coefficient of variation, full-mark ratio
    by round : forms sent and returned, response rate, authority, W with χ² and p
    """
    import pandas as pd

    items, panels = [], []
    for r in rounds:
        s, within = r.statistics, r.node.question.heading(lang)
        for i in range(len(r.node.question.items)):
            items.append(
                (
                    r.round,
                    within,
                    r.node.question.names[i].get(lang),
                    f"{s.items.mean[i]:.2f}±{s.items.sd[i]:.2f}",
                    _shown(s.items.cv[i]),
                    _shown(s.items.full_marks[i]),
                )
            )
        w = s.concordance
        test = ("–", "–", "–", "–") if w is None else (_shown(w.w), f"{w.chi2:.2f}", w.df, _p(w.p))
        rate = f"{100 * s.response_rate:.1f}%"
        panels.append((r.round, within, s.sent, s.returned, rate, _shown(s.authority), *test))
    return (
        pd.DataFrame(items, columns=_heads(_BY_ITEM, lang)),
        pd.DataFrame(panels, columns=_heads(_BY_ROUND, lang)),
    )


def _heads(keys: Sequence[str], lang: str) -> list[str]:
    return [say(f"experts.delphi.{key}", lang) for key in keys]


def _shown(value: float) -> str:
    return "–" if np.isnan(value) else f"{value:.3f}"


def _p(value: float) -> str:
    return "<0.001" if value < 0.001 else f"{value:.3f}"
