"""Source ``adjusted``: reverse adjustment of another set on the experiment's population."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import Field, StrictFloat, StrictInt

from calib.experiment.context import Context
from calib.experiment.registry import Params, Source
from calib.experiment.results import Drawing, Note, SourceResult, Table
from calib.experiment.sources.basic import grid_notes
from calib.framework import Name

if TYPE_CHECKING:
    import pandas as pd

    from calib.adjustment import Adjusted, AdjustSpec, Dominance, OutOfSample, Rounds
    from calib.weights import WeightSet

__all__ = ["ADJUSTED"]

Share = Annotated[float, Field(gt=0, le=1)]
Pair = tuple[Annotated[float, Field(ge=0, le=1)], Annotated[float, Field(ge=0, le=1)]]


class GroupParams(Params):
    """Bounds on the total weight of a group of nodes."""

    codes: Annotated[tuple[str, ...], Field(min_length=1)]
    low: Annotated[float, Field(ge=0, le=1)] = 0.0
    high: Annotated[float, Field(ge=0, le=1)] = 1.0


class AdjustedParams(Params):
    """``adjusted``: ``base`` with no indicator above ``cap``, in ``rounds`` or at once.

    Keys are those of ``calib.adjustment.adjust``; ``steps`` are the shares of the way taken in each
    round, and without it the adjustment is made at once; ``draws`` bootstrap refits give the
    out-of-sample check.
    """

    base: str
    cap: Share | dict[str, Share] | None = None
    measure: str | tuple[str, ...] | None = None
    level: str | tuple[str, ...] = "leaf"
    on: str | None = None
    bounds: Pair | dict[str, Pair] | None = None
    groups: dict[str, GroupParams] = Field(default_factory=dict)
    keep_order: bool = False
    problem: Literal["caps", "shares", "correlations", "stars"] = "caps"
    distance: Literal["euclidean", "entropy"] = "euclidean"
    target: Literal["equal", "nominal"] | dict[str, StrictFloat] = "equal"
    reference: dict[str, StrictInt] | None = None
    steps: tuple[Share, ...] = ()
    grid: Annotated[float, Field(gt=0, le=0.5)] | None = None
    starts: Annotated[int, Field(ge=0, le=200)] = 8
    draws: Annotated[int, Field(ge=0, le=10_000)] = 200


def _adjusted(context: Context, name: str, params: AdjustedParams) -> SourceResult:
    from calib.adjustment import adjust_rounds, adjust_spec, dominance, make_spec, out_of_sample

    base = context.set(params.base)
    spec = make_spec(
        context.framework, cap=params.cap, measure=params.measure, level=params.level,
        on=params.on, problem=params.problem, bounds=params.bounds,
        groups={k: (g.codes, g.low, g.high) for k, g in params.groups.items()},
        keep_order=params.keep_order, distance=params.distance, target=params.target,
        starts=params.starts,
    )  # fmt: skip
    seed = int(context.rng(f"{name} starts").integers(2**31))
    rounds: Rounds | None = None
    if params.steps:
        rounds = adjust_rounds(
            base, context.scored, spec, steps=params.steps, grid=params.grid, seed=seed
        )
        last = rounds.rounds[-1].adjusted if rounds.rounds else None
        final = rounds.final
    else:
        last = adjust_spec(
            base, context.scored, spec, reference=params.reference, grid=params.grid, rng=seed
        )
        final = last.weights
    check = None
    if params.draws and params.problem != "stars":
        check = out_of_sample(
            base, context.scored, spec, draws=params.draws, rng=context.rng(f"{name} refits")
        )
    caps = {("variance_share" if m == "variance" else m): c for m, c in spec.caps.items()}
    before, after = (
        dominance(w, context.scored, cap=caps or None, rng=seed,
                  cap_level=context.framework.levels[spec.on - 1][0])
        for w in (base, final)
    )  # fmt: skip
    level = context.framework.levels[spec.on - 1][0]
    return SourceResult(
        final.renamed(name),
        also={str(r.number): r.after for r in rounds.rounds} if rounds else {},
        draws=_draws(final, check),
        tables=tuple(_tables(context, base, final, spec, last, rounds, check, before, after)),
        drawings=tuple(_drawings(before, after, level, caps)),
        notes=(*_notes(name, last, rounds, check), *grid_notes(name, final, params.grid)),
        files={"ledger.json": rounds.ledger.text()} if rounds else {},
        details={
            "adjusted": last,
            "rounds": rounds,
            "out_of_sample": check,
            "dominance": {"before": before, "after": after},
        },
    )


def _draws(final: WeightSet, check: OutOfSample | None) -> Mapping[str, Any] | None:
    """Return refitted local weights as draws; tracks without enterprises repeat the final ones."""
    if check is None:
        return None
    k = len(next(iter(check.local.values())))
    out = {}
    for t, track in final.framework.tracks.items():
        out[t] = np.array(check.local.get(t, np.tile(final.local[t], (k, 1))))
        if t not in check.local:
            known = next(iter(check.local))
            for code in final.framework.shared:
                if code in track.index:
                    column = final.framework.tracks[known].index[code]
                    out[t][:, track.index[code]] = check.local[known][:, column]
    return out


def _tables(
    context: Context,
    base: WeightSet,
    final: WeightSet,
    spec: AdjustSpec,
    last: Adjusted | None,
    rounds: Rounds | None,
    check: OutOfSample | None,
    before: Dominance,
    after: Dominance,
) -> list[Table]:
    from calib.adjustment.before_after import measure_table, star_moves_table
    from calib.adjustment.moments import moments_of
    from calib.adjustment.scores import complete_scores
    from calib.rating import rate

    moments, later = (
        {t: moments_of(X) for t, X in complete_scores(context.scored, w)[0].items() if len(X)}
        for w in (base, final)
    )
    moves = star_moves_table(rate(base, context.scored), rate(final, context.scored))
    tables = [
        Table("measures", measure_table(base, final, moments, spec.on, later),
              Name("调整前后的权重、贡献与方差占比", "Measures before and after"), 60),
        Table("dominance-before", before.table, Name("调整前的主导性", "Dominance before"), 0),
        Table("dominance-after", after.table, Name("调整后的主导性", "Dominance after"), 0),
        Table("flags", before.flags, Name("调整前超过上限者", "Above the cap before"),
              blank=Name("未计算区间", "no interval was computed")),
        Table("star-moves", moves, Name("调整引起的星级变化", "Stars that the adjustment changes")),
    ]  # fmt: skip
    if last is not None:
        tables.append(Table("prices", last.prices, Name("影子价格", "Shadow prices")))
        tables.append(Table("distance", last.distance, Name(
            f"与起始权重的距离（{last.minimised.zh}；另列指标权重的欧氏距离与全变差）",
            f"Distance from the start ({last.minimised.en}; beside it the Euclidean distance and "
            "the total variation of the indicators' weights)",
        )))  # fmt: skip
    if rounds is not None:
        tables.append(Table("rounds", _round_table(rounds), Name("逐轮记录", "Log of the rounds")))
    if check is not None:
        tables.append(
            Table("refits", check.spread, Name("重抽样下的权重波动", "Spread over refits"), 60)
        )
    return tables


def _round_table(rounds: Rounds) -> pd.DataFrame:
    import pandas as pd

    rows = []
    first = rounds.final.framework.rule.first
    for r in rounds.rounds:
        row: dict[str, object] = {"round": r.number, "step": r.step}
        for m, value in r.largest_before.items():
            row[f"largest_{m}_before"] = value
            row[f"largest_{m}_after"] = r.largest_after[m]
        row |= {f"stars_{i + first}": c for i, c in enumerate(r.stars_after)}
        cert = r.adjusted.solution.certificate
        row |= {
            "stars_changed": len(r.moves),
            "moved": "; ".join(f"{m[0]} {m[2]}→{m[3]} ({m[4]})" for m in r.moves),
            "kkt_residual": cert.residual if cert is not None else np.nan,
            "reason_zh": r.reason.zh,
            "reason_en": r.reason.en,
        }
        rows.append(row)
    return pd.DataFrame(rows)


def _drawings(
    before: Dominance, after: Dominance, level: str, caps: Mapping[str, float]
) -> list[Drawing]:
    out = []
    for when, zh, en, found in (
        ("before", "调整前", "before", before),
        ("after", "调整后", "after", after),
    ):
        for track in dict.fromkeys(found.table["track"]):
            if track == "pooled":
                continue
            out.append(_drawing(found, track, level, caps, when, Name(zh, en)))
    return out


def _drawing(
    found: Dominance, track: str, level: str, caps: Mapping[str, float], when: str, word: Name
) -> Drawing:
    part = found.table[(found.table["track"] == track) & (found.table["level"] == level)]
    label = found.weights.framework.tracks[track].name
    title = Name(f"{label.zh}：主导性（{word.zh}）", f"{label.en}: dominance {word.en} adjustment")

    def draw(lang: str) -> Any:
        from calib.figures.dominance import dominance_comparison

        return dominance_comparison(
            part, language=lang, title=title.get(lang), caps=caps, synthetic=found.synthetic
        )

    return Drawing(f"dominance-{when}-{track}", title, draw)


def _notes(
    name: str, last: Adjusted | None, rounds: Rounds | None, check: OutOfSample | None
) -> list[Note]:
    notes = []
    if rounds is not None:
        notes.append(Note(Name(f"{name}：{rounds.stopped.zh}", f"{name}: {rounds.stopped.en}"),
                          warning=not rounds.holds))  # fmt: skip
    if last is not None:
        notes += [
            Note(Name(f"{name}：{m.zh}。", f"{name}: {m.en}."), warning=True) for m in last.misses
        ]
        said = [last.minimised]
        if last.solution.certificate is not None:
            said.append(last.solution.search())
        notes += [Note(Name(f"{name}：{n.zh}。", f"{name}: {n.en}.")) for n in said]
        notes += [
            Note(Name(f"{name}：{n}", f"{name}: {n}")) for n in last.notes[len(last.misses) :]
        ]
        for where, r in last.rounding.items():
            told = r.sentence(where)
            notes.append(Note(Name(f"{name}：{told.zh}。", f"{name}: {told.en}.")))
    if check is not None:
        sentence = check.sentence()
        notes.append(Note(Name(f"{name}：{sentence.zh}", f"{name}: {sentence.en}"), warning=True))
    return notes


ADJUSTED = Source(AdjustedParams, _adjusted, lambda p: [p.base])
