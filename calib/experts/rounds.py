"""Delphi statistics of a panel with forms: every node, every round, and from round to round."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

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
from calib.words import message

__all__ = ["NodeRound", "delphi_rounds"]


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
