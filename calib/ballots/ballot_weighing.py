"""From a survey to weights on every level of the tree, and to the question of equality."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import AfterValidator, Field

from calib._types import FloatArray, Seed
from calib.ballots.ballots_result import (
    BallotsResult,
    drawings,
    node_names,
    notes,
    synthetic_marks,
    tables,
)
from calib.ballots.equality_report import MARGIN, EqualityReport, equality_report
from calib.ballots.equivalence import check_alpha, check_margin
from calib.ballots.estimates import estimate
from calib.ballots.resampling import seed_of, worth_draws
from calib.ballots.survey import Survey
from calib.ballots.tree_weights import align_leaves, leaf_groups, pool_tracks
from calib.errors import InputError, unknown
from calib.framework import Framework, Name
from calib.requests import Request, expect, takes
from calib.weights import WeightSet, published_weights
from calib.weights.uncertainty import Local, Plan, Root, Uncertainty, derive
from calib.words import Text, joined, message

__all__ = [
    "BallotsRequest",
    "weigh_ballots",
]

Method = Literal[
    "shrinkage", "maximum_likelihood", "borda_unlisted_zero", "borda_mean_unlisted", "dowdall",
    "first_choice", "picks",
]  # fmt: skip


def _sensible(check: Callable[[float], None]) -> AfterValidator:
    def checked(value: float) -> float:
        try:
            check(value)
        except InputError as exc:  # a fault of one option, beside those of the others
            raise ValueError(str(exc)) from exc
        return value

    return AfterValidator(checked)


class BallotsRequest(Request):
    """How a survey's ballots become weights; see :func:`weigh_ballots`."""

    levels: tuple[str, ...] | Literal["all"] | None = Field(
        default=None,
        description="levels whose weights come from the ballots, the others keep those of"
        ' ``base``; the level that was ranked if None. "all" counts indicators to weigh the nodes'
        " above them",
    )
    method: Method = Field(
        default="shrinkage",
        description="estimator of the indicators' worths; shrinkage is top-k Plackett-Luce with"
        " shrinkage towards equal worth",
    )
    also: tuple[Method, ...] = Field(
        default=(),
        description="further estimators, each a set of its own in ``also`` of the result",
    )
    pooling: Literal["ballots", "equal"] = Field(
        default="ballots",
        description="how tracks share first-level weights: by numbers of ballots, or equally",
    )
    draws: int = Field(
        default=1000, ge=1, description="replicates of the survey behind the weights' uncertainty"
    )
    margin: Annotated[float, _sensible(check_margin)] = Field(
        default=MARGIN,
        description="equivalence margin, a ratio above 1: equal means within 1/margin to margin"
        " times the value under equality",
    )
    alpha: Annotated[float, _sensible(check_alpha)] = Field(
        default=0.05, description="level of the tests; simultaneous intervals hold at 1 - alpha"
    )


@takes(BallotsRequest)
def weigh_ballots(
    survey: Survey,
    *,
    base: WeightSet | None = None,
    name: str = "ballots",
    report: bool = True,
    rng: Seed = None,
    request: BallotsRequest,
) -> BallotsResult:
    """Estimate weights from ballots, and judge the claim that indicators are equally important.

    Parameters
    ----------
    survey : from :func:`calib.read_survey`; a track without ballots keeps the weights of ``base``
    base : weights of the levels that do not come from the ballots; the published ones if None
    name : name of the weight set
    report : whether to report on equal importance too, with tables and figures
    rng : seed or generator. Weights from one survey under one seed are drawn under the same
        resamples of its ballots, whatever the method and the levels
    {options}

    Returns
    -------
    BallotsResult
        ``weights`` vary with the survey (and with whatever ``base`` varies with).

    Raises
    ------
    InputError
        For a level that the framework lacks, or where first-level weights, which tracks share,
        are to come from ballots and a track has none.

    Notes
    -----
    Ballots speak at the level at which they were cast. An indicator's worth is a share of the
    whole; sums of worths over the nodes above count indicators, so that a pillar with more of
    them weighs more. By default such sums only say how much the indicators of one parent weigh
    among themselves.

    Examples
    --------
    >>> import calib
    >>> survey = calib.read_survey("near-equal", calib.load_framework("aii"))
    >>> found = calib.weigh_ballots(survey, method="dowdall", report=False, rng=1)
    >>> found.weights.draws["discrete"].shape
    (1000, 42)
    """
    call = "weigh_ballots(survey)"
    expect(call, survey=(survey, Survey))
    if base is not None:
        expect("weigh_ballots(survey, base=weights)", base=(base, WeightSet))
    base = base or published_weights(survey.framework)
    levels = _levels(survey.framework, request)
    absent = [t for t in survey.framework.tracks if t not in survey.ballots]
    if absent and survey.framework.shared and survey.framework.levels[0][0] in levels:
        raise InputError(message("ballots.input.every_track", absent=absent))
    seed = seed_of(rng)
    made = {
        method: _weights(survey, base, request, method=method, name=where, levels=levels, seed=seed)
        for method, where in [(request.method, name), *((m, f"{name}/{m}") for m in request.also)]
    }
    weights, share = made[request.method]
    also: dict[str, WeightSet] = {m: made[m][0].renamed(f"{name}/{m}") for m in request.also}
    weights = weights.renamed(name)
    if not report:
        return BallotsResult(
            weights, also, notes=synthetic_marks(survey), survey=survey, share=share
        )
    reports = _reports(survey, request, seed)
    return BallotsResult(
        weights,
        also,
        tables=tables(survey, reports),
        drawings=drawings(survey, reports),
        notes=notes(survey, reports, share, levels),
        survey=survey,
        reports=reports,
        share=share,
    )


def _levels(framework: Framework, request: BallotsRequest) -> tuple[str, ...]:
    """Return the levels that come from the ballots."""
    known = [code for code, _ in framework.levels]
    if request.levels == "all":
        return tuple(known)
    if request.levels is None:
        return (known[-1],)
    for level in request.levels:
        if level not in known:
            raise InputError(unknown("ballots.no_level", level, known))
    return tuple(request.levels)


def _weights(
    survey: Survey,
    base: WeightSet,
    request: BallotsRequest,
    *,
    method: str,
    name: str,
    levels: tuple[str, ...],
    seed: tuple[int, ...],
) -> tuple[WeightSet, Mapping[str, float]]:
    """Return the weights by one estimator, and the tracks' shares in the common weights."""
    framework = survey.framework
    worths = {t: _worth(survey, t, method) for t in survey.ballots}
    point, share = _tree(survey, worths, base, request.pooling)
    depths = [framework.level_depth(level) for level in levels]
    rows = {
        code: np.flatnonzero(~np.isin(track.depth, depths) | (code not in survey.ballots))
        for code, track in framework.tracks.items()
    }

    def with_base(local: Local, other: Local) -> Local:
        out = {t: np.array(values) for t, values in local.items()}
        for t, nodes in rows.items():
            out[t][..., nodes] = other[t][..., nodes]
        return out

    own = WeightSet.build(
        framework,
        name,
        point,
        source="ballots",
        uncertainty=_uncertainty(survey, point, base, method, request, seed),
    )
    made = WeightSet.build(
        framework,
        name,
        with_base(point, base.local),
        source="ballots",
        detail=_detail(survey, method, request, levels),
        label=_label(method),
        inputs={Path(survey.read_report.file).name: survey.digest},
        synthetic=survey.synthetic or base.provenance.synthetic,
        uncertainty=derive([own, base], lambda sets, plan: with_base(sets[0], sets[1])),
    )
    return made, share


def _worth(survey: Survey, track: str, method: str) -> FloatArray:
    ballots = survey.ballots[track]
    worth = estimate(ballots, method).worth
    if worth is None:  # pragma: no cover - Kemeny is no choice here
        raise InputError(message("ballots.no_worths"))
    return align_leaves(survey.framework.tracks[track], ballots.items, worth)


def _tree(
    survey: Survey, worths: Mapping[str, FloatArray], base: WeightSet, pooling: Any
) -> tuple[Local, Mapping[str, float]]:
    """Sum worths up the tree; tracks without ballots stand as in the base, and count nothing."""
    shape = next(iter(worths.values())).shape[:-1]
    whole = {
        t: worths.get(t, np.broadcast_to(base.leaf(t), (*shape, len(track.leaves))))
        for t, track in survey.framework.tracks.items()
    }
    sizes = {t: float(survey.ballots[t].n) if t in survey.ballots else 0.0 for t in whole}
    return pool_tracks(survey.framework, whole, sizes, pooling=pooling)


def _uncertainty(
    survey: Survey,
    point: Local,
    base: WeightSet,
    method: str,
    request: BallotsRequest,
    seed: tuple[int, ...],
) -> Uncertainty:
    """Return how the weights vary with the survey; replicates are made when asked for."""
    root = Root(
        survey.digest,
        "survey",
        message("ballots.root", file=Path(survey.read_report.file).name),
        "-".join(map(str, seed)),
        sum(b.n for b in survey.ballots.values()),
    )

    @cache
    def table() -> Local:
        worths = {}
        for place, (code, ballots) in enumerate(survey.ballots.items()):
            stream = (*seed, int(survey.digest[:16], 16), place)
            draws = worth_draws(ballots, request.draws, method=method, rng=stream)
            worths[code] = align_leaves(survey.framework.tracks[code], ballots.items, draws)
        drawn, _ = _tree(survey, worths, base, request.pooling)
        return {t: np.vstack([values, point[t]]) for t, values in drawn.items()}

    def make(plan: Plan) -> Local:
        return {t: values[plan[root.key]] for t, values in table().items()}

    return Uncertainty({root.key: root}, request.draws, make)


def _detail(survey: Survey, method: str, request: BallotsRequest, levels: tuple[str, ...]) -> Text:
    tracks = survey.framework.tracks
    counts = [
        message("provenance.of_track", track=tracks[t].name, n=b.n)
        for t, b in survey.ballots.items()
    ]
    how = message(f"provenance.pooling.{request.pooling}")
    named = message(f"ballots.methods.{method}")
    parts: list[Text] = [message("provenance.ballots", method=named, counts=counts, pooling=how)]
    names = dict(survey.framework.levels)
    if len(levels) < len(names):
        parts.append(message("provenance.ballot_levels", levels=[names[c] for c in levels]))
    if survey.synthetic:
        parts.append(message("provenance.synthetic_ballots"))
    return joined(parts, message("words.semicolon"))


def _label(method: str) -> Name:
    label = message("ballots.label", method=message(f"ballots.methods.{method}"))
    return Name(label.get("zh"), label.get("en"))


def _reports(
    survey: Survey, request: BallotsRequest, seed: tuple[int, ...]
) -> dict[str, EqualityReport]:
    out = {}
    for place, (code, ballots) in enumerate(survey.ballots.items()):
        groups, names = leaf_groups(survey.framework.tracks[code])
        out[code] = equality_report(
            ballots,
            margin=request.margin,
            alpha=request.alpha,
            groups=groups,
            group_names=names,
            names=node_names(survey.framework.tracks[code]),
            rng=np.random.default_rng((*seed, int(survey.digest[:16], 16), place, 3)),
        )
    return out
