"""Which columns of a survey hold what: respondent, track, weight, and the ranks."""

from __future__ import annotations

import re

from calib.errors import Faults
from calib.tables import RawTable
from calib.words import message

__all__ = ["NO", "column_roles", "looks_like_survey", "rank_columns"]

_ALIASES = {
    "respondent": ("respondent", "respondent_id", "ballot", "id", "序号", "编号", "答卷编号",
                   "答卷序号", "受访者", "受访者编号", "问卷编号"),
    "enterprise": ("enterprise", "enterprise_id", "企业编号", "企业代码", "企业", "企业名称"),
    "track": ("track", "企业类型", "行业类型", "类型"),
    "segment": ("segment", "分组", "群体", "身份", "企业规模", "size"),
    "weight": ("weight", "权重", "加权"),
    "synthetic": ("synthetic", "合成", "合成数据"),
    "rank": ("rank", "名次", "排序", "位次", "顺位"),
    "indicator": ("indicator", "code", "item", "指标", "指标编码", "指标代码", "选择"),
}  # fmt: skip
NO = frozenset({"", "0", "no", "false", "否"})
"""What a column of yes and no says where the answer is no."""
_DIGITS = ("", *"一二三四五六七八九")
_NUMERALS = {
    f"{ten}{digit}": 10 * i + j
    for i, ten in enumerate(("", "十", "二十"))
    for j, digit in enumerate(_DIGITS)
    if i or j
}
_RANK_COLUMN = re.compile(
    r"(?P<stem>(?:.*[^\w]|.*[_\s])?)"
    r"(?P<word>(?:rank|choice|pick|top|no\.?|r|第|选择|排序|排名|重要指标|名次)?)[\s_-]*"
    r"(?P<rank>\d{1,2}|二?十[一二三四五六七八九]?|[一二三四五六七八九])(?:st|nd|rd|th)?"
    r"(?P<tail>(?:\s*(?:choice|rank|重要|位|名|选择|选项|重要指标|重要的指标|选))?)",
    re.IGNORECASE,
)


def looks_like_survey(table: RawTable) -> bool:
    """Return whether a table has columns of ranks, or those of the long form of ballots."""
    heads = column_roles(table)
    if {"rank", "indicator", "respondent"} <= set(heads):
        return True
    faults = Faults()
    return len(rank_columns(table, heads, faults)) > 1 or bool(len(faults))


def column_roles(table: RawTable) -> dict[str, str]:
    """Return the columns that are recognised by their names, by what they hold."""
    heads: dict[str, str] = {}
    for column in map(str, table.frame.columns):
        folded = column.strip().casefold()
        for role, words in _ALIASES.items():
            if folded in words and role not in heads:
                heads[role] = column
    return heads


def rank_columns(table: RawTable, heads: dict[str, str], faults: Faults) -> list[str]:
    """Return the columns that hold ranks, best first; several candidates are a fault."""
    taken = set(heads.values())
    groups: dict[tuple[str, str, str], dict[int, str]] = {}
    for column in map(str, table.frame.columns):
        match = _RANK_COLUMN.fullmatch(column.strip())
        if column in taken or match is None:
            continue
        number = int(match["rank"]) if match["rank"].isdigit() else _NUMERALS[match["rank"]]
        key = (match["stem"].casefold(), match["word"].casefold(), match["tail"].casefold())
        groups.setdefault(key, {}).setdefault(number, column)
    whole = {k: g for k, g in groups.items() if sorted(g) == list(range(1, len(g) + 1))}
    worded = {k: g for k, g in whole.items() if k[1] or k[2]}
    several = worded or whole
    if len(several) > 1:
        faults.add(
            message("ballots.faults.header"),
            message("ballots.faults.several"),
            value=[g[1] for g in several.values()],
            expected=message("ballots.faults.several_expected"),
        )
        return []
    return [group[r] for group in several.values() for r in sorted(group)]
