"""From a panel's forms to local weights at every node, with draws."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from calib._types import BoolArray, FloatArray, Seed
from calib.errors import Faults, InputError
from calib.experts.ahp import Comparisons
from calib.experts.bestworst import input_consistency
from calib.experts.competence import competence_by_consistency, hand_set_competence
from calib.experts.elicit import METHODS, Elicited, elicit
from calib.experts.pairwise import eigenvector_weights
from calib.experts.panel import Panel, Question, named_items, questions_of
from calib.experts.pooling import POOLS, pool_judgements, pool_weights
from calib.experts.uncertainty import (
    Bootstrap,
    bootstrap_judgements,
    bootstrap_weights,
    resample_experts,
)
from calib.framework import Framework

__all__ = ["NodeJudgements", "PanelWeights", "PoolOptions", "judge_nodes", "pool_panel"]

POINTS_TOTAL = 100.0


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
    hint : (k,) the judgement to look at again, and what would repair it; "" if there is none
    matrices : (k, n, n) comparisons if everybody compared all pairs, else None
    """

    question: Question
    experts: tuple[str, ...]
    methods: tuple[str, ...]
    weights: FloatArray
    stated: FloatArray
    stated_sum: FloatArray
    consistency: FloatArray
    limit: FloatArray
    hint: tuple[str, ...]
    matrices: FloatArray | None

    @property
    def acceptable(self) -> BoolArray:
        """Tell, per expert, whether the consistency measure is within its limit."""
        return np.asarray(np.isnan(self.consistency) | (self.consistency <= self.limit))

    @property
    def off_total(self) -> BoolArray:
        """Tell who allocated points that do not add up to 100 (the form asks for 100)."""
        points = np.array([method == "points" for method in self.methods])
        return np.asarray(points & (np.abs(self.stated_sum - POINTS_TOTAL) > 1e-6))


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
        listed = ", ".join(str(r) for r in panel.rounds)
        raise InputError(f"the panel has no forms of round {round_number}; there are {listed}")
    out: dict[str, NodeJudgements] = {}
    for key, question in panel.questions.items():
        members = [form for form in forms if key in form.answers]
        if members:
            out[key] = _judge(question, members, key, dict(options or {}))
    return out


def _judge(
    question: Question, members: list[Any], key: str, options: Mapping[str, Any]
) -> NodeJudgements:
    k, n = len(members), len(question.items)
    weights, stated, sums = np.empty((k, n)), np.full((k, n), np.nan), np.full(k, np.nan)
    consistency, limit = np.full(k, np.nan), np.full(k, np.nan)
    hints = [""] * k
    methods = tuple(form.answers[key].method for form in members)
    matrices: FloatArray | None = None
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
            hints[i] = hint
        if method == "ratings":
            stated[rows] = responses
        if method == "ahp" and len(rows) == k:
            matrices = responses
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
        tuple(hints),
        matrices,
    )


def _hints(
    result: Elicited,
    responses: FloatArray,
    named: Mapping[str, Any],
    items: tuple[str, ...],
) -> list[str]:
    """Name the worst judgement of each expert, and its repair where the method knows one."""
    if isinstance(result.details, Comparisons):
        found = result.details.worst()
        return [
            f"{items[i]} : {items[j]} = {value:.3g}, the others imply {repair:.3g}"
            if i >= 0 and abs(np.log(repair / value)) > 1e-6  # rounding is nothing to look at
            else ""
            for (i, j), value, repair in zip(
                found.pair.tolist(), found.value, found.repaired, strict=True
            )
        ]
    if result.method == "bwm":
        _, at = input_consistency(responses[:, 0], responses[:, 1], named["best"], named["worst"])
        hints = []
        for row, item, worst in zip(responses, at.tolist(), named["worst"].tolist(), strict=True):
            if item < 0:
                hints.append("")
                continue
            over, under = row[0, item], row[1, item]
            top = float(row[0, worst])
            hints.append(
                f"{items[item]}: best over it {over:g} × it over worst {under:g}"
                f" = {over * under:g}, best over worst is {top:g}"
            )
        return hints
    return [""] * len(responses)


@dataclass(frozen=True, slots=True)
class PoolOptions:
    """How a panel is pooled.

    Parameters
    ----------
    pool : ``"arithmetic"`` (default), ``"geometric"``, ``"median"``, ``"trimmed"``, or ``"aij"``
        (geometric mean of judgements; every expert must have compared all pairs)
    competence : ``"equal"`` (default), ``"authority"``, ``"consistency"``, or weights by expert
        (experts not named count 1)
    unjudged : nodes that nobody judged: ``"error"`` (default), ``"published"`` or ``"equal"``
    trim : share of competence cut off at each end (``"trimmed"``)
    draws : bootstrap samples of the panel
    level : level of the intervals
    """

    pool: str = "arithmetic"
    competence: str | Mapping[str, float] = "equal"
    unjudged: str = "error"
    trim: float = 0.1
    draws: int = 2000
    level: float = 0.95


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
    """

    round: int
    options: PoolOptions
    nodes: Mapping[str, NodeJudgements]
    pooled: Mapping[str, Bootstrap]
    experts: tuple[str, ...]
    competence: FloatArray
    local: Mapping[str, FloatArray]
    draws: Mapping[str, FloatArray]
    without: Mapping[str, FloatArray]
    irreplaceable: tuple[tuple[str, str], ...] = field(default=())
    unjudged: tuple[str, ...] = field(default=())


def pool_panel(
    panel: Panel,
    round_number: int | None = None,
    options: PoolOptions | None = None,
    *,
    methods: Mapping[str, Any] | None = None,
    rng: Seed = None,
) -> PanelWeights:
    """Pool a round of a panel into local weights of the whole framework.

    Parameters
    ----------
    panel
        The panel.
    round_number
        Which round; the last one if None.
    options
        How to pool; the defaults of :class:`PoolOptions` if None.
    methods
        By method, options of :func:`calib.experts.elicit.elicit`.
    rng
        Generator or seed of the bootstrap.

    Raises
    ------
    InputError
        When nodes are judged by nobody (unless options say otherwise), competence is unknown, or
        judgements cannot be pooled in the way asked for.
    """
    options = options or PoolOptions()
    if options.pool not in (*POOLS, "aij"):
        raise InputError(f"unknown pool {options.pool!r}; expected {', '.join(POOLS)} or aij")
    number = panel.rounds[-1] if round_number is None else round_number
    nodes = judge_nodes(panel, number, methods)
    missing = tuple(key for key in questions_of(panel.framework) if key not in nodes)
    fallback = _fallback(panel.framework, missing, options.unjudged)
    experts = tuple(form.expert for form in panel.in_round(number))
    competence = _competence(panel, number, nodes, experts, options)
    unheard = [key for key, given in zip(nodes, competence.T, strict=True) if not given.any()]
    if unheard:
        raise InputError(
            f"every expert who judged {', '.join(unheard)} has weight 0: nobody is left to pool"
        )
    counts = resample_experts(competence > 0, options.draws, rng=rng)
    local = {t: values.copy() for t, values in fallback.items()}
    draws = {t: np.repeat(v[None], options.draws, axis=0) for t, v in fallback.items()}
    without = {t: np.repeat(v[None], len(experts), axis=0) for t, v in fallback.items()}
    pooled, alone = {}, []
    for column, (key, node) in enumerate(nodes.items()):
        rows = [experts.index(name) for name in node.experts]
        weight = competence[rows, column]
        pooled[key] = _pool_node(node, options, weight, counts[:, rows])
        left_out, single = _leave_out(node, options, weight, pooled[key].weights)
        if single:
            alone += [(node.experts[i], key) for i in single]
        for t in node.question.tracks:
            at = [panel.framework.tracks[t].index[code] for code in node.question.items]
            local[t][at] = pooled[key].weights
            draws[t][:, at] = pooled[key].draws
            without[t][:, at] = pooled[key].weights
            without[t][np.ix_(rows, at)] = left_out
    return PanelWeights(
        number,
        options,
        nodes,
        pooled,
        experts,
        competence,
        local,
        draws,
        without,
        tuple(alone),
        missing,
    )


def _fallback(
    framework: Framework, missing: tuple[str, ...], unjudged: str
) -> dict[str, FloatArray]:
    if unjudged not in ("error", "published", "equal"):
        raise InputError(f"unjudged is {unjudged!r}; expected error, published or equal")
    if missing and unjudged == "error":
        raise InputError(
            f"no expert judged {len(missing)} nodes: {', '.join(missing)}; collect forms for them,"
            " or say unjudged = published | equal"
        )
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
    options: PoolOptions,
) -> FloatArray:
    judged = np.array([[e in node.experts for node in nodes.values()] for e in experts])
    kind = options.competence
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
                text = "no authority coefficient: Ca or Cs was not stated"
                faults.add(name, text, expected="both on the form, or another competence")
        faults.raise_if_any()
        weights = np.array([forms[name].authority for name in experts])
        return np.asarray(judged * weights[:, None], dtype=float)
    if kind == "consistency":
        out = np.zeros(judged.shape)
        for column, node in enumerate(nodes.values()):
            rows = [experts.index(name) for name in node.experts]
            # Measures of different methods are comparable as multiples of their limits.
            out[rows, column] = competence_by_consistency(node.consistency / node.limit, limit=1.0)
        return out
    raise InputError(
        f"unknown competence {kind!r}; expected equal, authority, consistency or weights by expert"
    )


def _pool_node(
    node: NodeJudgements, options: PoolOptions, competence: FloatArray, counts: FloatArray
) -> Bootstrap:
    if options.pool == "aij":
        return bootstrap_judgements(
            _all_compared(node), competence=competence, level=options.level, counts=counts
        )
    return bootstrap_weights(
        node.weights,
        pool=options.pool,
        trim=options.trim,
        competence=competence,
        level=options.level,
        counts=counts,
        experts=node.experts,
    )


def _all_compared(node: NodeJudgements) -> FloatArray:
    if node.matrices is None:
        others = [
            f"{e} ({METHODS[m].name['en']})"
            for e, m in zip(node.experts, node.methods, strict=True)
            if m != "ahp"
        ]
        raise InputError(
            f"aij needs all pairs compared by everybody; at {node.question.key} not by "
            + ", ".join(others)
        )
    return node.matrices


def _leave_out(
    node: NodeJudgements, options: PoolOptions, competence: FloatArray, whole: FloatArray
) -> tuple[FloatArray, list[int]]:
    """Pool without each expert; who is the only one with weight keeps the whole's weights."""
    k = len(node.experts)
    shares = np.where(np.eye(k, dtype=bool), 0.0, competence)
    single = np.flatnonzero(shares.sum(axis=1) <= 0)
    out = np.repeat(whole[None], k, axis=0)
    rest = shares.sum(axis=1) > 0
    if not rest.any():
        return out, single.tolist()
    if options.pool == "aij":
        matrices = _all_compared(node)
        out[rest] = eigenvector_weights(pool_judgements(matrices, competence=shares[rest])).weights
    else:
        out[rest] = pool_weights(
            node.weights, pool=options.pool, trim=options.trim, competence=shares[rest]
        )
    return out, single.tolist()
