"""Outcome ``dominance``: the eight measures under the sets of an experiment."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from calib.errors import Fault, InputError, suggest
from calib.experiment.context import Context
from calib.experiment.registry import Outcome, Params
from calib.experiment.results import Drawing, Note, OutcomeResult, Table
from calib.framework import Name

__all__ = ["DOMINANCE"]

_BLANK = Name("无法给出", "not available")
_NO_INTERVAL = Name("未计算区间（draws = 0）", "no interval was computed (draws = 0)")
Share = Annotated[float, Field(gt=0, le=1)]


class DominanceParams(Params):
    """``dominance``: ``sets`` (the baseline if not stated), ``cap``, bootstrap ``draws``."""

    sets: tuple[str, ...] = ()
    level: str | tuple[str, ...] = "all"
    cap: Share | dict[str, Share] | None = None
    cap_level: str | None = None
    draws: Annotated[int, Field(ge=0, le=10_000)] = 500
    enterprise_cap: Share = 0.15


def _dominance(context: Context, params: DominanceParams) -> OutcomeResult:
    import pandas as pd

    from calib.adjustment import dominance

    known = context.sets()
    names = params.sets or (context.baseline,)
    unknown = [n for n in names if n not in known]
    if unknown:
        raise InputError(
            Fault(context.file, "outcomes.dominance.sets",
                  f"is no set {suggest(n, known)}".rstrip(), n, " | ".join(known))
            for n in unknown
        )  # fmt: skip
    tables: dict[str, list[pd.DataFrame]] = {}
    drawings: list[Drawing] = []
    notes: list[str] = []
    for name in names:
        found = dominance(
            known[name], context.scored_under(name), level=params.level, cap=params.cap,
            cap_level=params.cap_level, draws=params.draws, enterprise_cap=params.enterprise_cap,
            rng=context.rng(f"dominance {name}"),
        )  # fmt: skip
        for key in ("table", "concentration", "flags", "gates", "disagreement"):
            frame = getattr(found, key).copy()
            frame.insert(0, "set", name)
            tables.setdefault(key, []).append(frame)
        notes += found.notes
        for (track, level), part in found.table.groupby(["track", "level"], sort=False):
            drawings.append(_drawing(context, name, str(track), str(level), part, found))
    titles = {
        "table": ("dominance", Name("主导性：八项衡量", "Dominance: eight measures"), 0),
        "concentration": ("concentration", Name("权重集中度", "Concentration of weights"), 30),
        "flags": (
            "dominance-flags",
            Name("超过上限者（95% 区间）", "Above the declared cap (95 % intervals)"), 40,
        ),
        "gates": ("dominance-gates", Name("经由哪道门槛", "Through which gate"), 30),
        "disagreement": ("dominance-agreement", Name("衡量的一致性", "Agreement of measures"), 0),
    }  # fmt: skip
    out = []
    for key, parts in tables.items():
        name, title, rows = titles[key]
        full = [p for p in parts if len(p)] or parts[:1]
        blank = _NO_INTERVAL if key == "flags" else _BLANK
        out.append(Table(name, pd.concat(full, ignore_index=True), title, rows, blank=blank))
    said = tuple(Note(Name(n, n)) for n in dict.fromkeys(notes))
    return OutcomeResult(tuple(out), tuple(drawings), said)


def _drawing(context: Context, name: str, track: str, level: str, part: Any, found: Any) -> Drawing:
    tracks, levels = context.framework.tracks, dict(context.framework.levels)
    label = context.set(name).label
    where = tracks[track].name if track in tracks else Name("各类型合计", track)
    what = levels.get(level, Name(level, level))
    title = Name(
        f"{label.zh}：{where.zh} {what.zh} 主导性",
        f"{label.en}: dominance, {where.en}, {what.en} level",
    )

    def draw(lang: str) -> Any:
        from calib.figures.dominance import dominance_comparison

        return dominance_comparison(
            part, language=lang, title=title.get(lang), synthetic=found.synthetic,
            caps=found.caps if level == found.cap_level else {},
        )  # fmt: skip

    slug = "-".join([name.replace("/", "-"), track, level])
    return Drawing(f"dominance-{slug}", title, draw)


DOMINANCE = Outcome(DominanceParams, _dominance)
