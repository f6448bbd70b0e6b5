"""What a report says about a panel: tables, the figure of its weights, and notes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from calib._types import FloatArray, IntArray
from calib.errors import Fault
from calib.experiment.context import Context
from calib.experiment.results import Drawing, Note, Table
from calib.experts.cooke import Performance
from calib.experts.delphi import StoppingRule
from calib.experts.delphi_tables import changes_table, items_table, rounds_table
from calib.experts.direction import Direction
from calib.experts.findings import direction_findings, group_findings, judgement_findings
from calib.experts.groups import NodeGroups, camps_table, methods_table
from calib.experts.panel import Panel
from calib.experts.rounds import NodeRound
from calib.experts.synthesis import PanelWeights
from calib.experts.tables import (
    consistency_table,
    experts_table,
    seeds_table,
    sums_table,
    weights_table,
)
from calib.framework import Name
from calib.rating import stars as rate_stars

__all__ = ["Diagnosis", "SeedResult", "drawing", "notes", "tables"]

SeedResult = tuple[tuple[str, ...], Performance]  # names, and their scores in that order


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """A panel, its weights, and everything that was tested about it."""

    panel: Panel
    weights: PanelWeights
    rounds: tuple[NodeRound, ...]
    groups: Mapping[str, NodeGroups]
    direction: Direction
    seeds: SeedResult | None
    synthetic: bool


def _star_function(context: Context, track: str, local: FloatArray) -> IntArray:
    """Rate a track's enterprises under (s, m) local weights: stars (s, n)."""
    tree = context.framework.tracks[track]
    sample = context.scored.samples.get(track)
    if sample is None or not len(sample):
        return np.zeros((len(local), 0), dtype=np.int64)
    thresholds = context.framework.rule.thresholds(context.readings)
    total = tree.leaf_weights(local) @ sample.X.T
    nodes = tree.at_depth(thresholds.gate_depth)
    gated = np.moveaxis(tree.within(local, nodes) @ sample.X.T, 1, -1)
    return rate_stars(total, gated, thresholds)[0]


def _complete(context: Context) -> bool:
    return all(sample.complete for sample in context.scored.samples.values())


def tables(context: Context, name: str, found: Diagnosis) -> tuple[Table, ...]:
    """Return the tables of a panel; those without rows are left out."""
    rate = None
    if _complete(context):

        def rate(track: str, local: FloatArray) -> IntArray:
            return _star_function(context, track, local)

    main, rounds = found.weights, found.rounds
    mark_zh, mark_en = ("，合成数据", ", synthetic") if found.synthetic else ("", "")
    experts = experts_table(found.panel, main, rate, found.direction)
    level = f"{100 * main.options.level:g}"
    made = [
        (
            "weights",
            weights_table(main),
            f"专家权重与 {level}% 区间",
            f"weights with {level} % intervals",
            40,
        ),
        ("experts", experts, "专家及其影响", "what each expert decides", 40),
        ("consistency", consistency_table(main.nodes), "判断一致性", "consistency", 15),
        ("sums", sums_table(main.nodes), "分数合计", "sums before normalising", 15),
        ("rounds", rounds_table(rounds), "各轮统计", "Delphi rounds", 40),
        ("items", items_table(rounds), "各轮指标统计", "Delphi rounds by indicator", 30),
        ("changes", changes_table(rounds), "轮次之间的变化", "change between rounds", 30),
        ("camps", camps_table(found.groups), "专家分组", "groups of experts", 20),
        ("methods", methods_table(found.groups), "征询方法之间的差异", "elicitation methods", 30),
    ]
    if found.seeds is not None:
        seeds = seeds_table(*found.seeds)
        made.append(
            ("seeds", seeds, "种子问题：校准与信息", "seed questions: calibration, information", 40)
        )
    return tuple(
        Table(
            f"{name}-{key}",
            frame,
            Name(f"{zh}（{name}{mark_zh}）", f"{en} ({name}{mark_en})"),
            shown,
        )
        for key, frame, zh, en, shown in made
        if len(frame)
    )


def drawing(name: str, main: PanelWeights, synthetic: bool) -> Drawing:
    """Draw the panel's weights with their intervals, node by node."""
    mark_zh, mark_en = ("，合成数据", ", synthetic") if synthetic else ("", "")
    level = f"{100 * main.options.level:g}"
    title = Name(
        f"专家权重与 {level}% 区间（{name}{mark_zh}）",
        f"weights with {level} % intervals ({name}{mark_en})",
    )

    def draw(lang: str) -> Any:
        import pandas as pd

        from calib.figures import estimates

        rows, labels = [], []
        for key, pooled in main.pooled.items():
            question = main.nodes[key].question
            for i, item in enumerate(question.names):
                place = question.place
                where = f"{place.get(lang)} · " if place is not None else ""
                labels.append(f"{where}{item.get(lang)}")
                rows.append((pooled.weights[i], pooled.low[i], pooled.high[i]))
        frame = pd.DataFrame(rows, columns=["estimate", "lower", "upper"], index=labels)
        axis = {"zh": "局部权重", "en": "local weight"}[lang]
        return estimates(frame, label=axis, language=lang, title=title.get(lang))

    return Drawing(f"{name}-weights", title, draw)


def _stopping_note(last: list[NodeRound], rule: StoppingRule) -> Note:
    stop = sum(r.verdict.stop for r in last)
    zh = (
        f"{len(last)} 个节点中 {stop} 个可以停止征询。停止规则：各指标变异系数不超过"
        f" {rule.max_cv:g}，协调系数 W 不低于 {rule.min_w:g} 且 P<{rule.alpha:g}，"
        f"与上一轮相比群体权重移动不超过 {rule.max_shift:g}；"
        f"意见稳定而不一致时第三轮后停止，最多 {rule.max_rounds} 轮。"
    )
    en = (
        f"The stopping rule is met at {stop} of {len(last)} nodes. It asks for every CV at most"
        f" {rule.max_cv:g}, W at least {rule.min_w:g} with p < {rule.alpha:g}, and group weights"
        f" that moved at most {rule.max_shift:g} since the last round; stable dissent ends it from"
        f" round 3, and round {rule.max_rounds} in any case."
    )
    return Note(Name(zh, en))


def notes(found: Diagnosis, rule: StoppingRule, skipped: tuple[Fault, ...]) -> tuple[Note, ...]:
    """Return what a reader must know about the panel before its numbers."""
    main, out = found.weights, []

    def note(zh: str, en: str, *, warning: bool = False) -> None:
        out.append(Note(Name(zh, en), warning))

    if found.synthetic:
        note(
            "专家意见为合成数据，并非真实专家的判断。",
            "The experts' answers are synthetic; no real expert gave them.",
            warning=True,
        )
    out.append(_stopping_note([r for r in found.rounds if r.round == main.round], rule))
    if main.unjudged:
        used = {"published": "公布", "equal": "相等"}.get(main.options.unjudged, "")
        note(
            f"{len(main.unjudged)} 个节点无专家判断，采用{used}权重。",
            f"Nobody judged {len(main.unjudged)} nodes; their weights are {main.options.unjudged}.",
        )
    said = [
        *judgement_findings(main.nodes),
        *group_findings(found.groups),
        *direction_findings(main.experts, found.direction),
    ]
    out += [Note(finding.text, finding.warning) for finding in said]
    for expert, key in main.irreplaceable:
        note(
            f"节点 {key} 仅由 {expert} 判断，无法计算剔除后的结果。",
            f"Only {expert} judged {key}; leaving this expert out keeps its weights.",
            warning=True,
        )
    if skipped:
        listed = "; ".join(str(f) for f in skipped)
        note(
            f"跳过 {len(skipped)} 处无效输入：{listed}",
            f"Skipped {len(skipped)} invalid inputs: {listed}",
            warning=True,
        )
    out += [Note(text) for text in found.panel.notes]
    return tuple(out)
