"""From a survey to weights, with their uncertainty and the question of equal importance."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import AfterValidator, Field

from calib._types import FloatArray, Seed
from calib.ballots.draws import seed_of, worth_draws
from calib.ballots.equivalence import check_alpha, check_margin
from calib.ballots.estimates import comparison_table, estimate, estimate_all, maximum_note
from calib.ballots.report import MARGIN, EqualityReport, equality_report
from calib.ballots.rollup import TreeWeights, align_leaves, leaf_groups, pool_tracks
from calib.ballots.sentences import verdict_name
from calib.ballots.survey import Survey
from calib.errors import InputError, suggest
from calib.framework import Framework, Name, Track
from calib.report import Drawing, Note, Table
from calib.requests import Request, expect, takes
from calib.weights import Weighed, WeightSet, published_weights
from calib.weights.uncertainty import Local, Plan, Root, Uncertainty, derive
from calib.words import Text, joined, message

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["BallotsRequest", "BallotsResult", "weigh_ballots"]

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


@dataclass(frozen=True, eq=False, repr=False)
class BallotsResult(Weighed):
    """Weights from ballots, with the report on equal importance of every track.

    Attributes
    ----------
    survey : the ballots
    reports : by track; empty if none was asked for
    share : by track, share in first-level weights that tracks have in common
    """

    survey: Survey = None  # type: ignore[assignment]
    reports: Mapping[str, EqualityReport] = field(default_factory=dict)
    share: Mapping[str, float] = field(default_factory=dict)

    def headline(self) -> Text:
        """Return the verdict on equal importance by track, and how sure it is."""
        if not self.reports:
            return super().headline()
        tracks = self.weights.framework.tracks
        return joined(
            [
                message("ballots.by_track", track=tracks[t].name, text=r.headline())
                for t, r in self.reports.items()
            ],
            message("words.semicolon"),
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
    (1000, 43)
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
        method: _weights(survey, base, levels, method, request, seed, where)
        for method, where in [(request.method, name), *((m, f"{name}/{m}") for m in request.also)]
    }
    weights, share = made[request.method]
    also: dict[str, WeightSet] = {m: made[m][0].renamed(f"{name}/{m}") for m in request.also}
    weights = weights.renamed(name)
    if not report:
        return BallotsResult(weights, also, notes=_marks(survey), survey=survey, share=share)
    reports = _reports(survey, request, seed)
    return BallotsResult(
        weights,
        also,
        tables=_tables(survey, reports),
        drawings=_drawings(survey, reports),
        notes=_notes(survey, reports, share, levels),
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
            hint = suggest(level, known)
            raise InputError(message("ballots.no_level", level=level, hint=hint, known=known))
    return tuple(request.levels)


def _weights(
    survey: Survey,
    base: WeightSet,
    levels: tuple[str, ...],
    method: str,
    request: BallotsRequest,
    seed: tuple[int, ...],
    name: str,
) -> tuple[WeightSet, Mapping[str, float]]:
    """Return the weights by one estimator, and the tracks' shares in the common weights."""
    framework = survey.framework
    worths = {t: _worth(survey, t, method) for t in survey.ballots}
    tree = _tree(survey, worths, base, request.pooling)
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
        tree.local,
        source="ballots",
        uncertainty=_uncertainty(survey, tree, base, method, request, seed),
    )
    made = WeightSet.build(
        framework,
        name,
        with_base(tree.local, base.local),
        source="ballots",
        detail=_detail(survey, method, request, levels),
        label=_label(method),
        inputs={Path(survey.intake.file).name: survey.digest},
        uncertainty=derive([own, base], lambda sets, plan: with_base(sets[0], sets[1])),
    )
    return made, tree.share


def _worth(survey: Survey, track: str, method: str) -> FloatArray:
    ballots = survey.ballots[track]
    worth = estimate(ballots, method).worth
    if worth is None:  # pragma: no cover - Kemeny is no choice here
        raise InputError(message("ballots.no_worths"))
    return align_leaves(survey.framework.tracks[track], ballots.items, worth)


def _tree(
    survey: Survey, worths: Mapping[str, FloatArray], base: WeightSet, pooling: Any
) -> TreeWeights:
    """Sum worths up the tree; tracks without ballots stand as in the base, and count nothing."""
    shape = next(iter(worths.values())).shape[:-1]
    whole = {
        t: worths.get(t, np.broadcast_to(base.leaf(t), (*shape, len(track.leaves))))
        for t, track in survey.framework.tracks.items()
    }
    sizes = {t: float(survey.ballots[t].n) if t in survey.ballots else 0.0 for t in whole}
    return pool_tracks(survey.framework, whole, {}, sizes, pooling=pooling)


def _uncertainty(
    survey: Survey,
    tree: TreeWeights,
    base: WeightSet,
    method: str,
    request: BallotsRequest,
    seed: tuple[int, ...],
) -> Uncertainty:
    """Return how the weights vary with the survey; replicates are made when asked for."""
    root = Root(
        survey.digest,
        "survey",
        message("ballots.root", file=Path(survey.intake.file).name),
        "-".join(map(str, seed)),
    )

    @cache
    def table() -> Local:
        worths = {}
        for place, (code, ballots) in enumerate(survey.ballots.items()):
            stream = (*seed, int(survey.digest[:16], 16), place)
            drawn = worth_draws(ballots, request.draws, method=method, rng=stream)
            worths[code] = align_leaves(survey.framework.tracks[code], ballots.items, drawn)
        drawn_tree = _tree(survey, worths, base, request.pooling).local
        return {t: np.vstack([drawn_tree[t], tree.local[t]]) for t in drawn_tree}

    def make(plan: Plan) -> Local:
        return {t: values[plan[root.key]] for t, values in table().items()}

    return Uncertainty({root.key: root}, request.draws, make)


def _detail(survey: Survey, method: str, request: BallotsRequest, levels: tuple[str, ...]) -> str:
    counts = ", ".join(f"{t} {b.n}" for t, b in survey.ballots.items())
    detail = f"{method} on ballots ({counts}); shared first-level weights pooled: {request.pooling}"
    if len(levels) < len(survey.framework.levels):
        detail += f"; levels {', '.join(levels)} only, the others from the base set"
    return detail + ("; SYNTHETIC ballots" if survey.synthetic else "")


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
            names=_node_names(survey.framework.tracks[code]),
            rng=np.random.default_rng((*seed, int(survey.digest[:16], 16), place, 3)),
        )
    return out


def _named(frame: pd.DataFrame, track: Track) -> pd.DataFrame:
    """Put the track and the nodes' names beside their codes."""
    out = frame.copy()
    out.insert(0, "track", track.code)
    names = {node.code: node.name for node in track.nodes}
    for place, lang in enumerate(("zh", "en"), start=2):
        shown = [names[c].get(lang) if c in names else c for c in out["code"]]
        out.insert(place, f"name_{lang}", shown)
    return out


def _tables(survey: Survey, reports: Mapping[str, EqualityReport]) -> tuple[Table, ...]:
    import pandas as pd

    tracks = survey.framework.tracks

    def table(name: str, frames: list[pd.DataFrame], rows: int) -> Table:
        level = next(iter(reports.values())).level
        title = message(f"ballots.tables.{name}", level=level, mark=_mark(survey))
        return Table(name, pd.concat(frames, ignore_index=True), title, rows)

    def tracked(frame: pd.DataFrame, code: str) -> pd.DataFrame:
        frame.insert(0, "track", code)
        return frame

    tables = [
        table("items", [_named(r.item_table(), tracks[t]) for t, r in reports.items()], 60),
        table("tests", [tracked(r.test_table(), t) for t, r in reports.items()], 20),
        table("effects", [tracked(r.effect_table(), t) for t, r in reports.items()], 40),
        table("groups", [_named(r.group_table(), tracks[t]) for t, r in reports.items()], 30),
        table(
            "estimators",
            [
                _named(comparison_table(estimate_all(b)), tracks[t])
                for t, b in survey.ballots.items()
            ],
            60,
        ),
    ]
    if survey.intake.set_aside:
        tables.append(table("set-aside", [survey.intake.table()], 30))
    return tuple(tables)


def _mark(survey: Survey) -> Text | str:
    return message("ballots.mark") if survey.synthetic else ""


def _drawings(survey: Survey, reports: Mapping[str, EqualityReport]) -> tuple[Drawing, ...]:
    out = []
    for code, report in reports.items():
        track = survey.framework.tracks[code]
        mark = _mark(survey)
        title = message("ballots.figures.worths", track=track.name, level=report.level, mark=mark)
        out.append(Drawing(f"worths-{code}", title, _draw_worths(survey, track, report, title)))
        if report.by_share is not None:
            title = message("ballots.figures.shares", track=track.name, mark=mark)
            draw = partial(_draw_shares, report, title)
            out.append(Drawing(f"shares-{code}", title, draw))
    return tuple(out)


def _node_names(track: Track) -> dict[str, Name]:
    return {node.code: node.name for node in track.nodes}


def _draw_worths(
    survey: Survey, track: Track, report: EqualityReport, title: Text
) -> Callable[[str], Any]:
    def draw(lang: str) -> Any:
        from calib.figures.ballots import worths_with_intervals

        level = 1 - report.alpha
        table = estimate(survey.ballots[track.code], level=level).table()
        table = table.rename(columns={"worth": "estimate"})
        names = _node_names(track)
        table.index = [names[c].get(lang) for c in table["code"]]  # type: ignore[assignment, unused-ignore]
        return worths_with_intervals(table, language=lang, title=title.get(lang), level=level)

    return draw


def _draw_shares(report: EqualityReport, title: Text, lang: str) -> Any:
    return report.draw_shares(lang, title.get(lang))


def _marks(survey: Survey) -> tuple[Note, ...]:
    return (Note(message("ballots.synthetic"), warning=True),) if survey.synthetic else ()


def _notes(
    survey: Survey,
    reports: Mapping[str, EqualityReport],
    share: Mapping[str, float],
    levels: tuple[str, ...],
) -> tuple[Note, ...]:
    framework = survey.framework
    notes: list[Note] = []
    counted = [name for code, name in framework.levels[:-1] if code in levels]
    if counted:
        ranked = framework.levels[-1]
        text = message("ballots.counted", levels=counted, ranked=ranked[1], code=ranked[0])
        notes.append(Note(text, warning=True))
    notes.extend(_marks(survey))
    intake = survey.intake
    notes.append(Note(intake.sentence(), warning=bool(intake.set_aside)))
    for code, report in reports.items():
        found = joined([n.text for n in report.notes], message("ballots.between_sentences"))
        notes.append(_of_track(framework.tracks[code], found))
    for code, ballots in survey.ballots.items():
        missing = maximum_note(ballots, _node_names(framework.tracks[code]))
        if missing is not None:
            notes.append(_of_track(framework.tracks[code], missing, warning=True))
    absent = [track.name for code, track in framework.tracks.items() if code not in reports]
    if absent:
        notes.append(Note(message("ballots.without", tracks=absent), warning=True))
    verdicts = [
        message(
            "ballots.verdict_of", track=framework.tracks[t].name, verdict=verdict_name(r.verdict)
        )
        for t, r in reports.items()
    ]
    notes.append(
        Note(message("ballots.claim", verdicts=joined(verdicts, message("words.semicolon"))))
    )
    if len(share) > 1 and framework.shared and framework.levels[0][0] in levels:
        shares = [
            message("ballots.share_of", track=framework.tracks[t].name, share=s)
            for t, s in share.items()
        ]
        notes.append(Note(message("ballots.pooled", shares=shares)))
    return tuple(notes)


def _of_track(track: Track, text: Text, *, warning: bool = False) -> Note:
    return Note(message("ballots.by_track", track=track.name, text=text), warning=warning)
