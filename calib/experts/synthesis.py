"""From what the experts of a round say about every node to the panel's local weights with draws."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from calib._streams import token
from calib._types import FloatArray, Seed
from calib.errors import Faults, InputError
from calib.experts.elicit import METHODS
from calib.experts.judgements import (
    Doubtful,
    NodeJudgements,
    doubtful_judgements,
    judge_nodes,
    settled,
)
from calib.experts.pairwise import complete_weights
from calib.experts.panel import Panel, questions_of
from calib.experts.panel_bootstrap import (
    Bootstrap,
    bootstrap_judgements,
    bootstrap_weights,
    resample_experts,
    widened,
)
from calib.experts.panel_request import PanelRequest
from calib.experts.pooling import (
    competence_by_consistency,
    hand_set_competence,
    pool_judgements,
    pool_weights,
)
from calib.framework import Framework
from calib.words import message

__all__ = ["PanelWeights", "panel_seed", "pool_panel"]


@dataclass(frozen=True, eq=False)
class PanelWeights:
    """Local weights of a panel in one round.

    Attributes
    ----------
    nodes : judgements by question key
    pooled : group weights with bootstrap draws, by question key
    experts : experts of the round
    competence : (experts, nodes) weight of each expert at each node, 0 where not judged
    local : local weights (m,) by track
    draws : local weights (b, m) by track; row r of every track is one resampled panel
    without : local weights (experts, m) by track, without each expert in turn
    irreplaceable : experts who alone judged a node, with its key; that node keeps its weights
    unjudged : keys of nodes that nobody judged
    doubtful : judgements above the limit of consistency as they were returned, the worst first
    """

    round: int
    request: PanelRequest
    nodes: Mapping[str, NodeJudgements]
    pooled: Mapping[str, Bootstrap]
    experts: tuple[str, ...]
    competence: FloatArray
    local: Mapping[str, FloatArray]
    draws: Mapping[str, FloatArray]
    without: Mapping[str, FloatArray]
    irreplaceable: tuple[tuple[str, str], ...] = field(default=())
    unjudged: tuple[str, ...] = field(default=())
    doubtful: tuple[Doubtful, ...] = field(default=())


def pool_panel(
    panel: Panel,
    round_number: int | None = None,
    request: PanelRequest | None = None,
    *,
    seeded: Mapping[str, float] | None = None,
    rng: Seed = None,
) -> PanelWeights:
    """Pool a round of a panel into local weights of the whole framework.

    Parameters
    ----------
    panel : the panel
    round_number : which round; the last one if None
    request : how to pool; the defaults of :class:`PanelRequest` if None
    seeded : weights of the experts by seed questions, for competence ``"seeds"``
    rng : Generator or seed of the bootstrap; rounds, methods and poolings of one panel are
        resampled together under one seed

    Raises
    ------
    InputError
        When nodes are judged by nobody (unless options say otherwise), competence is unknown, or
        judgements cannot be pooled in the way asked for.
    """
    request = request or PanelRequest()
    number = panel.rounds[-1] if round_number is None else round_number
    part = panel if request.method is None else panel.elicited_by(request.method)
    part, nodes, doubtful = _judged(part, number, request)
    missing = tuple(key for key in questions_of(panel.framework) if key not in nodes)
    fallback = _fallback(panel.framework, missing, request.unjudged)
    experts = tuple(form.expert for form in part.in_round(number))
    competence = _competence(part, number, nodes, experts, request, seeded)
    unheard = [key for key, given in zip(nodes, competence.T, strict=True) if not given.any()]
    if unheard:
        raise InputError(message("experts.unheard", nodes=unheard))
    counts = resample_experts(
        competence > 0,
        request.draws,
        rng=panel_seed(panel, rng),
        positions=[panel.experts.index(name) for name in experts],
        size=len(panel.experts),
    )
    local = {t: values.copy() for t, values in fallback.items()}
    draws = {t: np.repeat(v[None], request.draws, axis=0) for t, v in fallback.items()}
    without = {t: np.repeat(v[None], len(experts), axis=0) for t, v in fallback.items()}
    pooled: dict[str, Bootstrap] = {}
    alone: list[tuple[str, str]] = []
    for column, (key, node) in enumerate(nodes.items()):
        rows = [experts.index(name) for name in node.experts]
        weight = competence[rows, column]
        found = _pool_node(node, request, weight, counts[:, rows])
        if request.small_panel == "student":
            found = widened(found, weight, len(rows), confidence=request.confidence)
        pooled[key] = found
        left_out, single = _leave_out(node, request, weight, found.weights)
        alone += [(node.experts[i], key) for i in single]
        for t in node.question.tracks:
            at = [panel.framework.tracks[t].index[code] for code in node.question.items]
            local[t][at], draws[t][:, at] = found.weights, found.draws
            without[t][:, at] = found.weights
            without[t][np.ix_(rows, at)] = left_out
    return PanelWeights(
        round=number,
        request=request,
        nodes=nodes,
        pooled=pooled,
        experts=experts,
        competence=competence,
        local=local,
        draws=draws,
        without=without,
        irreplaceable=tuple(alone),
        unjudged=missing,
        doubtful=doubtful,
    )


def _judged(
    panel: Panel, number: int, request: PanelRequest
) -> tuple[Panel, dict[str, NodeJudgements], tuple[Doubtful, ...]]:
    """Return what counts of a round, what it says of every node, and what was doubtful in it."""
    nodes = judge_nodes(panel, number, request.formulas.by_method())
    doubtful = doubtful_judgements(nodes, request.inconsistent)
    if any(d.done != "keep" for d in doubtful):
        panel = settled(panel, number, doubtful)
        nodes = judge_nodes(panel, number, request.formulas.by_method())
    return panel, nodes, doubtful


def panel_seed(panel: Panel, rng: Seed) -> np.random.SeedSequence:
    """Return the seed of a panel's replicates: the same for all that is made from the panel."""
    return np.random.SeedSequence([token(rng), int(panel.digest[:16], 16)])


def _fallback(
    framework: Framework, missing: tuple[str, ...], unjudged: str
) -> dict[str, FloatArray]:
    if missing and unjudged == "error":
        raise InputError(message("experts.unjudged", n=len(missing), nodes=missing))
    out = {}
    for t, tree in framework.tracks.items():
        values = np.array(framework.published[t], dtype=float)
        if unjudged == "equal":
            for family in tree.families:
                values[family.members] = 1.0 / family.members.size
        out[t] = values
    return out


def _competence(
    panel: Panel,
    number: int,
    nodes: Mapping[str, NodeJudgements],
    experts: tuple[str, ...],
    request: PanelRequest,
    seeded: Mapping[str, float] | None,
) -> FloatArray:
    judged = np.array([[e in node.experts for node in nodes.values()] for e in experts])
    kind = request.competence
    if kind == "seeds":
        if seeded is None:
            raise InputError(message("experts.no_seeds"))
        kind = dict(seeded)
    if isinstance(kind, Mapping):
        # Someone may have left between rounds; a name unknown in all of them is a mistake.
        everybody = list(dict.fromkeys(form.expert for form in panel.forms))
        stated = dict(zip(everybody, hand_set_competence(kind, everybody), strict=True))
        weights = np.array([stated[name] for name in experts])
        return np.asarray(judged * weights[:, None], dtype=float)
    if kind == "equal":
        return judged.astype(float)
    if kind == "authority":
        forms = {form.expert: form for form in panel.in_round(number)}
        faults = Faults()
        for name in experts:
            if np.isnan(forms[name].authority):
                faults.add(
                    name,
                    message("experts.no_authority"),
                    expected=message("experts.expect_authority"),
                )
        faults.raise_if_any()
        weights = np.array([forms[name].authority for name in experts])
        return np.asarray(judged * weights[:, None], dtype=float)
    out = np.zeros(judged.shape)  # by consistency
    for column, node in enumerate(nodes.values()):
        rows = [experts.index(name) for name in node.experts]
        # Measures of different methods are comparable as multiples of their limits.
        out[rows, column] = competence_by_consistency(node.consistency / node.limit, limit=1.0)
    return out


def _pool_node(
    node: NodeJudgements, request: PanelRequest, competence: FloatArray, counts: FloatArray
) -> Bootstrap:
    if request.pooling == "aij":
        return bootstrap_judgements(
            _compared(node, competence),
            competence=competence,
            complete=request.formulas.ahp,
            confidence=request.confidence,
            counts=counts,
        )
    return bootstrap_weights(
        node.weights,
        pool=request.pooling,
        trim=request.trim,
        competence=competence,
        confidence=request.confidence,
        counts=counts,
        experts=node.experts,
    )


def _compared(node: NodeJudgements, competence: FloatArray) -> FloatArray:
    """Return the matrices for AIJ; only experts with weight need to have compared all pairs."""
    gaps = np.isnan(node.matrices).any(axis=(1, 2)) & (competence > 0)
    if gaps.any():
        others = [
            message(
                "experts.asked_by", expert=node.experts[i], method=METHODS[node.methods[i]].name
            )
            for i in np.flatnonzero(gaps)
        ]
        raise InputError(message("experts.aij_gaps", node=node.question.key, experts=others))
    return node.matrices


def _leave_out(
    node: NodeJudgements, request: PanelRequest, competence: FloatArray, whole: FloatArray
) -> tuple[FloatArray, list[int]]:
    """Pool without each expert; who is the only one with weight keeps the whole's weights."""
    k = len(node.experts)
    shares = np.where(np.eye(k, dtype=bool), 0.0, competence)
    single = np.flatnonzero(shares.sum(axis=1) <= 0)
    out = np.repeat(whole[None], k, axis=0)
    rest = shares.sum(axis=1) > 0
    if not rest.any():
        return out, single.tolist()
    if request.pooling == "aij":
        pooled = pool_judgements(_compared(node, competence), competence=shares[rest])
        out[rest] = complete_weights(pooled, request.formulas.ahp)
    else:
        out[rest] = pool_weights(
            node.weights,
            pool=request.pooling,
            trim=request.trim,
            competence=shares[rest],
            experts=node.experts,
        )
    return out, single.tolist()
