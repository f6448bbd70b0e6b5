"""What the experts of one round say about every node, and the panel's local weights with draws."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from calib._streams import token
from calib._types import BoolArray, FloatArray, IntArray, Seed
from calib.errors import Faults, InputError
from calib.experts.ahp import Comparisons
from calib.experts.bestworst import input_consistency
from calib.experts.elicit import METHODS, Elicited, elicit
from calib.experts.inconsistent import Doubtful, doubtful_judgements, settled
from calib.experts.pairwise import complete_weights
from calib.experts.panel import ExpertForm, Panel, Question, named_items, questions_of
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
from calib.words import Text, message

__all__ = ["NodeJudgements", "PanelWeights", "judge_nodes", "panel_seed", "pool_panel"]

# What the numbers of a method should add up to; direct weights are shares or per cent.
TOTALS: Mapping[str, tuple[float, ...]] = {"points": (100.0,), "direct": (1.0, 100.0)}


@dataclass(frozen=True, eq=False)
class NodeJudgements:
    """What the experts of one round say about one node; rows are experts.

    Attributes
    ----------
    experts, methods : (k,) who, and how they were asked
    weights : (k, n) local weights
    stated : (k, n) ratings as given (rating method), NaN rows for other methods
    stated_sum : (k,) sum of the numbers before they were normalised, NaN where none are summed
    consistency : (k,) consistency measure, NaN where the method has none
    limit : (k,) the value up to which it is usually accepted
    measure : (k,) what the consistency measure is; "" if there is none
    index : (k,) which random index the ratio used (comparisons only), else ""
    random_index : (k,) its value, NaN where none was used
    missing : (k,) pairs that were not compared (comparisons only), else 0
    hint : (k,) the judgement to look at again, and what would repair it; None if there is none
    matrices : (k, n, n) comparisons, NaN where not compared and for other methods
    """

    question: Question
    experts: tuple[str, ...]
    methods: tuple[str, ...]
    weights: FloatArray
    stated: FloatArray
    stated_sum: FloatArray
    consistency: FloatArray
    limit: FloatArray
    measure: tuple[str, ...]
    index: tuple[str, ...]
    random_index: FloatArray
    missing: IntArray
    hint: tuple[Text | None, ...]
    matrices: FloatArray

    @property
    def acceptable(self) -> BoolArray:
        """Tell, per expert, whether the consistency measure is within its limit."""
        return np.asarray(np.isnan(self.consistency) | (self.consistency <= self.limit))

    @property
    def off_total(self) -> BoolArray:
        """Tell whose points do not add up to 100, or direct weights neither to 1 nor to 100."""
        off = [
            method in TOTALS and all(abs(total / wanted - 1) > 1e-8 for wanted in TOTALS[method])
            for method, total in zip(self.methods, self.stated_sum.tolist(), strict=True)
        ]
        return np.array(off, dtype=bool)


def judge_nodes(
    panel: Panel, round_number: int, options: Mapping[str, Any] | None = None
) -> dict[str, NodeJudgements]:
    """Solve every judgement of a round, batched by node and method.

    Parameters
    ----------
    panel, round_number
        Whose forms.
    options
        By method, options of :func:`calib.experts.elicit.elicit`.

    Raises
    ------
    InputError
        For a round without forms.
    """
    forms = panel.in_round(round_number)
    if not forms:
        known = [str(r) for r in panel.rounds]
        raise InputError(message("experts.faults.no_round", round=round_number, known=known))
    out: dict[str, NodeJudgements] = {}
    for key, question in panel.questions.items():
        members = [form for form in forms if key in form.answers]
        if members:
            out[key] = _judge(question, members, key, dict(options or {}))
    return out


def _judge(
    question: Question, members: list[ExpertForm], key: str, options: Mapping[str, Any]
) -> NodeJudgements:
    k, n = len(members), len(question.items)
    weights, stated, sums = np.empty((k, n)), np.full((k, n), np.nan), np.full(k, np.nan)
    consistency, limit = np.full(k, np.nan), np.full(k, np.nan)
    measure, index = [""] * k, [""] * k
    hints: list[Text | None] = [None] * k
    scale, missing = np.full(k, np.nan), np.zeros(k, dtype=np.int64)
    methods = tuple(form.answers[key].method for form in members)
    matrices = np.full((k, n, n), np.nan)
    for method in dict.fromkeys(methods):
        rows = [i for i, used in enumerate(methods) if used == method]
        answers = [members[i].answers[key] for i in rows]
        names = [members[i].expert for i in rows]
        responses = np.stack([a.response for a in answers])
        named = named_items(answers)
        extra = {**options.get(method, {}), **named}
        result = elicit(method, responses, experts=names, items=question.items, **extra)
        weights[rows], sums[rows] = result.weights, result.raw_sum
        consistency[rows], limit[rows] = result.consistency, result.limit
        for i, hint in zip(rows, _hints(result, responses, named, question.items), strict=True):
            hints[i], measure[i] = hint, result.measure
        if method == "ratings":
            stated[rows] = responses
        if isinstance(result.details, Comparisons):
            matrices[rows], missing[rows] = responses, result.details.missing
            scale[rows] = result.details.random_index
            for i in rows:
                index[i] = result.details.index
    names_all = tuple(form.expert for form in members)
    return NodeJudgements(
        question,
        names_all,
        methods,
        weights,
        stated,
        sums,
        consistency,
        limit,
        tuple(measure),
        tuple(index),
        scale,
        missing,
        tuple(hints),
        matrices,
    )


def _hints(
    result: Elicited,
    responses: FloatArray,
    named: Mapping[str, Any],
    items: tuple[str, ...],
) -> list[Text | None]:
    """Name the worst judgement of each expert, and its repair where the method knows one."""
    if isinstance(result.details, Comparisons):
        found = result.details.worst()
        return [
            message(
                "experts.hint.pair",
                one=items[i],
                other=items[j],
                value=f"{value:.3g}",
                repair=f"{repair:.3g}",
            )
            if i >= 0 and abs(np.log(repair / value)) > 1e-6  # rounding is nothing to look at
            else None
            for (i, j), value, repair in zip(
                found.pair.tolist(), found.value, found.repaired, strict=True
            )
        ]
    if result.method == "bwm":
        _, at = input_consistency(responses[:, 0], responses[:, 1], named["best"], named["worst"])
        hints: list[Text | None] = []
        for row, item, worst in zip(responses, at.tolist(), named["worst"].tolist(), strict=True):
            if item < 0:
                hints.append(None)
                continue
            over, under = row[0, item], row[1, item]
            top = float(row[0, worst])
            hints.append(
                message(
                    "experts.hint.bwm",
                    item=items[item],
                    over=f"{over:g}",
                    under=f"{under:g}",
                    product=f"{over * under:g}",
                    top=f"{top:g}",
                )
            )
        return hints
    return [None] * len(responses)


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
        number, request, nodes, pooled, experts, competence, local, draws, without, tuple(alone),
        missing, doubtful,
    )  # fmt: skip


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
