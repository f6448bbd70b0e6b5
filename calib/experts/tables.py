"""Tables of a panel: weights, consistency, experts, Delphi rounds, camps of opinion."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from calib._types import FloatArray, IntArray, Seed
from calib.experts.diagnostics import opinion_camps, outlying_experts
from calib.experts.panel import Panel
from calib.experts.rounds import NodeRound
from calib.experts.synthesis import NodeJudgements, PanelWeights

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "camps_table",
    "changes_table",
    "consistency_table",
    "delphi_report",
    "experts_table",
    "items_table",
    "rounds_table",
    "sums_table",
    "weights_table",
]

Stars = Callable[[str, FloatArray], IntArray]


def weights_table(result: PanelWeights) -> pd.DataFrame:
    """Return the panel's local weights with intervals, a row per node and item."""
    import pandas as pd

    rows = []
    for key, pooled in result.pooled.items():
        node = result.nodes[key]
        for i, code in enumerate(node.question.items):
            rows.append(
                {
                    "node": key,
                    "code": code,
                    "name_zh": node.question.names[i].zh,
                    "name_en": node.question.names[i].en,
                    "weight": pooled.weights[i],
                    "low": pooled.low[i],
                    "high": pooled.high[i],
                    "se": pooled.se[i],
                    "experts": len(node.experts),
                }
            )
    return pd.DataFrame(rows)


def consistency_table(nodes: Mapping[str, NodeJudgements]) -> pd.DataFrame:
    """Return a row per expert and node with the consistency measure and the worst judgement."""
    import pandas as pd

    rows = []
    for key, node in nodes.items():
        acceptable = node.acceptable
        for i, expert in enumerate(node.experts):
            if not np.isnan(node.consistency[i]):
                rows.append(
                    {
                        "node": key,
                        "expert": expert,
                        "method": node.methods[i],
                        "consistency": node.consistency[i],
                        "limit": node.limit[i],
                        "acceptable": "yes" if acceptable[i] else "no",
                        "look_again_at": node.hint[i],
                    }
                )
    columns = ["node", "expert", "method", "consistency", "limit", "acceptable", "look_again_at"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.sort_values(["acceptable", "node", "expert"], ignore_index=True)


def sums_table(nodes: Mapping[str, NodeJudgements]) -> pd.DataFrame:
    """Return a row per judgement by direct weights or points: its sum before normalising."""
    import pandas as pd

    rows = [
        {
            "node": key,
            "expert": expert,
            "method": node.methods[i],
            "stated_sum": node.stated_sum[i],
            "adds_up": "no" if off else "yes",
        }
        for key, node in nodes.items()
        for i, (expert, off) in enumerate(zip(node.experts, node.off_total, strict=True))
        if node.methods[i] in ("direct", "points")
    ]
    columns = ["node", "expert", "method", "stated_sum", "adds_up"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.sort_values(["adds_up", "node", "expert"], ignore_index=True)


def experts_table(panel: Panel, result: PanelWeights, stars: Stars | None = None) -> pd.DataFrame:
    """Return a row per expert: competence, consistency, outlier score, and what they change.

    Parameters
    ----------
    panel, result
        The panel and its pooled round.
    stars
        Function from a track and (s, m) local weights to (s, n) stars; None if there is no
        population to rate.
    """
    import pandas as pd

    forms = {form.expert: form for form in panel.in_round(result.round)}
    distance = _by_expert(result, lambda node: outlying_experts(node.weights).score)
    flagged = _by_expert(
        result, lambda node: np.asarray(outlying_experts(node.weights).outlying, dtype=float)
    )
    doubtful = _by_expert(result, lambda node: np.asarray(~node.acceptable, dtype=float))
    shift = _leaf_shift(panel, result)
    up, down = _stars_changed(panel, result, stars)
    rows = []
    for e, expert in enumerate(result.experts):
        form = forms[expert]
        methods = {a.method for a in form.answers.values()}
        rows.append(
            {
                "expert": expert,
                "method": ", ".join(sorted(methods)),
                "nodes": len(form.answers),
                "ca": form.basis,
                "cs": form.familiarity,
                "cr": form.authority,
                "mean_weight": result.competence[e][result.competence[e] > 0].mean()
                if (result.competence[e] > 0).any()
                else 0.0,
                "doubtful_nodes": int(np.nansum(doubtful[e])),
                "outlying_nodes": int(np.nansum(flagged[e])),
                "largest_outlier_score": np.nanmax(distance[e]),
                "weight_shift_without": shift[e],
                "stars_up_without": up[e],
                "stars_down_without": down[e],
            }
        )
    return pd.DataFrame(rows)


def _by_expert(result: PanelWeights, of: Callable[[NodeJudgements], FloatArray]) -> FloatArray:
    out = np.full((len(result.experts), len(result.nodes)), np.nan)
    for column, node in enumerate(result.nodes.values()):
        rows = [result.experts.index(name) for name in node.experts]
        out[rows, column] = of(node)
    return out


def _leaf_shift(panel: Panel, result: PanelWeights) -> FloatArray:
    """Return the largest move, over tracks, of leaf weights (total variation)."""
    moved = np.zeros(len(result.experts))
    for t, tree in panel.framework.tracks.items():
        whole = tree.leaf_weights(result.local[t])
        part = tree.leaf_weights(result.without[t])
        moved = np.maximum(moved, np.abs(part - whole).sum(axis=1) / 2)
    return moved


def _stars_changed(
    panel: Panel, result: PanelWeights, stars: Stars | None
) -> tuple[Sequence[object], Sequence[object]]:
    from calib.experts.diagnostics import star_influence

    k = len(result.experts)
    if stars is None:
        return [None] * k, [None] * k
    up, down = np.zeros(k, dtype=int), np.zeros(k, dtype=int)
    for t in panel.framework.tracks:
        found = star_influence(result.local[t], result.without[t], partial(stars, t))
        up, down = up + found.up, down + found.down
    return up.tolist(), down.tolist()


def camps_table(nodes: Mapping[str, NodeJudgements], *, rng: Seed = None) -> pd.DataFrame:
    """Return a row per node and camp of opinion: members and mean weights; one camp if united."""
    import pandas as pd

    generator = np.random.default_rng(rng)
    rows = []
    for key, node in nodes.items():
        camps = opinion_camps(node.weights, rng=generator)
        for c in range(camps.count):
            members = [e for e, label in zip(node.experts, camps.label, strict=True) if label == c]
            centre = ", ".join(
                f"{code} {w:.3f}"
                for code, w in zip(node.question.items, camps.centres[c], strict=True)
            )
            rows.append(
                {
                    "node": key,
                    "camps": camps.count,
                    "silhouette": camps.silhouette,
                    "p_one_camp": camps.p,
                    "camp": c + 1,
                    "size": len(members),
                    "mean_weights": centre,
                    "members": ", ".join(members),
                }
            )
    return pd.DataFrame(rows)


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
                "reasons": "; ".join(r.verdict.reasons),
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


_REPORT = {
    "zh": ("轮次", "上级指标", "指标", "均值±标准差", "变异系数", "满分比"),
    "en": ("round", "within", "indicator", "mean ± SD", "CV", "full-mark ratio"),
}
_REPORT_PANEL = {
    "zh": (
        "轮次",
        "上级指标",
        "发出",
        "收回",
        "积极系数",
        "权威系数",
        "协调系数W",
        "χ²",
        "自由度",
        "P",
    ),
    "en": (
        "round",
        "within",
        "sent",
        "returned",
        "response rate",
        "authority Cr",
        "Kendall's W",
        "χ²",
        "df",
        "p",
    ),
}


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
        pd.DataFrame(items, columns=list(_REPORT[lang])),
        pd.DataFrame(panels, columns=list(_REPORT_PANEL[lang])),
    )


def _shown(value: float) -> str:
    return "–" if np.isnan(value) else f"{value:.3f}"


def _p(value: float) -> str:
    return "<0.001" if value < 0.001 else f"{value:.3f}"
