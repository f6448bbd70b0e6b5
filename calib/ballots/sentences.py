"""The equal-importance report in plain sentences, Chinese or English."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from calib.ballots.equivalence import LARGEST_MARGIN, Equivalence
from calib.ballots.report import EqualityReport
from calib.framework import Name

__all__ = ["equality_sentences", "verdict_name"]

_VERDICTS: Mapping[str, Name] = {
    "equal": Name("在声明的界限内重要性相当", "equally important within the declared margin"),
    "unequal": Name("重要性不相当", "not equally important"),
    "different": Name(
        "存在差异，但差异是否超出界限尚无定论", "differences are shown, their size is not settled"
    ),
    "undecided": Name("尚无定论", "undecided"),
}
_TESTS: Mapping[str, Name] = {
    "picks": Name("入选次数的 Q 检验（Cochran）", "Q test of the pick counts (Cochran's)"),
    "likelihood_ratio": Name("似然比检验", "likelihood-ratio test"),
    "score": Name("得分检验（Savage）", "score test (Savage)"),
    "clustered": Name("按企业聚类的得分检验", "score test clustered by enterprise"),
}
_SHOWN = 6


def verdict_name(verdict: str) -> Name:
    """Return a verdict in words."""
    return _VERDICTS[verdict]


def equality_sentences(
    report: EqualityReport, lang: str, names: Mapping[str, str] | None = None
) -> tuple[str, ...]:
    """Say what the report found, the verdict first.

    Parameters
    ----------
    report : the report
    lang : ``zh`` or ``en``
    names : item and group names as shown, by code; codes are shown where there is none

    Notes
    -----
    Only the equivalence verdict may say "equal"; a test that does not reject is reported as
    what it is, the absence of shown differences, with the difference it could have missed.
    """
    shown = dict(names or {})
    parts = (
        _verdict,
        _no_maximum,
        _other_measure,
        _test,
        _size,
        _items,
        _detectable,
        _margin,
        _groups,
        _stages,
    )
    return tuple(s for s in (part(report, lang == "zh", shown) for part in parts) if s)


def _list(codes: list[str], names: Mapping[str, str], zh: bool) -> str:
    words = [names.get(code, code) for code in codes[:_SHOWN]]
    text = ("、" if zh else ", ").join(words)
    more = len(codes) - _SHOWN
    if more > 0:
        text += f"等 {len(codes)} 项" if zh else f" and {more} more"
    return text


def _verdict(r: EqualityReport, zh: bool, names: Mapping[str, str]) -> str:
    v = r.equivalence
    low, high = v.band
    J, outside = len(r.items), [r.items[j] for j in v.outside]
    what = _measure(v, zh)
    if zh:
        head = f"结论：{_VERDICTS[v.verdict].zh}。"
        if v.verdict == "equal":
            small = "；检验仍能测出界限以内的细小差异" if v.differences_shown else ""
            return (
                head + f"全部 {J} 项指标{what}的联合区间都落在 {low:.1%}–{high:.1%} 之内{small}。"
            )
        if v.verdict == "unequal":
            return head + (
                f"{len(outside)} 项指标{what}的联合区间完全落在 {low:.1%}–{high:.1%} 之外："
                f"{_list(outside, names, zh)}。"
            )
        return head + (
            f"{len(v.open)} 项指标{what}的联合区间跨越界限 {low:.1%}–{high:.1%}，"
            "现有选票既不能证实也不能否定“重要性相当”。"
        )
    head = f"Verdict: {_VERDICTS[v.verdict].en}. "
    if v.verdict == "equal":
        small = (
            "; the test still detects small differences inside it" if v.differences_shown else ""
        )
        return head + (
            f"The simultaneous interval of every {what} ({J} indicators) lies inside "
            f"{low:.1%} to {high:.1%}{small}."
        )
    if v.verdict == "unequal":
        return head + (
            f"The simultaneous interval of the {what} lies wholly outside {low:.1%} to "
            f"{high:.1%} for {len(outside)} of {J} indicators: {_list(outside, names, zh)}."
        )
    return head + (
        f"For {len(v.open)} of {J} indicators the simultaneous interval of the {what} crosses "
        f"the band {low:.1%} to {high:.1%}: these ballots neither confirm nor refute equal "
        "importance."
    )


def _measure(v: Equivalence, zh: bool) -> str:
    if v.measure == "share":
        return "入选率" if zh else "pick share"
    return "重要性（不收缩）" if zh else "unshrunken worth"


def _no_maximum(r: EqualityReport, zh: bool, names: Mapping[str, str]) -> str:
    if r.equivalence.finite:
        return ""
    w = r.unshrunken
    if w.never:
        who = _list(list(w.never), names, zh)
        why = f"无人选择：{who}" if zh else f"nobody chose: {who}"
    elif w.above:
        first, last = (_list(list(c), names, zh) for c in (w.above, w.below))
        why = (
            f"没有一份选票把后者排在前者之前：{first}／{last}"
            if zh
            else f"no ballot puts any of the latter above any of the former: {first} / {last}"
        )
    else:
        why = "迭代不收敛" if zh else "the iteration does not converge"
    if zh:
        return (
            f"重要性的最大似然估计不存在（{why}），因此不能称“相当”；"
            "所示区间取自首选占比，同样是对重要性的估计。"
        )
    return (
        f"Maximum-likelihood worths do not exist ({why}), so that the verdict cannot be 'equal'; "
        "the intervals are those of the shares of first choices, which estimate the same worths."
    )


def _other_measure(r: EqualityReport, zh: bool, names: Mapping[str, str]) -> str:
    """Say why the other measure's verdict, where it differs, is not the answer."""
    v = r.equivalence
    other = r.by_worth if v.measure == "share" else r.by_share
    if other is None or other.verdict == v.verdict:
        return ""
    says = _VERDICTS[other.verdict]
    if zh:
        why = (
            "结论按入选率：所公布的说法针对入选，且不依赖模型"
            if v.measure == "share"
            else "结论按重要性：选票列出半数以上指标时，入选率挤在 1 附近"
        )
        return f"若按{_measure(other, zh)}判断，则为“{says.zh}”；{why}。"
    why = (
        "the verdict goes by pick shares, which the published claim is about and which need no"
        " model"
        if v.measure == "share"
        else "the verdict goes by worths, because shares crowd near 1 where ballots list more than"
        " half of the indicators"
    )
    return f"By the {_measure(other, zh)} it would be '{says.en}'; {why}."


def _p(p: float) -> str:
    return "< 0.0001" if p < 0.0001 else f"= {p:.4f}" if p < 0.01 else f"= {p:.2f}"


def _test(r: EqualityReport, zh: bool, names: Mapping[str, str]) -> str:
    t = r.tests.main
    how = ""
    if t.p_monte_carlo is not None:
        how = "（蒙特卡罗）" if zh else " (Monte Carlo)"
    if zh:
        base = f"{_TESTS[t.name].zh}：统计量 {t.statistic:.1f}，自由度 {t.df}，p {_p(t.p)}{how}。"
        if t.p < r.alpha:
            return base + "差异不能用抽样波动解释。"
        return base + "未测出差异；这本身不等于“同等重要”。"
    base = f"{_TESTS[t.name].en}: statistic {t.statistic:.1f}, df {t.df}, p {_p(t.p)}{how}. "
    base = base[0].upper() + base[1:]
    if t.p < r.alpha:
        return base + "Sampling variation does not explain the differences."
    return base + "No differences were shown, which by itself does not mean equal importance."


def _size(r: EqualityReport, zh: bool, names: Mapping[str, str]) -> str:
    e = r.effects
    low, high = e.sigma_interval
    if zh:
        text = (
            f"重要性对数的标准差 σ = {e.sigma:.2f}（95% 区间 {low:.2f}–{high:.2f}），"
            f"估计的最大与最小重要性之比为 {e.worth_ratio:.2f}"
        )
        return text + ("。" if e.agreement is None else f"，选择一致性 W = {e.agreement:.3f}。")
    text = (
        f"Log-worths spread with σ = {e.sigma:.2f} (95% interval {low:.2f} to {high:.2f}); "
        f"the largest estimated worth is {e.worth_ratio:.2f} times the smallest"
    )
    return text + ("." if e.agreement is None else f"; agreement on picks W = {e.agreement:.3f}.")


def _items(r: EqualityReport, zh: bool, names: Mapping[str, str]) -> str:
    if r.residuals is None:
        return ""
    differs = r.residuals.differs(r.alpha)
    order = np.argsort(-np.abs(r.residuals.z), kind="stable")
    above = [r.items[j] for j in order if differs[j] and r.residuals.z[j] > 0]
    below = [r.items[j] for j in order if differs[j] and r.residuals.z[j] < 0]
    if not above and not below:
        return (
            "逐项比较（Holm 校正）未发现入选次数显著偏离均等的指标。"
            if zh
            else "No single indicator's picks differ from equality after Holm's correction."
        )
    if zh:
        parts = [f"多于均等：{_list(above, names, zh)}"] if above else []
        parts += [f"少于均等：{_list(below, names, zh)}"] if below else []
        return f"入选次数显著偏离均等的指标（Holm 校正）——{'；'.join(parts)}。"
    parts = [f"more often than equal: {_list(above, names, zh)}"] if above else []
    parts += [f"less often: {_list(below, names, zh)}"] if below else []
    return f"After Holm's correction, picked {'; '.join(parts)}."


def _detectable(r: EqualityReport, zh: bool, names: Mapping[str, str]) -> str:
    d = r.detectable
    size = f"{r.size:.0f}"
    if zh:
        share = "" if d.share is None else f"，或单项指标入选率相差 {100 * d.share:.1f} 个百分点"
        return (
            f"{r.n} 份选票（有效份数 {size}）有 {d.power:.0%} 的把握测出 σ = {d.sigma:.2f} "
            f"的差异{share}；更小的差异可能测不出。"
        )
    share = (
        "" if d.share is None else f", or one pick share {100 * d.share:.1f} points off the others"
    )
    return (
        f"With {r.n} ballots (effectively {size}) a spread of σ = {d.sigma:.2f}{share} would be "
        f"detected with {d.power:.0%} power; smaller differences may go unseen."
    )


def _margin(r: EqualityReport, zh: bool, names: Mapping[str, str]) -> str:
    v = r.equivalence
    smallest = v.smallest_margin
    if zh:
        text = f"声明的界限：与均等值之比在 1/{v.margin:g} 到 {v.margin:g} 之间。"
        if smallest < LARGEST_MARGIN:
            text += f"以这些选票，界限放宽到 {smallest:.2f} 才能称“相当”。"
        else:
            text += f"以这些选票，{LARGEST_MARGIN:g} 以下的任何界限都不能称“相当”。"
        if v.ballots_needed and v.verdict != "equal":
            text += (
                f"若各项真正相等，约需 {v.ballots_needed} 份这样的选票才有 80% 的把握按此界限证实。"
            )
        return text
    text = f"Declared margin: within 1/{v.margin:g} to {v.margin:g} times the value under equality."
    if smallest < LARGEST_MARGIN:
        text += f" These ballots would support 'equal' only at a margin of {smallest:.2f} or wider."
    else:
        text += f" These ballots would support 'equal' at no margin below {LARGEST_MARGIN:g}."
    if v.ballots_needed and v.verdict != "equal":
        text += (
            f" Were all exactly equal, about {v.ballots_needed} ballots like these would confirm it"
            " at this margin with 80% probability."
        )
    return text


def _groups(r: EqualityReport, zh: bool, names: Mapping[str, str]) -> str:
    g = r.groups
    if g is None:
        return ""
    order = np.argsort(g.group_p, kind="stable")
    hit = [r.group_names[j] for j in order if g.group_p_holm[j] < r.alpha]
    if zh:
        text = (
            f"同一上级之下各指标相等的检验：统计量 {g.statistic:.1f}，自由度 {g.df}，p {_p(g.p)}；"
        )
        return text + (f"差异在于：{_list(hit, names, zh)}。" if hit else "逐组均未测出差异。")
    text = (
        f"Equality among the indicators of one parent: statistic {g.statistic:.1f}, df {g.df}, "
        f"p {_p(g.p)}; "
    )
    if hit:
        return text + f"it fails in: {_list(hit, names, zh)}."
    return text + "no single group shows differences."


def _stages(r: EqualityReport, zh: bool, names: Mapping[str, str]) -> str:
    s = r.stages
    if s.stages < 2:
        return ""
    if not s.df:
        return (
            "各名次同质检验无法进行：这些选票在不同名次上没有可比较的选择。"
            if zh
            else "The test of equal worths at all ranks does not exist for these ballots: no "
            "choices at different ranks can be compared."
        )
    if s.p >= r.alpha:
        return ""
    if zh:
        return f"第一、第二等各名次的选择标准并不相同（p {_p(s.p)}），重要性估计是各名次的平均。"
    return (
        f"Choices at the first and later ranks follow different worths (p {_p(s.p)}); "
        "the worths are an average over the ranks."
    )
