"""``ballots``: weights from respondents' rankings of the most important indicators."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import AfterValidator, Field

from calib._types import FloatArray, IntArray
from calib.ballots import (
    MARGIN,
    Ballots,
    EqualityReport,
    Survey,
    align_leaves,
    equality_report,
    equality_sentences,
    estimate,
    estimate_all,
    leaf_groups,
    maximum_note,
    pool_tracks,
    read_survey,
    verdict_name,
    worth_draws,
)
from calib.ballots.equivalence import check_alpha, check_margin
from calib.ballots.rollup import TreeWeights
from calib.errors import InputError, suggest
from calib.experiment.context import Context
from calib.experiment.registry import Params, Source
from calib.experiment.results import Drawing, Note, SourceResult, Table
from calib.framework import Framework, Name, Track
from calib.weights import WeightSet, published_weights

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["BALLOTS", "BallotsParams"]

Method = Literal[
    "shrinkage", "maximum_likelihood", "borda_unlisted_zero", "borda_mean_unlisted", "dowdall",
    "first_choice", "picks",
]  # fmt: skip


def _margin(value: float) -> float:
    return _sensible(check_margin, value)


def _alpha(value: float) -> float:
    return _sensible(check_alpha, value)


def _sensible(check: Callable[[float], None], value: float) -> float:
    try:
        check(value)
    except InputError as exc:  # a fault of one key, beside those of the others
        raise ValueError(str(exc)) from exc
    return value


class BallotsParams(Params):
    """``ballots``: worths from the survey in ``file``, rolled up the tree.

    ``levels`` takes only these levels from the ballots, the others from ``base``. ``also`` makes
    further sets by other estimators, as ``<set>/<estimator>``. ``report = false`` leaves the
    sentences, tables and figures out, for a second set from the same file.
    """

    file: str
    choices: Annotated[int, Field(ge=1)] = 5
    faulty: Literal["error", "set-aside"] = "error"
    ranks: tuple[str, ...] = ()
    method: Method = "shrinkage"
    also: tuple[Method, ...] = ()
    levels: tuple[str, ...] | None = None
    base: str | None = None
    pooling: Literal["ballots", "equal"] = "ballots"
    draws: Annotated[int, Field(ge=1)] = 1000
    margin: Annotated[float, AfterValidator(_margin)] = MARGIN
    alpha: Annotated[float, AfterValidator(_alpha)] = 0.05
    report: bool = True


@dataclass(frozen=True, slots=True)
class _Level:
    """Which families come from the ballots, and the weights that the others keep."""

    families: Mapping[str, IntArray]
    base: Mapping[str, FloatArray]


def _build(context: Context, name: str, params: BallotsParams) -> SourceResult:
    framework = context.framework
    path = context.path(params.file)
    survey = read_survey(
        path, framework, choices=params.choices, ranks=params.ranks, faulty=params.faulty
    )
    kept = _kept(context, params)
    tree = _tree(survey, framework, params.method, params, context.rng(name))
    inputs = {params.file: hashlib.sha256(path.read_bytes()).hexdigest()}
    also: dict[str, WeightSet] = {
        method: _set(
            framework,
            f"{name}/{method}",
            _tree(survey, framework, method, params, None).local,
            kept,
            params,
            method,
            inputs,
            survey,
        )
        for method in params.also
    }
    reports = {
        code: _report(ballots, framework.tracks[code], params, context.rng(f"{name} {code}"))
        for code, ballots in survey.ballots.items()
    }
    return SourceResult(
        _set(framework, name, tree.local, kept, params, params.method, inputs, survey),
        also=also,
        draws={t: _levels(d, t, kept) for t, d in tree.draws.items()},
        tables=_tables(survey, framework, reports) if params.report else (),
        drawings=_drawings(survey, framework, reports) if params.report else (),
        notes=_notes(survey, framework, reports, tree) if params.report else _marks(survey),
        details={"survey": survey, "reports": reports},
    )


def _report(
    ballots: Ballots, track: Track, params: BallotsParams, rng: np.random.Generator
) -> EqualityReport:
    groups, names = leaf_groups(track)
    return equality_report(
        ballots,
        margin=params.margin,
        alpha=params.alpha,
        groups=groups,
        group_names=names,
        rng=rng,
    )


def _tree(
    survey: Survey,
    framework: Framework,
    method: str,
    params: BallotsParams,
    rng: np.random.Generator | None,
) -> TreeWeights:
    worths: dict[str, FloatArray] = {}
    draws: dict[str, FloatArray] = {}
    sizes: dict[str, float] = {}
    for code, ballots in survey.ballots.items():
        track = framework.tracks[code]
        worth = estimate(ballots, method).worth
        if worth is None:  # pragma: no cover - Kemeny is no choice here
            raise InputError(f"estimator {method!r} gives no weights")
        worths[code] = align_leaves(track, ballots.items, worth)
        sizes[code] = float(ballots.n)
        if rng is not None:
            drawn = worth_draws(ballots, params.draws, method=method, rng=rng)
            draws[code] = align_leaves(track, ballots.items, drawn)
    return pool_tracks(framework, worths, draws, sizes, pooling=params.pooling)


def _kept(context: Context, params: BallotsParams) -> _Level:
    framework = context.framework
    known = [code for code, _ in framework.levels]
    for level in params.levels or ():
        if level not in known:
            raise InputError(
                f"{context.file}: no level {level!r} {suggest(level, known)}".rstrip()
                + f"; levels are {', '.join(known)}"
            )
    base = context.set(params.base) if params.base else published_weights(framework)
    wanted = known if params.levels is None else list(params.levels)
    depths = {framework.level_depth(code) for code in wanted}
    other = {}
    for code, track in framework.tracks.items():
        keep = [i for i in range(len(track.nodes)) if int(track.depth[i]) not in depths]
        other[code] = np.array(keep, dtype=np.int64)
    return _Level(other, base.local)


def _levels(local: FloatArray, track: str, kept: _Level) -> FloatArray:
    out = np.array(local)
    nodes = kept.families[track]
    out[..., nodes] = kept.base[track][nodes]
    return out


def _set(
    framework: Framework,
    name: str,
    local: Mapping[str, FloatArray],
    kept: _Level,
    params: BallotsParams,
    method: str,
    inputs: dict[str, str],
    survey: Survey,
) -> WeightSet:
    counts = ", ".join(f"{t} {b.n}" for t, b in survey.ballots.items())
    detail = f"{method} on ballots ({counts}); shared first-level weights pooled: {params.pooling}"
    if params.levels is not None:
        detail += f"; levels {', '.join(params.levels)} only, the others from the base set"
    if survey.synthetic:
        detail += "; SYNTHETIC ballots"
    return WeightSet.build(
        framework,
        name,
        {t: _levels(values, t, kept) for t, values in local.items()},
        source="ballots",
        detail=detail,
        inputs=inputs,
    )


def _names(track: Track, lang: str) -> dict[str, str]:
    return {node.code: node.name.get(lang) for node in track.nodes}


def _named(frame: pd.DataFrame, framework: Framework, code: str) -> pd.DataFrame:
    track = framework.tracks[code]
    out = frame.copy()
    out.insert(0, "track", code)
    for place, lang in enumerate(("zh", "en"), start=2):
        names = _names(track, lang)
        out.insert(place, f"name_{lang}", [names.get(c, c) for c in out["code"]])
    return out


def _tables(
    survey: Survey, framework: Framework, reports: Mapping[str, EqualityReport]
) -> tuple[Table, ...]:
    import pandas as pd

    mark = ("（合成数据）", " (synthetic)") if survey.synthetic else ("", "")

    def table(suffix: str, frames: list[pd.DataFrame], zh: str, en: str, rows: int) -> Table:
        title = Name(f"{zh}{mark[0]}", f"{en}{mark[1]}")
        return Table(suffix, pd.concat(frames, ignore_index=True), title, rows)

    def tracked(frame: pd.DataFrame, code: str) -> pd.DataFrame:
        frame.insert(0, "track", code)
        return frame

    items = [_named(r.item_table(), framework, t) for t, r in reports.items()]
    tests = [tracked(r.test_table(), t) for t, r in reports.items()]
    sizes = [tracked(r.effect_table(), t) for t, r in reports.items()]
    groups = [_named(r.group_table(), framework, t) for t, r in reports.items()]
    methods = [
        _named(_side_by_side(ballots), framework, t) for t, ballots in survey.ballots.items()
    ]
    level = f"{100 * (1 - next(iter(reports.values())).alpha):g}"
    tables = [
        table(
            "items",
            items,
            f"各指标的入选率与重要性，{level}% 联合区间",
            f"pick shares and worths, simultaneous {level} % intervals",
            60,
        ),
        table("tests", tests, "同等重要检验", "tests of equal importance", 20),
        table(
            "effects",
            sizes,
            "差异大小与界限（σ 的区间为 95%）",
            "effect sizes and margin (95 % interval of σ)",
            40,
        ),
        table(
            "groups",
            groups,
            "同一上级之下各指标相等的检验",
            "equality among indicators of one parent",
            30,
        ),
        table("estimators", methods, "各种估计并列", "estimators side by side", 60),
    ]
    if survey.intake.set_aside:
        aside = survey.intake.table()
        tables.append(table("set-aside", [aside], "搁置的选票", "ballots set aside", 30))
    return tuple(tables)


def _side_by_side(ballots: Ballots) -> pd.DataFrame:
    from calib.ballots import comparison_table

    return comparison_table(estimate_all(ballots))


def _drawings(
    survey: Survey, framework: Framework, reports: Mapping[str, EqualityReport]
) -> tuple[Drawing, ...]:
    out = []
    for code, report in reports.items():
        track = framework.tracks[code]
        zh, en = track.name.zh, track.name.en
        if survey.synthetic:
            zh, en = f"{zh}，合成数据", f"{en}, synthetic"
        ballots = survey.ballots[code]
        out.append(
            Drawing(
                f"worths-{code}",
                Name(
                    f"各指标的重要性，{100 * (1 - report.alpha):g}% 区间（{zh}）",
                    f"worths with {100 * (1 - report.alpha):g} % intervals ({en})",
                ),
                _draw_worths(ballots, track, Name(zh, en), 1 - report.alpha),
            )
        )
        if report.by_share is not None:
            out.append(
                Drawing(
                    f"shares-{code}",
                    Name(f"入选率与均等线（{zh}）", f"pick shares ({en})"),
                    _draw_shares(report, track, Name(zh, en)),
                )
            )
    return tuple(out)


def _draw_worths(ballots: Ballots, track: Track, label: Name, level: float) -> Any:
    def draw(lang: str) -> Any:
        from calib.figures.ballots import worths_with_intervals

        table = estimate(ballots, level=level).table().rename(columns={"worth": "estimate"})
        names = _names(track, lang)
        table.index = [names[c] for c in table["code"]]  # type: ignore[assignment, unused-ignore]
        title = f"各指标的重要性（{label.zh}）" if lang == "zh" else f"Worths ({label.en})"
        return worths_with_intervals(table, language=lang, title=title, level=level)

    return draw


def _draw_shares(report: EqualityReport, track: Track, label: Name) -> Any:
    def draw(lang: str) -> Any:
        from calib.figures.ballots import SIMULTANEOUS, pick_shares_with_band

        table = report.item_table().rename(columns=SIMULTANEOUS)
        names = _names(track, lang)
        table.index = [names[c] for c in table["code"]]  # type: ignore[assignment, unused-ignore]
        verdict = report.by_share
        band = (0.0, 1.0) if verdict is None else verdict.band
        title = f"入选率与均等线（{label.zh}）" if lang == "zh" else f"Pick shares ({label.en})"
        return pick_shares_with_band(
            table, expected=report.shares.expected, band=band, language=lang, title=title,
            level=report.shares.level,
        )  # fmt: skip

    return draw


def _marks(survey: Survey) -> tuple[Note, ...]:
    if not survey.synthetic:
        return ()
    text = Name("选票为合成数据，不是真实调查结果。", "The ballots are synthetic, no real survey.")
    return (Note(text, warning=True),)


def _existence(ballots: Ballots, track: Track) -> list[Note]:
    """Return a note on indicators whose maximum-likelihood worth does not exist, if any."""
    said = {lang: maximum_note(ballots, _names(track, lang)) for lang in ("zh", "en")}
    if said["zh"] is None or said["en"] is None:
        return []
    zh, en = f"{track.name.zh}：{said['zh'].zh}", f"{track.name.en}: {said['en'].en}"
    return [Note(Name(zh, en), warning=True)]


def _notes(
    survey: Survey,
    framework: Framework,
    reports: Mapping[str, EqualityReport],
    tree: TreeWeights,
) -> tuple[Note, ...]:
    notes = list(_marks(survey))
    intake = survey.intake
    counted = Name(intake.sentence("zh"), intake.sentence("en"))
    notes.append(Note(counted, warning=bool(intake.set_aside)))
    for code, report in reports.items():
        track = framework.tracks[code]
        said = {
            lang: equality_sentences(report, lang, _names(track, lang)) for lang in ("zh", "en")
        }
        notes.append(
            Note(
                Name(
                    f"{track.name.zh}：" + "".join(said["zh"]),
                    f"{track.name.en}: " + " ".join(said["en"]),
                )
            )
        )
    for code, ballots in survey.ballots.items():
        notes.extend(_existence(ballots, framework.tracks[code]))
    verdicts = {framework.tracks[t]: verdict_name(r.verdict) for t, r in reports.items()}
    notes.append(
        Note(
            Name(
                "“各指标同等重要”之说："
                + "；".join(f"{t.name.zh}——{v.zh}" for t, v in verdicts.items())
                + "。",
                "The claim of equal importance: "
                + "; ".join(f"{t.name.en} - {v.en}" for t, v in verdicts.items())
                + ".",
            )
        )
    )
    if len(tree.share) > 1 and framework.shared:
        shares = ", ".join(f"{t} {s:.0%}" for t, s in tree.share.items())
        zh = f"共有的一级指标权重按类型合并，份额：{shares}。"
        en = f"Shared first-level weights are pooled over the tracks, shares: {shares}."
        notes.append(Note(Name(zh, en)))
    return tuple(notes)


BALLOTS = Source(BallotsParams, _build, lambda p: [p.base] if p.base else [])
