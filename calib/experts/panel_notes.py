"""What is to be said about a panel: doubtful judgements, groups, who runs against the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from calib.experts.delphi_panel import NodeRound
from calib.experts.elicit import METHODS
from calib.experts.judgements import Doubtful, NodeJudgements
from calib.experts.panel_differences import LEVEL, Direction, NodeGroups
from calib.experts.panel_request import StoppingRule
from calib.experts.panel_tables import PanelFindings
from calib.experts.random_index import random_index_name, random_index_source
from calib.report import Note
from calib.words import Text, joined, message

__all__ = ["direction_notes", "group_notes", "judgement_notes", "panel_notes"]


def panel_notes(found: PanelFindings, rule: StoppingRule) -> tuple[Note, ...]:
    """Return everything that is to be said about a panel and its weights."""
    panel, pooled = found.panel, found.pooled
    out = []
    if panel.synthetic:
        out.append(Note(message("experts.synthetic"), warning=True))
    out += doubtful_notes(pooled.doubtful)
    out.append(_stopping([r for r in found.rounds if r.round == pooled.round], rule))
    if pooled.unjudged:
        used = message(f"experts.used.{pooled.request.unjudged}")
        out.append(Note(message("experts.nobody_judged", n=len(pooled.unjudged), used=used)))
    out += judgement_notes(pooled.nodes)
    out += group_notes(found.groups)
    out += direction_notes(pooled.experts, found.direction)
    out += [
        Note(
            message("experts.irreplaceable", expert=expert, node=panel.questions[key].called),
            warning=True,
        )
        for expert, key in pooled.irreplaceable
    ]
    if panel.skipped:
        listed = joined(panel.skipped, message("words.semicolon"))
        said = message("experts.skipped", n=len(panel.skipped), faults=listed)
        out.append(Note(said, warning=True))
    out += [Note(text) for text in panel.notes]
    return tuple(out)


def _stopping(last: Sequence[NodeRound], rule: StoppingRule) -> Note:
    return Note(
        message(
            "experts.stopping",
            n=len(last),
            met=sum(r.verdict.stop for r in last),
            max_cv=f"{rule.max_cv:g}",
            min_w=f"{rule.min_w:g}",
            alpha=f"{rule.alpha:g}",
            max_shift=f"{rule.max_shift:g}",
            max_rounds=rule.max_rounds,
        )
    )


MOST_NAMED = 5
"""Experts above the limit of consistency who are named with what to ask them about."""


def doubtful_notes(doubtful: Sequence[Doubtful]) -> list[Note]:
    """Name who is above the limit of consistency, what to ask about, and what was done."""
    if not doubtful:
        return []
    listed = [d.said() for d in doubtful[:MOST_NAMED]]
    out = []
    for done in ("keep", "repair", "leave-out"):
        n = sum(d.done == done for d in doubtful)
        if n:
            key = done.replace("-", "_")
            out.append(Note(message(f"experts.doubtful.{key}", n=n), warning=True))
    more = len(doubtful) - len(listed)
    rest = message("experts.doubtful.more", n=more) if more else ""
    out.append(Note(message("experts.doubtful.listed", listed=_listed(listed), rest=rest)))
    return out


def judgement_notes(nodes: Mapping[str, NodeJudgements]) -> list[Note]:
    """Say which random index CR used, and whose numbers do not add up."""
    out = []
    for label in sorted({label for node in nodes.values() for label in node.index if label}):
        values = {
            len(node.question.items): float(value)
            for node in nodes.values()
            for own, value, gaps in zip(node.index, node.random_index, node.missing, strict=True)
            if own == label and not gaps
        }
        listed = [f"RI({n}) = {values[n]:.4g}" for n in sorted(values)]
        name, source = random_index_name(label), random_index_source(label)
        out.append(Note(message("experts.index", index=name, source=source, values=listed)))
    sums = [
        message(
            "experts.node.sum",
            node=node.question.called,
            expert=node.experts[i],
            sum=f"{float(node.stated_sum[i]):g}",
        )
        for node in nodes.values()
        for i in np.flatnonzero(node.off_total)
    ]
    if sums:
        said = message("experts.sums", n=len(sums), listed=_listed(sums))
        out.append(Note(said, warning=True))
    return out


def group_notes(groups: Mapping[str, NodeGroups]) -> list[Note]:
    """Say where groups of experts are ways of asking, and where methods give other weights."""
    out = []
    for found in groups.values():
        if found.kind not in ("methods", "not told apart"):
            continue
        tied = found.association
        values = {
            "node": found.node.question.called,
            "n": found.clusters.count,
            "p": _p(tied.p, tied.floor),
        }
        if found.kind == "methods":
            said = message("experts.groups_are_methods", v=f"{tied.cramers_v:.2f}", **values)
        else:
            said = message("experts.groups_not_told_apart", **values)
        out.append(Note(said, warning=True))
    differ = {key: found for key, found in groups.items() if found.p_holm <= LEVEL}
    if differ:
        listed = [
            message(
                "experts.method_differs",
                node=found.node.question.called,
                r2=f"{found.difference.r2:.2f}",
                p=f"{found.p_holm:.2g}",
            )
            for found in differ.values()
        ]
        used = sorted({m for found in differ.values() for m in found.difference.methods})
        said = message(
            "experts.methods_differ",
            methods=[METHODS[m].name for m in used],
            nodes=_listed(listed),
        )
        out.append(Note(said, warning=True))
    return out


def direction_notes(experts: Sequence[str], direction: Direction) -> list[Note]:
    """Name experts whose answers run against the rest of the panel, three or more of them."""
    if len(experts) < 3:
        return []  # of two who disagree neither is "the rest"
    against = [
        message(
            "experts.one_against",
            expert=experts[e],
            r=f"{direction.correlation[e]:.2f}",
            p=_p(float(direction.p[e]), direction.floor),
        )
        for e in np.argsort(direction.correlation, kind="stable").tolist()
        if direction.correlation[e] < 0
    ]
    if not against:
        return []
    return [Note(message("experts.against", experts=_listed(against)), warning=True)]


def _listed(parts: Sequence[object]) -> Text:
    return joined(parts, message("words.semicolon"))


def _p(value: float, floor: float) -> Text:
    """Return a p-value that says when it is the smallest the test can give."""
    least = value <= floor * (1 + 1e-9)
    return message("experts.p_least" if least else "experts.p", p=f"{value:.2g}")
