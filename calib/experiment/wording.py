"""Words of reports in Chinese and English: column heads, and codes with their names."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from calib.experiment.heads import HEADS
from calib.framework import Framework, Name

__all__ = ["BLANK", "HEADS", "TITLES", "cell", "display", "head", "spell"]

TITLES: Mapping[str, Name] = {
    "acceptability": Name("星级概率", "Star probabilities under uncertain weights"),
    "stability": Name("星级稳定性", "Stability: how far the weights are from changing a star"),
    "tipping": Name("转折点", "Tipping points along a path of weights"),
    "readings": Name("评级规则的开放读法", "Open readings of the rating rule"),
    "lifecycle": Name("指标生命周期", "Life cycle of indicators"),
    "comparison": Name("比较：区间与检验", "Comparison with intervals and tests"),
    "dominance": Name("指标主导性", "Dominance: which indicators really decide"),
}
"""Titles of the sections of analyses."""
BLANK = "–"
"""A cell without a number; the table's caption says what that means."""
_WORDED = ("groups_are", "test", "quantity", "share_band", "worth_band", "reason", "by", "p_by")
ZERO = 1e-12
"""Computed numbers closer to 0 than this are 0 but for rounding."""
_SPELLED = (
    "node", "caused_by", "reason", "indicator", "code", "through", "down_by", "up_by",
)  # fmt: skip
_WORDS = {"all": "全部", "up": "上升", "down": "下降", "True": "是", "False": "否"}
_CAUSES = {
    r"\bgate\b": "门槛", r"\btotal\b": "总分", r"\bseveral\b": "多项", r"\bnone\b": "无",
    r" \(exactly at ([\d.]+)\)": r"（恰为 \1）",
}  # fmt: skip
"""Words of the causes of a star in Chinese."""
_TERMS = {
    "inside": "界限内", "open": "跨界限", "outside": "界限外",
    "likelihood_ratio": "似然比检验", "score": "得分检验", "clustered": "聚类得分检验",
    "stage_homogeneity": "各名次同质检验", "equal_within_groups": "同组相等检验",
    "effective_ballots": "有效选票数", "picks_per_ballot": "每份选票的选择数", "sigma": "σ",
    "sigma_lower": "σ 下限", "sigma_upper": "σ 上限", "agreement_W": "一致性 W",
    "largest_over_smallest_worth": "最大与最小重要性之比",
    "largest_over_smallest_share": "最大与最小入选率之比", "detectable_sigma": "可测出的 σ",
    "detectable_share_difference": "可测出的入选率之差", "margin": "声明的界限",
    "smallest_margin_for_equal": "可称相当的最小界限",
    "ballots_needed_for_equal": "证实相当所需选票数", "picks": "Q 检验（Cochran）",
    "ballots": "选票数", "blank": "空白选票", "unknown": "指标名称无法识别",
    "duplicate": "同一指标重复选择", "gap": "名次有空缺", "too_many": "选择过多",
    "exact": "精确", "chi-square": "χ² 近似", "none": "无", "wilson": "威尔逊",
    "bootstrap": "自助法",
    "one group": "未分组", "methods": "征询方法", "opinions": "意见", "not told apart": "无法区分",
    "rank": "名次无效", "weight": "权重无效", "track": "企业类型无法识别", "tie": "并列名次",
}  # fmt: skip


def head(column: str, lang: str) -> str:
    """Return a column's head in a language."""
    if lang == "zh":
        numbered = re.fullmatch(r"(star|stars|p)_(\d+)", column)
        if numbered:
            star = f"{numbered[2]}星"
            return f"P({star})" if numbered[1] == "p" else star
        return HEADS.get(column, column.replace("_", " "))
    return column.replace("_", " ")


def cell(value: Any, column: str, lang: str) -> str:
    """Return a cell as shown: few digits, blank for what is undefined."""
    if value is None or value != value:
        return BLANK
    if isinstance(value, bool) or type(value).__name__ == "bool":
        return _WORDS[str(bool(value))] if lang == "zh" else ("yes" if value else "no")
    if isinstance(value, float) or type(value).__name__.startswith("float"):
        return _number(float(value), column)
    text = str(value)
    if lang == "zh" and column in ("scope", "track", "direction"):
        return _WORDS.get(text, text)
    if lang == "zh" and column in _WORDED:
        return _TERMS.get(text, text)
    return text


def display(value: Any, column: str, framework: Framework, lang: str) -> str:
    """Return a cell as shown, with the names of tracks and nodes beside their codes."""
    if column in ("scope", "track") and value in framework.tracks:
        return framework.tracks[value].name.get(lang)
    text = cell(value, column, lang)
    return spell(text, framework, lang) if column in _SPELLED and isinstance(value, str) else text


def _number(value: float, column: str) -> str:
    """Return a number as shown; what is no number, and rounding noise around 0, never show."""
    if not math.isfinite(value):
        return BLANK
    if column == "p" or column.startswith("p_"):
        return f"{value:.4f}" if value >= 1e-4 else ("<0.0001" if value > 0 else "0")
    if abs(value) < ZERO:
        return "0"
    if column == "share" or column.endswith("_share"):
        return _signless(f"{100 * value:.1f}%")
    if value == int(value) and abs(value) < 1e15:
        return str(int(value))
    if column.startswith(("total", "score")) or column.endswith(("_pp", "_change")):
        return _signless(f"{value:.2f}")
    return f"{value:.4f}" if 1e-3 <= abs(value) < 1e4 else f"{value:.3g}"


def _signless(text: str) -> str:
    """Return a rounded number without the sign of a zero: "-0.00" is "0.00"."""
    return text if any(c in "123456789" for c in text) else text.lstrip("-")


def spell(text: str, framework: Framework, lang: str) -> str:
    """Return a text in which node codes are followed by their names.

    Examples
    --------
    >>> from calib.framework import load_framework
    >>> spell("gate IN", load_framework("aii"), "en")
    'gate IN integration'
    """
    codes = sorted(framework.codes, key=len, reverse=True)
    pattern = r"(?<![\w.])(" + "|".join(map(re.escape, codes)) + r")(?![\w.])"
    out = re.sub(
        pattern, lambda m: f"{m.group(1)} {framework.node(m.group(1)).name.get(lang)}", text
    )
    if lang == "zh":
        out = out.replace("gate of a higher band", "更高分数段的门槛")
        for pattern, word in _CAUSES.items():
            out = re.sub(pattern, word, out)
    return out
