"""From a panel to its weights, with everything that a reader asks about them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from calib._streams import stream, token
from calib._types import Seed
from calib.errors import InputError
from calib.experts.cooke import SeedAnswers, read_seed_answers, weights_from_seeds
from calib.experts.delphi_panel import NodeRound, delphi_rounds
from calib.experts.panel import Panel
from calib.experts.panel_differences import (
    Direction,
    NodeGroups,
    panel_direction,
    panel_groups,
)
from calib.experts.panel_notes import panel_notes
from calib.experts.panel_request import PanelRequest
from calib.experts.panel_tables import PanelFindings, SeedScores, panel_tables, weights_drawing
from calib.experts.synthesis import PanelWeights, pool_panel
from calib.population import Population
from calib.rating import Scored, score_answers
from calib.requests import expect, takes
from calib.weights import Consensus, Evidence, Root, Weighed, WeightSet, from_table
from calib.words import Name, Text, joined, message

__all__ = ["PanelResult", "weigh_panel"]


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class PanelResult(Weighed):
    """The weights of a panel, and what was found about its judgements.

    Attributes
    ----------
    weights : the weights of the round that counts; their draws resample the experts
    also : weights of the other rounds, by round
    panel : the panel that was weighed
    pooled : judgements, weights and intervals node by node
    rounds : Delphi statistics of every node and round, with the verdict of the stopping rule
    groups : clusters of experts at every node, and what elicitation methods have to do with them
    direction : whose answers run against everybody else's
    seeds : names, and performance on the seed questions; None without
    """

    panel: Panel
    pooled: PanelWeights
    rounds: Sequence[NodeRound]
    groups: Mapping[str, NodeGroups]
    direction: Direction
    seeds: SeedScores | None

    def headline(self) -> Text:
        """Return round, experts, pooling and the first-level weights."""
        return message(
            "experts.headline",
            round=self.pooled.round,
            n=len(self.pooled.experts),
            pooling=message(f"experts.pooling.{self.pooled.request.pooling}"),
            top=_top(self.weights),
        )

    @property
    def evidence(self) -> Evidence:
        """How far the experts of the round that counts agree, and what was assumed of them."""
        nan = float("nan")
        consensus = []
        for found in (r for r in self.rounds if r.round == self.pooled.round):
            question, w = found.node.question, found.statistics.concordance
            track = question.tracks[0] if question.place is not None else "all"
            low, high = (nan, nan) if w is None else w.interval
            consensus.append(
                Consensus(track, question.parent, found.statistics.returned,
                          nan if w is None else w.w, low, high)
            )  # fmt: skip
        caveats: list[Text] = [message("experts.synthetic")] if self.panel.synthetic else []
        if self.pooled.unjudged:
            used = message(f"experts.used.{self.pooled.request.unjudged}")
            caveats.append(
                message("experts.caveat_unjudged", n=len(self.pooled.unjudged), used=used)
            )
        return Evidence(consensus, caveats=[*caveats, message("experts.caveat_within")])


@takes(PanelRequest)
def weigh_panel(
    panel: Panel,
    population: Population | Scored | None = None,
    *,
    request: PanelRequest,
    seeds: SeedAnswers | str | os.PathLike[str] | None = None,
    rng: Seed = None,
    name: str = "experts",
) -> PanelResult:
    """Turn a panel's judgements into weights with their uncertainty.

    Parameters
    ----------
    panel : from :func:`calib.read_panel`
    population : enterprises, or their scores; with them the result tells how many stars each
        expert decides
    {options}
    seeds : answers to seed questions, or their file (competence ``seeds``)
    rng : Generator or seed. Replicates of a panel depend on the panel and on the seed only, so
        results of one panel under one seed are paired, whatever their options
    name : of the weight set

    Returns
    -------
    PanelResult

    Raises
    ------
    InputError
        When nodes are judged by nobody (unless ``unjudged`` says otherwise), when competence is
        unknown, or when judgements cannot be pooled in the way asked for.

    Notes
    -----
    A replicate resamples the experts once for all nodes and rounds, and the weights are pooled
    again from what each of them said. What experts say differs by their views and by errors of
    their own; the differences between experts hold both, so that drawing each expert's errors
    once more would count them twice. Errors that all experts make alike are not in it. Percentiles
    of fewer than about 20 experts would be too narrow, so Student's t widens the draws
    (``small_panel``).

    Examples
    --------
    >>> experts = weigh_panel(panel, pooling="geometric", rng=1)  # doctest: +SKIP
    """
    expect("weigh_panel(panel, population)", panel=(panel, Panel))
    if population is not None:
        expect("weigh_panel(panel, population)", population=(population, (Population, Scored)))
    seed = token(rng)
    seeded, scores, inputs = _seeds(panel, request, seeds)
    used = panel if request.method is None else panel.elicited_by(request.method)
    number = request.round or used.rounds[-1]

    def pooled(of: int) -> PanelWeights:
        return pool_panel(panel, of, request, seeded=seeded, rng=seed)

    main = pooled(number)
    others = {r: pooled(r) for r in used.rounds if r != number}
    rounds = delphi_rounds(
        used,
        sent={int(r): count for r, count in request.sent.items()},
        rule=request.stopping,
        methods=request.formulas.by_method(),
        rng=stream(seed, f"{name}/rounds"),
    )
    # Under the name that clusters had: another would draw others.
    groups = panel_groups(main.nodes, rng=stream(seed, f"{name}/camps"))
    direction = panel_direction(main.nodes, main.experts, rng=stream(seed, f"{name}/direction"))
    found = PanelFindings(used, main, rounds, groups, direction, scores, name)
    n = len(main.experts)
    root = Root(panel.digest, "panel", message("experts.root", n=n), str(seed), n)
    return PanelResult(
        weights=_weight_set(panel, main, root, name, inputs),
        also={
            str(r): _weight_set(panel, p, root, f"{name}/{r}", inputs) for r, p in others.items()
        },
        tables=panel_tables(found, _scored(population)),
        drawings=(weights_drawing(found),),
        notes=panel_notes(found, request.stopping),
        panel=panel,
        pooled=main,
        rounds=rounds,
        groups=groups,
        direction=direction,
        seeds=scores,
    )


def _seeds(
    panel: Panel, request: PanelRequest, seeds: SeedAnswers | str | os.PathLike[str] | None
) -> tuple[dict[str, float] | None, SeedScores | None, dict[str, str]]:
    """Return weights by seed questions, how they came about, and the hashes of all files."""
    inputs = dict(panel.files)
    if (request.competence == "seeds") != (seeds is not None):
        raise InputError(message("experts.seeds_go_together"))
    if seeds is None:
        return None, None, inputs
    if not isinstance(seeds, SeedAnswers):
        seeds = read_seed_answers(seeds)
    inputs |= seeds.files
    # Experts of the seed file who sent no form, or were excluded, are not part of the panel: their
    # answers would still move the ranges that set the others' information.
    answers = seeds.of(panel.experts)
    weights, performance = weights_from_seeds(
        answers,
        overshoot=0.1 if request.seed_overshoot is None else request.seed_overshoot,
        cutoff=request.seed_cutoff or 0.0,
    )
    return weights, (answers.experts, performance), inputs


def _scored(population: Population | Scored | None) -> Scored | None:
    if population is None or isinstance(population, Scored):
        return population
    return score_answers(population, population.framework.rule.read({}))


def _weight_set(
    panel: Panel, pooled: PanelWeights, root: Root, name: str, inputs: Mapping[str, str]
) -> WeightSet:
    said = "synthetic_label" if panel.synthetic else "label"
    label = message(f"experts.{said}", round=pooled.round)
    return WeightSet.build(
        panel.framework,
        name,
        pooled.local,
        source="experts",
        detail=_detail(panel, pooled),
        label=Name(label.get("zh"), label.get("en")),
        inputs=inputs,
        synthetic=panel.synthetic,
        uncertainty=from_table(root, pooled.local, pooled.draws),
    )


def _detail(panel: Panel, pooled: PanelWeights) -> Text:
    """Say in one line how the weights were made."""
    request = pooled.request
    kind = request.competence if isinstance(request.competence, str) else "by_hand"
    parts: list[Text] = [
        message(
            "experts.detail",
            n=len(pooled.experts),
            round=pooled.round,
            pooling=message(f"experts.pooling.{request.pooling}"),
            competence=message(f"experts.competence.{kind}"),
        )
    ]
    if request.method is not None:
        parts.append(message("experts.detail_method", method=request.method))
    if request.inconsistent != "keep":
        n = sum(d.done != "keep" for d in pooled.doubtful)
        key = request.inconsistent.replace("-", "_")
        parts.append(message(f"experts.doubtful.detail_{key}", n=n))
    if panel.synthetic:
        parts.append(message("experts.detail_synthetic"))
    if pooled.unjudged:
        used = message(f"experts.used.{request.unjudged}")
        parts.append(message("experts.detail_unjudged", n=len(pooled.unjudged), used=used))
    return joined(parts, message("words.semicolon"))


def _top(weights: WeightSet) -> list[str]:
    track = next(iter(weights.framework.tracks.values()))
    return [f"{track.codes[i]} {weights.local[track.code][i]:.3g}" for i in track.at_depth(1)[:6]]
