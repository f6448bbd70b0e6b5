"""Delphi statistics of a panel with forms, every node and every round, and their tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from calib._types import FloatArray, Seed
from calib.errors import Faults
from calib.experts.delphi import (
    RoundChange,
    RoundStatistics,
    Verdict,
    compare_rounds,
    round_statistics,
    stop_or_go,
)
from calib.experts.elicit import RATING_RANGE
from calib.experts.judgements import NodeJudgements, judge_nodes
from calib.experts.panel import Panel
from calib.experts.panel_request import StoppingRule
from calib.words import joined, message, say

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "NodeRound",
    "changes_table",
    "delphi_report",
    "delphi_rounds",
    "items_table",
    "rounds_table",
]


@dataclass(frozen=True, eq=False)
class NodeRound:
    """One node in one round.

    Attributes
    ----------
    values : (k, n) what the statistics are about: ratings if everybody rated, else weights in
        percent, since ratings, comparisons and points have no common scale but the weights
    scale : ``"rating"`` or ``"weight %"``
    change : against the round before, None in the first
    verdict : of the stopping rule
    """

    round: int
    node: NodeJudgements
    values: FloatArray
    scale: str
    statistics: RoundStatistics
    change: RoundChange | None
    verdict: Verdict


def delphi_rounds(
    panel: Panel,
    *,
    sent: Mapping[int, int] | None = None,
    rule: StoppingRule | None = None,
    methods: Mapping[str, Any] | None = None,
    draws: int = 1000,
    rng: Seed = None,
) -> list[NodeRound]:
    """Compute the statistics of every node and round, and apply the stopping rule.

    Parameters
    ----------
    panel
        The panel.
    sent
        Forms sent out by round; as many as came back where not stated.
    rule
        Limits of the stopping rule.
    methods
        By method, options of :func:`calib.experts.elicit.elicit`.
    draws
        Bootstrap samples for intervals of Kendall's W.
    rng
        Generator or seed.

    Raises
    ------
    InputError
        When fewer forms were sent than came back, or ``sent`` names a round without forms.

    Notes
    -----
    Full-mark ratios are taken over the experts who rated, whatever the others did.
    """
    generator = np.random.default_rng(rng)
    posted = _sent(panel, sent or {})
    out: list[NodeRound] = []
    before: dict[str, NodeRound] = {}
    for number in panel.rounds:
        forms = {form.expert: form for form in panel.in_round(number)}
        nodes = judge_nodes(panel, number, methods)
        for key, node in nodes.items():
            rated = set(node.methods) == {"ratings"}
            values = node.stated if rated else 100.0 * node.weights
            statistics = round_statistics(
                values,
                sent=posted[number],
                authority=np.array([forms[e].authority for e in node.experts]),
                full_mark=RATING_RANGE[1] if rated else None,
                draws=draws,
                rng=generator,
            )
            statistics = _with_full_marks(statistics, node)
            last = before.get(key)
            change = _change(last, node, values, rated) if last is not None else None
            verdict = stop_or_go(statistics, change, number, rule)
            scale = "rating" if rated else "weight %"
            found = NodeRound(number, node, values, scale, statistics, change, verdict)
            before[key] = found
            out.append(found)
    return out


def _sent(panel: Panel, sent: Mapping[int, int]) -> dict[int, int]:
    """Return the forms sent out in every round; as many as came back where not stated."""
    returned = {number: len(panel.in_round(number)) for number in panel.rounds}
    faults = Faults()
    for number, count in sent.items():
        if number not in returned:
            text = message("experts.faults.no_such_round")
            listed = message("experts.faults.one_round", rounds=[str(r) for r in panel.rounds])
            faults.add(
                message("experts.faults.round_n", n=number), text, value=count, expected=listed
            )
        elif count < returned[number]:
            text = message("experts.faults.fewer_sent")
            wanted = message("experts.faults.at_least", n=returned[number])
            faults.add(
                message("experts.faults.round_n", n=number), text, value=count, expected=wanted
            )
    faults.raise_if_any()
    return {**returned, **sent}


def _change(last: NodeRound, node: NodeJudgements, values: FloatArray, rated: bool) -> RoundChange:
    # A round of ratings and one of other methods meet on the weights.
    same = rated == (last.scale == "rating")
    return compare_rounds(
        last.values if same else 100.0 * last.node.weights,
        values if same else 100.0 * node.weights,
        last.node.experts,
        node.experts,
        weights_before=last.node.weights.mean(axis=0),
        weights_after=node.weights.mean(axis=0),
    )


def _with_full_marks(statistics: RoundStatistics, node: NodeJudgements) -> RoundStatistics:
    from dataclasses import replace

    rated = ~np.isnan(node.stated).any(axis=1)
    if not rated.any():
        return statistics
    full = (node.stated[rated] >= RATING_RANGE[1]).mean(axis=0)
    return replace(statistics, items=replace(statistics.items, full_marks=full))


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


_CHANGES = (
    "round", "node", "code", "mean_change", "cv_change", "moved", "changed_share", "stayed",
    "joined", "left", "weight_shift", "w_change",
)  # fmt: skip


def changes_table(rounds: Sequence[NodeRound]) -> pd.DataFrame:
    """Return a row per node, item and pair of rounds: stability, apart from consensus."""
    import pandas as pd

    rows = []
    for r in rounds:
        if r.change is None:
            continue
        c, node = r.change, r.node.question
        people = (len(c.stayed), len(c.joined), len(c.left))
        for i, code in enumerate(node.items):
            of_item = (c.mean_change[i], c.cv_change[i], c.moved[i], c.changed_share[i])
            rows.append((r.round, node.key, code, *of_item, *people, c.weight_shift, c.w_change))
    return pd.DataFrame(rows, columns=_CHANGES)


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
        From :func:`calib.experts.delphi_panel.delphi_rounds`.
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
        pd.DataFrame(items, columns=_labels(_BY_ITEM, lang)),
        pd.DataFrame(panels, columns=_labels(_BY_ROUND, lang)),
    )


def _labels(keys: Sequence[str], lang: str) -> list[str]:
    return [say(f"experts.delphi.{key}", lang) for key in keys]


def _shown(value: float) -> str:
    return "–" if np.isnan(value) else f"{value:.3f}"


def _p(value: float) -> str:
    return "<0.001" if value < 0.001 else f"{value:.3f}"
