"""What a panel's diagnostics have to say, as sentences for a report or a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from calib.experts.consistency import random_index_source
from calib.experts.direction import Direction
from calib.experts.elicit import METHODS
from calib.experts.groups import LEVEL, NodeGroups
from calib.experts.judgements import NodeJudgements
from calib.framework import Name

__all__ = ["Finding", "direction_findings", "group_findings", "judgement_findings"]


@dataclass(frozen=True, slots=True)
class Finding:
    """A sentence in both languages; a warning asks for attention."""

    text: Name
    warning: bool = False


def judgement_findings(nodes: Mapping[str, NodeJudgements]) -> list[Finding]:
    """Say which random index CR used, who is inconsistent, and whose numbers do not add up."""
    out = []
    for label in sorted({label for node in nodes.values() for label in node.index if label}):
        source = random_index_source(label)
        values = {
            len(node.question.items): float(value)
            for node in nodes.values()
            for own, value, gaps in zip(node.index, node.random_index, node.missing, strict=True)
            if own == label and not gaps
        }
        listed = ", ".join(f"RI({n}) = {values[n]:.4g}" for n in sorted(values))
        out.append(
            Finding(
                Name(
                    f"一致性比例 CR 所用随机指标：{label}（{source.zh}），按指标个数 {listed}；"
                    "缺比较时按缺失对数折减。",
                    f"Consistency ratios CR use the random index {label!r} ({source.en}), by number"
                    f" of items {listed}; it is reduced where comparisons are missing.",
                )
            )
        )
    doubtful = sum(int((~node.acceptable).sum()) for node in nodes.values())
    if doubtful:
        text = Name(
            f"{doubtful} 份判断的一致性未达常用限值，仍计入。",
            f"{doubtful} judgements exceed the usual limit of consistency; they still count.",
        )
        out.append(Finding(text, warning=True))
    sums = [
        (key, node.experts[i], float(node.stated_sum[i]))
        for key, node in nodes.items()
        for i in np.flatnonzero(node.off_total)
    ]
    if sums:
        zh = "；".join(f"{key} {expert} {total:g}" for key, expert, total in sums)
        en = "; ".join(f"{key} {expert} {total:g}" for key, expert, total in sums)
        text = Name(
            f"{len(sums)} 份点数或直接权重的合计不是 100（直接权重也可为 1），已按合计归一：{zh}。",
            f"{len(sums)} allocations of points or direct weights do not add up to 100 (or, direct"
            f" weights, to 1); they were divided by their sums: {en}.",
        )
        out.append(Finding(text, warning=True))
    return out


def group_findings(groups: Mapping[str, NodeGroups]) -> list[Finding]:
    """Say where groups of experts are ways of asking, and where methods give other weights."""
    out = []
    for key, found in groups.items():
        if found.kind not in ("methods", "not told apart"):
            continue
        count, tied = found.camps.count, found.association
        zh_p, en_p = _p(tied.p, tied.floor)
        if found.kind == "methods":
            text = Name(
                f"节点 {key} 的 {count} 个专家分组与征询方法相关（Fisher 精确检验 {zh_p}，"
                f"Cramér V={tied.cramers_v:.2f}）：分组反映的是征询方法，不能说是意见阵营。",
                f"The {count} groups of experts at {key} go with the elicitation method (Fisher's"
                f" exact test {en_p}, Cramér's V {tied.cramers_v:.2f}): they are ways of asking,"
                " not camps of opinion.",
            )
        else:
            text = Name(
                f"节点 {key} 的 {count} 个专家分组是意见不同还是征询方法不同，现有专家数无法区分"
                f"（Fisher 精确检验 {zh_p}）。",
                f"Whether the {count} groups of experts at {key} are opinions or elicitation"
                f" methods cannot be told from these experts (Fisher's exact test {en_p}).",
            )
        out.append(Finding(text, warning=True))
    differ = [(key, found) for key, found in groups.items() if found.p_holm <= LEVEL]
    if differ:
        zh = "；".join(f"{k}（R²={f.difference.r2:.2f}，Holm p={f.p_holm:.2g}）" for k, f in differ)
        en = "; ".join(f"{k} (R² {f.difference.r2:.2f}, Holm p {f.p_holm:.2g})" for k, f in differ)
        used = sorted({m for _, f in differ for m in f.difference.methods})
        named = "、".join(METHODS[m].name["zh"] for m in used)
        text = Name(
            f"不同征询方法（{named}）给出的权重不同：{zh}。合成权重取决于各方法的专家人数。",
            f"Elicitation methods ({', '.join(METHODS[m].name['en'] for m in used)}) give different"
            f" weights: {en}. The pooled weights depend on how many experts used which.",
        )
        out.append(Finding(text, warning=True))
    return out


def direction_findings(experts: Sequence[str], direction: Direction) -> list[Finding]:
    """Name experts whose answers run against the rest of the panel, three or more of them."""
    if len(experts) < 3:
        return []  # of two who disagree neither is "the rest"
    against = [
        (experts[e], float(direction.correlation[e]), float(direction.p[e]))
        for e in np.argsort(direction.correlation, kind="stable").tolist()
        if direction.correlation[e] < 0
    ]
    if not against:
        return []
    zh, en = [], []
    for expert, r, p in against:
        zh_p, en_p = _p(p, direction.floor)
        zh.append(f"{expert}（r={r:.2f}，{zh_p}）")
        en.append(f"{expert} (r {r:.2f}, {en_p})")
    text = Name(
        f"以下专家的回答与其余专家负相关，是否把方向填反？{'；'.join(zh)}。",
        "Answers that correlate negatively with the rest of the panel (filled in in the wrong"
        f" direction?): {'; '.join(en)}.",
    )
    return [Finding(text, warning=True)]


def _p(value: float, floor: float) -> tuple[str, str]:
    """Return a p-value in both languages, saying when it is the smallest the test can give."""
    shown = f"{value:.2g}"
    if value <= floor * (1 + 1e-9):
        return f"p={shown}，为该检验可得的最小值", f"p {shown}, the least this test can give"
    return f"p={shown}", f"p {shown}"
