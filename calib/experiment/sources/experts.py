"""``experts``: weights from a panel's forms, with rounds, intervals, and what each one decides."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, StrictFloat, model_validator

from calib._types import FloatArray, IntArray
from calib.errors import Fault, Faults, InputError
from calib.experiment.context import Context
from calib.experiment.registry import Params, Source
from calib.experiment.results import Drawing, Note, SourceResult, Table
from calib.experts.delphi import StoppingRule
from calib.experts.panel import Panel
from calib.experts.reading import read_panel
from calib.experts.rounds import NodeRound, delphi_rounds
from calib.experts.seeds import read_seed_answers, weights_from_seeds
from calib.experts.synthesis import PanelWeights, PoolOptions, pool_panel
from calib.experts.tables import (
    camps_table,
    changes_table,
    consistency_table,
    experts_table,
    items_table,
    rounds_table,
    sums_table,
    weights_table,
)
from calib.framework import Name
from calib.rating import stars as rate_stars
from calib.weights import WeightSet

__all__ = ["EXPERTS"]

Share = Annotated[float, Field(ge=0, lt=0.5)]
RoundKey = Annotated[str, Field(pattern=r"^[1-9][0-9]*$")]


class StoppingParams(Params):
    """``stopping``: limits of the Delphi stopping rule, stated before the first round."""

    max_cv: Annotated[float, Field(gt=0)] = 0.25
    min_w: Annotated[float, Field(ge=0, le=1)] = 0.3
    alpha: Annotated[float, Field(gt=0, lt=1)] = 0.05
    max_shift: Annotated[float, Field(gt=0, le=1)] = 0.03
    max_rounds: Annotated[int, Field(ge=1)] = 4


class MethodParams(Params):
    """``methods``: how judgements become weights, where the literature knows several ways."""

    ranks: Literal["centroid", "sum", "reciprocal", "sum-reciprocal"] = "centroid"
    ties: Literal["unordered", "equal"] = "unordered"
    ahp: Literal["eigenvector", "geometric"] = "eigenvector"
    ahp_incomplete: Literal["least-squares", "optimal", "harker"] = "least-squares"
    random_index: Literal["simulated", "saaty"] | StrictFloat = "simulated"

    @model_validator(mode="after")
    def _ties_need_the_centroid(self) -> MethodParams:
        if self.ties == "equal" and self.ranks != "centroid":
            raise ValueError('ties = "equal" goes with ranks = "centroid"')
        return self

    def options(self) -> dict[str, dict[str, Any]]:
        """Return the options by elicitation method."""
        pairs = {
            "complete": self.ahp,
            "incomplete": self.ahp_incomplete,
            "index": self.random_index,
        }
        ranks = {"formula": self.ranks, "ties": self.ties}
        return {"ranks": ranks, "ahp": pairs, "ahp-incomplete": pairs}


class ExpertsParams(Params):
    """``experts``: a panel's forms.

    ``files`` names returned forms and tables, with ``*`` for many. ``round`` is the round that
    gives the weights (the last one if not stated); the other rounds become further sets.
    With competence ``"seeds"`` the file ``seeds`` has answers to seed questions (Cooke's model).
    ``synthetic`` marks answers that nobody gave, in the report and in the provenance.
    """

    files: Annotated[tuple[str, ...], Field(min_length=1)]
    round: Annotated[int, Field(ge=1)] | None = None
    rounds: tuple[int, ...] | None = None
    sent: dict[RoundKey, Annotated[int, Field(ge=1)]] = Field(default_factory=dict)
    stopping: StoppingParams = StoppingParams()
    pool: Literal["arithmetic", "geometric", "median", "trimmed", "aij"] = "arithmetic"
    competence: Literal["equal", "authority", "consistency", "seeds"] | dict[str, StrictFloat] = (
        "equal"
    )
    seeds: str | None = None
    unjudged: Literal["error", "published", "equal"] = "error"
    trim: Share = 0.1
    draws: Annotated[int, Field(ge=100, le=100_000)] = 2000
    level: Annotated[float, Field(gt=0.5, lt=1)] = 0.95
    exclude: tuple[str, ...] = ()
    skip_invalid: bool = False
    methods: MethodParams = MethodParams()
    synthetic: bool = False


def _files(context: Context, patterns: tuple[str, ...]) -> list[Path]:
    """Resolve the named files; every one is hashed for the manifest."""
    found: list[str] = []
    for pattern in patterns:
        if "*" not in pattern and "?" not in pattern:
            found.append(pattern)
            continue
        base = context.log.folder
        folder, name = (base / pattern).parent, Path(pattern).name
        hits = sorted(p.name for p in folder.glob(name) if p.is_file())
        if not hits:
            raise InputError(f"{context.file}: no files match {pattern!r} (looked in {folder})")
        # Office programs leave lock files (~$…) beside an open form.
        found += [str(Path(pattern).with_name(h)) for h in hits if not h.startswith("~$")]
    return [context.path(name) for name in found]


def _build(context: Context, name: str, params: ExpertsParams) -> SourceResult:
    panel, skipped = read_panel(
        _files(context, params.files),
        context.framework,
        rounds=params.rounds,
        skip_invalid=params.skip_invalid,
    )
    panel = panel.without(params.exclude)
    options = PoolOptions(
        params.pool,
        _competence(context, name, panel, params),
        params.unjudged,
        params.trim,
        params.draws,
        params.level,
    )
    number = params.round or panel.rounds[-1]
    methods = params.methods.options()
    main = pool_panel(panel, number, options, methods=methods, rng=context.rng(f"{name}/pool"))
    others = {
        r: pool_panel(panel, r, options, methods=methods, rng=context.rng(f"{name}/pool/{r}"))
        for r in panel.rounds
        if r != number
    }
    sent = {int(r): count for r, count in params.sent.items()}
    rule = StoppingRule(**params.stopping.model_dump())
    rounds = delphi_rounds(
        panel, sent=sent, rule=rule, methods=methods, rng=context.rng(f"{name}/rounds")
    )
    return SourceResult(
        _weight_set(context, name, panel, main, params),
        also={
            str(r): _weight_set(context, f"{name}/{r}", panel, result, params)
            for r, result in others.items()
        },
        draws=main.draws,
        tables=_tables(context, name, panel, main, rounds, params.synthetic),
        drawings=(_drawing(name, main, params.synthetic),),
        notes=_notes(panel, main, rounds, rule, skipped, params.synthetic),
        details={"panel": panel, "weights": main, "rounds": rounds},
    )


def _competence(
    context: Context, name: str, panel: Panel, params: ExpertsParams
) -> str | dict[str, float]:
    if params.competence != "seeds":
        return params.competence
    if params.seeds is None:
        raise InputError(f"{context.file}: sets.{name}.seeds is missing; competence is 'seeds'")
    weights, _ = weights_from_seeds(read_seed_answers(context.path(params.seeds)))
    faults = Faults(params.seeds)
    for expert in sorted({form.expert for form in panel.forms}):
        if expert not in weights:
            faults.add(expert, "no seed answers of this expert", expected="answers of everybody")
    faults.raise_if_any()
    # Experts of the seed file who sent no form are not part of the panel.
    present = {form.expert for form in panel.forms}
    return {expert: weight for expert, weight in weights.items() if expert in present}


def _weight_set(
    context: Context, name: str, panel: Panel, result: PanelWeights, params: ExpertsParams
) -> WeightSet:
    options, synthetic = result.options, params.synthetic
    kind = params.competence if isinstance(params.competence, str) else "set by hand"
    competence = "by seed questions" if kind == "seeds" else kind
    detail = (
        f"{len(result.experts)} experts, round {result.round}, pooled {options.pool},"
        f" competence {competence}"
    )
    if synthetic:
        detail += "; synthetic answers"
    if result.unjudged:
        detail += f"; {len(result.unjudged)} nodes nobody judged: {options.unjudged} weights"
    names = {form.file for form in panel.forms}
    if params.competence == "seeds" and params.seeds is not None:
        names.add(Path(params.seeds).name)
    return WeightSet.build(
        context.framework,
        name,
        result.local,
        source="experts",
        detail=detail,
        label=Name(
            f"专家赋权（第{result.round}轮{'，合成数据' if synthetic else ''}）",
            f"experts, round {result.round}{' (synthetic)' if synthetic else ''}",
        ),
        inputs={k: v for k, v in context.log.hashes.items() if Path(k).name in names},
    )


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


def _tables(
    context: Context,
    name: str,
    panel: Panel,
    main: PanelWeights,
    rounds: list[NodeRound],
    synthetic: bool,
) -> tuple[Table, ...]:
    rate = None
    if _complete(context):

        def rate(track: str, local: FloatArray) -> IntArray:
            return _star_function(context, track, local)

    experts = experts_table(panel, main, rate)
    camps = camps_table(main.nodes, rng=context.rng(f"{name}/camps"))
    shown_zh, shown_en = (f"{name}，合成数据", f"{name}, synthetic") if synthetic else (name, name)
    made = (
        ("weights", weights_table(main), "专家权重与区间", "weights with intervals", 40),
        ("experts", experts, "专家及其影响", "what each expert decides", 40),
        ("consistency", consistency_table(main.nodes), "判断一致性", "consistency", 15),
        ("sums", sums_table(main.nodes), "分数合计", "sums before normalising", 15),
        ("rounds", rounds_table(rounds), "各轮统计", "Delphi rounds", 40),
        ("items", items_table(rounds), "各轮指标统计", "Delphi rounds by indicator", 30),
        ("changes", changes_table(rounds), "轮次之间的变化", "change between rounds", 30),
        ("camps", camps, "意见分组", "camps of opinion", 20),
    )  # fmt: skip
    return tuple(
        Table(f"{name}-{key}", frame, Name(f"{zh}（{shown_zh}）", f"{en} ({shown_en})"), shown)
        for key, frame, zh, en, shown in made
        if len(frame)
    )


def _drawing(name: str, main: PanelWeights, synthetic: bool) -> Drawing:
    """Draw the panel's weights with their intervals, node by node."""
    mark_zh, mark_en = ("，合成数据", ", synthetic") if synthetic else ("", "")
    title = Name(f"专家权重与区间（{name}{mark_zh}）", f"weights with intervals ({name}{mark_en})")

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


def _notes(
    panel: Panel,
    main: PanelWeights,
    rounds: list[NodeRound],
    rule: StoppingRule,
    skipped: tuple[Fault, ...],
    synthetic: bool,
) -> tuple[Note, ...]:
    notes = []

    def note(zh: str, en: str, *, warning: bool = False) -> None:
        notes.append(Note(Name(zh, en), warning))

    if synthetic:
        note(
            "专家意见为合成数据，并非真实专家的判断。",
            "The experts' answers are synthetic; no real expert gave them.",
            warning=True,
        )
    notes.append(_stopping_note([r for r in rounds if r.round == main.round], rule))
    if main.unjudged:
        used = {"published": "公布", "equal": "相等"}.get(main.options.unjudged, "")
        note(
            f"{len(main.unjudged)} 个节点无专家判断，采用{used}权重。",
            f"Nobody judged {len(main.unjudged)} nodes; their weights are {main.options.unjudged}.",
        )
    doubtful = sum(int((~node.acceptable).sum()) for node in main.nodes.values())
    if doubtful:
        note(
            f"{doubtful} 份判断的一致性未达常用限值，仍计入。",
            f"{doubtful} judgements exceed the usual limit of consistency; they still count.",
            warning=True,
        )
    off = sum(int(node.off_total.sum()) for node in main.nodes.values())
    if off:
        note(
            f"{off} 份点数分配合计不是 100，已按合计归一。",
            f"{off} point allocations do not add up to 100; they were divided by their sums.",
            warning=True,
        )
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
    for text in panel.notes:
        note(text, text)
    return tuple(notes)


EXPERTS = Source(ExpertsParams, _build)
