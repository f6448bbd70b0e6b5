"""The words of the forms, in Chinese and English."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["BASIS_NAMES", "FAMILIARITY_NAMES", "INSTRUCTIONS", "TEXTS"]

TEXTS: Mapping[str, Mapping[str, str]] = {
    "zh": {
        "sheet": "填写说明",
        "title": "专家赋权表",
        "framework": "评估模型",
        "method": "方法",
        "expert": "专家姓名或编号",
        "round": "轮次",
        "self": "自我评价（用于权威系数，可不填）",
        "self_hint": "判断依据的影响程度：1 大，2 中，3 小",
        "self_kept": "上一轮：判断依据 Ca={ca}，熟悉程度 Cs={cs}；不填则沿用。",
        "familiarity": "对问题的熟悉程度：1 很熟悉 … 5 不熟悉",
        "question": "下列指标在其上级指标中各占多重？",
        "under": "上级指标",
        "code": "编号",
        "name": "指标",
        "value_points": "点数",
        "value_ranks": "名次",
        "value_ratings": "评分",
        "weight": "权重",
        "total": "合计",
        "ranked": "已排序",
        "more": "更重要的是",
        "times": "重要倍数",
        "ratio": "比值",
        "best": "最重要的指标",
        "worst": "最不重要的指标",
        "best_over": "最重要指标比本指标重要多少倍",
        "over_worst": "本指标比最不重要指标重要多少倍",
        "conflict": "矛盾",
        "matrix": "判断矩阵（自动生成）",
        "iteration": "迭代",
        "group": "上一轮专家组权重",
        "consistency": "一致性比例 CR",
        "input_consistency": "输入一致性比例",
        "ok": "可以",
        "revise": "请复核",
        "incomplete": "未填完",
        "not_100": "合计不是 100",
        "from_1": "名次应从 1 开始",
        "left_out": "名次有空缺",
        "remark": "提示",
        "invalid": "输入无效",
        "invalid_number": "请输入 {low} 到 {high} 之间的数",
        "invalid_list": "请从列表中选择",
    },
    "en": {
        "sheet": "start here",
        "title": "Expert weighting form",
        "framework": "Framework",
        "method": "Method",
        "expert": "Expert (name or code)",
        "round": "Round",
        "self": "About yourself (for the authority coefficient; may stay empty)",
        "self_hint": "Influence on your judgement: 1 large, 2 medium, 3 small",
        "self_kept": "Last round: Ca {ca}, Cs {cs}; kept where cells stay empty.",
        "familiarity": "Familiarity with the matter: 1 very familiar … 5 unfamiliar",
        "question": "How much does each of these count within the one above it?",
        "under": "within",
        "code": "code",
        "name": "indicator",
        "value_points": "points",
        "value_ranks": "place",
        "value_ratings": "rating",
        "weight": "weight",
        "total": "total",
        "ranked": "ranked",
        "more": "more important",
        "times": "how many times",
        "ratio": "ratio",
        "best": "Most important",
        "worst": "Least important",
        "best_over": "most important over this one, times",
        "over_worst": "this one over the least important, times",
        "conflict": "conflict",
        "matrix": "Comparison matrix (fills itself)",
        "iteration": "iteration",
        "group": "panel's weight, last round",
        "consistency": "consistency ratio CR",
        "input_consistency": "input-based consistency ratio",
        "ok": "fine",
        "revise": "please check",
        "incomplete": "not complete",
        "not_100": "total is not 100",
        "from_1": "places must start at 1",
        "left_out": "a place is left out",
        "remark": "remark",
        "invalid": "Invalid entry",
        "invalid_number": "Enter a number from {low} to {high}",
        "invalid_list": "Choose from the list",
    },
}

BASIS_NAMES: Mapping[str, tuple[str, str]] = {
    "practice": ("实践经验", "practical experience"),
    "theory": ("理论分析", "theoretical analysis"),
    "literature": ("国内外文献", "literature"),
    "intuition": ("直觉", "intuition"),
}

FAMILIARITY_NAMES: tuple[tuple[str, str], ...] = (
    ("很熟悉", "very familiar"),
    ("熟悉", "familiar"),
    ("一般", "fairly familiar"),
    ("不太熟悉", "hardly familiar"),
    ("不熟悉", "unfamiliar"),
)

INSTRUCTIONS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "zh": {
        "common": (
            "每个上级指标一张工作表。只填黄色单元格。没有把握的工作表可以整张留空。",
            "填好后保存并发回，请勿改动工作表名称和编号。",
        ),
        "points": ("把 100 点分配给各指标，越重要点数越多；合计显示在表下。",),
        "ranks": ("1 表示最重要。可以并列；只排出最重要的几项也可以，其余留空。",),
        "ratings": ("按重要性打 1 到 10 分，10 分为满分。",),
        "ahp": (
            "逐对比较：选出更重要的一个，并填它是另一个的几倍"
            "（1 同等，3 稍重要，5 明显，7 强烈，9 极端；可填小数）。",
            "比较填完后显示一致性比例 CR，超过 0.1 请复核。",
        ),
        "ahp-incomplete": (
            "逐对比较：选出更重要的一个，并填它是另一个的几倍（1 到 9）。",
            "可以只比较一部分，但各指标之间必须能通过比较连起来。",
        ),
        "bwm": (
            "先选最重要和最不重要的指标，再填两列倍数（1 到 9）；指标与自身比较填 1。",
            "最重要对最不重要的倍数在两列中应相同。",
        ),
    },
    "en": {
        "common": (
            "One sheet for each node. Fill in yellow cells only. A sheet may stay empty.",
            "Save and send back; do not rename sheets or change codes.",
        ),
        "points": ("Share out 100 points, more to what matters more; the total is shown below.",),
        "ranks": ("1 is most important. Ties are fine; so is ranking only the first few.",),
        "ratings": ("Rate the importance from 1 to 10; 10 is the full mark.",),
        "ahp": (
            "Compare pair by pair: choose the more important one and how many times as important it"
            " is (1 equal, 3 moderate, 5 strong, 7 very strong, 9 extreme; decimals are fine).",
            "When all pairs are filled in, the consistency ratio CR appears; check it above 0.1.",
        ),
        "ahp-incomplete": (
            "Compare pair by pair: choose the more important one and how many times (1 to 9).",
            "Some pairs may stay empty if chains of comparisons still link all items.",
        ),
        "bwm": (
            "First choose the most and the least important one, then fill in both columns (1 to 9);"
            " an item compared with itself is 1.",
            "Most over least important stands in both columns and must be the same.",
        ),
    },
}
