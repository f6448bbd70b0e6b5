"""The outcome ``tipping``: exactly when stars change along the shifts of an experiment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from calib._types import FloatArray
from calib.errors import InputError
from calib.experiment.context import Context
from calib.experiment.registry import Outcome, Params
from calib.experiment.results import Drawing, Note, OutcomeResult, Table
from calib.framework import Name
from calib.outcomes.tipping import TippingPoints, stars_along, tipping_points
from calib.rating import ScoredSample
from calib.shift import WeightPath, grown_scores

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["TIPPING"]


class TippingParams(Params):
    """``tipping``: the shifts looked at; all of them if ``sets`` is not stated."""

    sets: tuple[str, ...] | None = None


def _build(context: Context, params: TippingParams) -> OutcomeResult:
    names = params.sets
    if names is None:
        names = tuple(n for n, r in context.results.items() if "path" in _details(r))
    if not names:
        raise InputError(f"{context.file}: outcomes.tipping finds no set with source = 'shift'")
    import pandas as pd

    events, years, drawings, notes = [], [], [], []
    for name in names:
        found = _one(context, name)
        events.append(found[0])
        years.append(found[1])
        drawings.append(_river(context, name, found[2]))
        notes.append(found[3])
    every = pd.concat(events, ignore_index=True)
    return OutcomeResult(
        (
            Table("tipping-points", every, Name("星级转折点", "Tipping points"),
                  shown=every.assign(year=[_month(y) for y in every["year"]])),
            Table("stars-by-year", pd.concat(years, ignore_index=True),
                  Name("各年星级分布", "Star distribution by year"), rows=0),
        ),
        tuple(drawings),
        tuple(notes),
    )  # fmt: skip


def _details(result: object) -> dict[str, Any]:
    return dict(getattr(result, "details", {}))


def _one(context: Context, name: str) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, Note]:
    import pandas as pd

    if name not in context.results or "path" not in _details(context.results[name]):
        raise InputError(f"{context.file}: outcomes.tipping: {name!r} is no set of source 'shift'")
    path: WeightPath = _details(context.results[name])["path"]
    growth = _details(context.results[name])["growth"]
    rule = context.framework.rule
    thresholds = rule.thresholds(context.readings)
    first, last = path.years
    whole = np.arange(round(first), round(last) + 1)
    events, years = [], []
    changes: list[tuple[float, int, int]] = []
    start = np.zeros(rule.stars, dtype=np.int64)
    tipped, touching = 0, 0
    for t, sample in context.scored.samples.items():
        X = sample.require_complete("tipping points")
        X_end = None
        if growth is not None:
            X_end = grown_scores(
                sample.track, X, growth, last - first, low=rule.low, high=rule.high
            )
        found = tipping_points(sample.track, X, path, thresholds, X_end=X_end)
        tipped += len(np.unique(found.row))
        touching += found.touching
        start += np.bincount(found.start, minlength=rule.stars)
        at = path.year(found.time)
        changes += list(zip(at.tolist(), found.before.tolist(), found.after.tolist(), strict=True))
        events.append(_events(name, sample, found, at, rule.first))
        times = np.asarray((whole - first) / (last - first), dtype=float)
        stars = stars_along(sample.track, X, path, thresholds, times, X_end=X_end)
        for year, row in zip(whole, stars, strict=True):
            years += [(name, t, int(year), k + rule.first, int(c)) for k, c in
                      enumerate(np.bincount(row, minlength=rule.stars))]  # fmt: skip
    by_year = pd.DataFrame(years, columns=["set", "scope", "year", "star", "count"])
    both = by_year.groupby(["set", "year", "star"], as_index=False)["count"].sum()
    both.insert(1, "scope", "all")
    table = pd.concat([both, by_year], ignore_index=True)
    table["share"] = table["count"] / table.groupby(["scope", "year"])["count"].transform("sum")
    river = _steps(path.years, start, changes)
    growing = "" if growth is None else "；企业同时按假设增长"
    meanwhile = "" if growth is None else "; enterprises grow meanwhile, as assumed"
    touched = f"; {touching} near-touches left undecided" if touching else ""
    touched_zh = f"；{touching} 处近乎相切，未予判定" if touching else ""
    note = Note(Name(
        f"{name}：{first:g}–{last:g} 年间 {tipped} 家企业星级变化，共 {len(changes)} 次"
        f"{growing}{touched_zh}。",
        f"{name}: from {first:g} to {last:g}, {tipped} enterprises change star, "
        f"{len(changes)} times in all{meanwhile}{touched}.",
    ))  # fmt: skip
    return pd.concat(events, ignore_index=True), table, river, note


def _month(year: float) -> str:
    """Return the month that a fractional year falls in, "2032-04"."""
    whole = int(np.floor(year))
    return f"{whole}-{min(12, int((year - whole) * 12) + 1):02d}"


def _events(
    name: str, sample: ScoredSample, found: TippingPoints, at: FloatArray, first: int
) -> pd.DataFrame:
    import pandas as pd

    codes = sample.track.codes
    return pd.DataFrame({
        "set": name, "enterprise": sample.ids[found.row], "name": sample.names[found.row],
        "track": sample.track.code, "year": at, "from_star": found.before + first,
        "to_star": found.after + first,
        "through": ["total" if i < 0 else f"gate {codes[i]}" for i in found.node],
    })  # fmt: skip


def _steps(
    years: tuple[float, float], start: Any, changes: list[tuple[float, int, int]]
) -> pd.DataFrame:
    """Return counts after every tipping point, a row a point in time."""
    import pandas as pd

    counts = np.array(start)
    times, rows = [years[0]], [counts.copy()]
    for year, before, after in sorted(changes):
        counts[before] -= 1
        counts[after] += 1
        times.append(year)
        rows.append(counts.copy())
    times.append(years[1])
    rows.append(counts.copy())
    return pd.DataFrame(rows, index=times)


def _river(context: Context, name: str, counts: pd.DataFrame) -> Drawing:
    def draw(language: str) -> Any:
        from calib.figures.outcomes import star_river

        named = counts.copy()
        named.columns = [n.get(language) for n in context.framework.rule.labels]
        return star_river(named, language=language)

    return Drawing(
        f"river-{name}",
        Name(f"{name}：星级分布随年份的变化", f"{name}: the river of stars over the years"),
        draw,
    )


TIPPING = Outcome(TippingParams, _build, lambda p: p.sets or ())
