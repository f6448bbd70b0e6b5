"""``experts``: weights from a panel's forms, with rounds, intervals, and what each one decides."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, StrictFloat, model_validator

from calib.errors import InputError
from calib.experiment.context import Context
from calib.experiment.registry import Params, Source
from calib.experiment.results import SourceResult
from calib.experiment.sources.experts_report import (
    Diagnosis,
    SeedResult,
    drawing,
    notes,
    tables,
)
from calib.experts.delphi import StoppingRule
from calib.experts.direction import panel_direction
from calib.experts.groups import panel_groups
from calib.experts.panel import Panel
from calib.experts.reading import read_panel
from calib.experts.rounds import delphi_rounds
from calib.experts.seeds import read_seed_answers, weights_from_seeds
from calib.experts.synthesis import PanelWeights, PoolOptions, pool_panel
from calib.framework import Name
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
    With competence ``"seeds"`` the file ``seeds`` has answers to seed questions (Cooke's model),
    ``seed_cutoff`` (0) is the least calibration that counts, and ``seed_overshoot`` (0.1) widens
    the intrinsic ranges.
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
    seed_cutoff: Annotated[float, Field(ge=0, lt=1)] | None = None
    seed_overshoot: Annotated[float, Field(gt=0)] | None = None
    unjudged: Literal["error", "published", "equal"] = "error"
    trim: Share = 0.1
    draws: Annotated[int, Field(ge=100, le=100_000)] = 2000
    level: Annotated[float, Field(gt=0.5, lt=1)] = 0.95
    exclude: tuple[str, ...] = ()
    skip_invalid: bool = False
    methods: MethodParams = MethodParams()
    synthetic: bool = False

    @model_validator(mode="after")
    def _seeds_need_their_competence(self) -> ExpertsParams:
        stated = [
            name
            for name in ("seeds", "seed_cutoff", "seed_overshoot")
            if getattr(self, name) is not None
        ]
        if stated and self.competence != "seeds":
            raise ValueError(f'{", ".join(stated)}: only with competence = "seeds"')
        return self


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
        # Office programs leave lock files (~$…) beside an open form; hidden files are not meant.
        found += [str(Path(pattern).with_name(h)) for h in hits if not h.startswith(("~$", "."))]
    return [context.path(name) for name in found]


def _build(context: Context, name: str, params: ExpertsParams) -> SourceResult:
    panel, skipped = read_panel(
        _files(context, params.files),
        context.framework,
        rounds=params.rounds,
        skip_invalid=params.skip_invalid,
    )
    panel = panel.without(params.exclude)
    competence, seeds = _competence(context, name, panel, params)
    options = PoolOptions(
        params.pool,
        competence,
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
    found = Diagnosis(
        panel,
        main,
        tuple(rounds),
        panel_groups(main.nodes, rng=context.rng(f"{name}/camps")),
        panel_direction(main.nodes, main.experts, rng=context.rng(f"{name}/direction")),
        seeds,
        params.synthetic,
    )
    return SourceResult(
        _weight_set(context, name, panel, main, params),
        also={
            str(r): _weight_set(context, f"{name}/{r}", panel, result, params)
            for r, result in others.items()
        },
        draws=main.draws,
        tables=tables(context, name, found),
        drawings=(drawing(name, main, params.synthetic),),
        notes=notes(found, rule, skipped),
        details={
            "panel": panel,
            "weights": main,
            "rounds": rounds,
            "seeds": seeds,
            "groups": found.groups,
            "direction": found.direction,
        },
    )


def _competence(
    context: Context, name: str, panel: Panel, params: ExpertsParams
) -> tuple[str | dict[str, float], SeedResult | None]:
    if params.competence != "seeds":
        return params.competence, None
    if params.seeds is None:
        raise InputError(f"{context.file}: sets.{name}.seeds is missing; competence is 'seeds'")
    # Experts of the seed file who sent no form, or were excluded, are not part of the panel: their
    # answers would still move the ranges that set the others' information.
    answers = read_seed_answers(context.path(params.seeds)).of(f.expert for f in panel.forms)
    weights, performance = weights_from_seeds(
        answers,
        overshoot=0.1 if params.seed_overshoot is None else params.seed_overshoot,
        cutoff=params.seed_cutoff or 0.0,
    )
    return dict(weights), (answers.experts, performance)


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


EXPERTS = Source(ExpertsParams, _build)
