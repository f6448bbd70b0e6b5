"""From a panel's forms to local weights at every node, with draws."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from calib._types import FloatArray, Seed
from calib.errors import Faults, InputError
from calib.experts.competence import competence_by_consistency, hand_set_competence
from calib.experts.elicit import METHODS
from calib.experts.judgements import NodeJudgements, judge_nodes
from calib.experts.pairwise import eigenvector_weights
from calib.experts.panel import Panel, questions_of
from calib.experts.pooling import POOLS, pool_judgements, pool_weights
from calib.experts.uncertainty import (
    Bootstrap,
    bootstrap_judgements,
    bootstrap_weights,
    resample_experts,
)
from calib.framework import Framework

__all__ = ["PanelWeights", "PoolOptions", "pool_panel"]


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
            _compared(node, competence), competence=competence, level=options.level, counts=counts
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


def _compared(node: NodeJudgements, competence: FloatArray) -> FloatArray:
    """Return the matrices for AIJ; only experts with weight need to have compared all pairs."""
    gaps = np.isnan(node.matrices).any(axis=(1, 2)) & (competence > 0)
    if gaps.any():
        others = [
            f"{node.experts[i]} ({METHODS[node.methods[i]].name['en']})"
            for i in np.flatnonzero(gaps)
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
        matrices = _compared(node, competence)
        out[rest] = eigenvector_weights(pool_judgements(matrices, competence=shares[rest])).weights
    else:
        out[rest] = pool_weights(
            node.weights,
            pool=options.pool,
            trim=options.trim,
            competence=shares[rest],
            experts=node.experts,
        )
    return out, single.tolist()
