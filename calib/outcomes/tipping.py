"""When stars change along a path of weights: every moment, and the stars year by year."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from calib._types import FloatArray, IntArray
from calib.framework import Framework, RatingRule, RuleOptions
from calib.outcomes.crossings import Path, TippingPoints, stars_along, tipping_points
from calib.population import Population
from calib.rating import Scored, ScoredSample, over_samples
from calib.rating.subject import Incomplete, complete_only, scored_enterprises
from calib.report import Drawing, Live, LiveFigure, LiveRating, Note, Result, Role, Table
from calib.requests import expect
from calib.weights import WeightSet
from calib.words import Name, Text, message

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Shift", "TippingResult", "YearPath", "tipping"]


@runtime_checkable
class YearPath(Path, Protocol):
    """A path of weights whose times 0 and 1 are years."""

    @property
    def years(self) -> tuple[float, float]:
        """First and last year."""
        ...

    def at(self, year: float, name: str | None = None) -> WeightSet:
        """Return the weight set of a year."""
        ...


@runtime_checkable
class Shift(Protocol):
    """A path of weights, and the enterprises as they are meanwhile, as ``calib.shift`` gives it."""

    @property
    def path(self) -> Any:
        """The weights over the years."""
        ...

    @property
    def growth(self) -> Any:
        """What enterprises are assumed to gain meanwhile, None for nothing."""
        ...

    def enterprises_at(self, population: Population | Scored, year: float) -> Scored:
        """Return the enterprises in a year."""
        ...


@dataclass(frozen=True, eq=False)
class _Course:
    """What one path does to the enterprises.

    Attributes
    ----------
    found : by track, every change of star
    by_year : by track, (years, K) enterprises at each star in whole years
    synthetic : whether the enterprises are
    path, scored : the weights at any moment, and the enterprises in the first year
    """

    name: str
    label: Text
    years: tuple[float, float]
    growing: bool
    samples: Mapping[str, ScoredSample]
    found: Mapping[str, TippingPoints]
    by_year: Mapping[str, IntArray]
    synthetic: bool = False
    path: YearPath | None = None
    scored: Scored | None = None

    def year(self, time: FloatArray) -> FloatArray:
        first, last = self.years
        return np.asarray(first + (last - first) * time, dtype=float)

    @property
    def whole_years(self) -> IntArray:
        return np.arange(round(self.years[0]), round(self.years[1]) + 1)

    def changes(self) -> list[tuple[float, int, int]]:
        """Every change of star: year, star before, star after."""
        out: list[tuple[float, int, int]] = []
        for f in self.found.values():
            moves = (self.year(f.time).tolist(), f.before.tolist(), f.after.tolist())
            out += list(zip(*moves, strict=True))
        return sorted(out)


@dataclass(frozen=True, eq=False, repr=False)
class TippingResult(Result):
    """Tipping points along one path of weights or several.

    Tables: ``tipping-points`` has every change of star, with its moment and what decides it;
    ``stars-by-year`` the star distribution of every whole year. Figures: the star distribution
    over the years, one a path.
    """

    framework: Framework
    courses: tuple[_Course, ...]
    remarks: tuple[Note, ...] = ()

    @classmethod
    def together(cls, results: Iterable[TippingResult]) -> TippingResult:
        """Return the results of several paths as one."""
        every = list(results)
        courses = tuple(c for r in every for c in r.courses)
        return cls(every[0].framework, courses, every[0].remarks)

    @property
    def names(self) -> Mapping[str, Text]:
        """Names of nodes, tracks, levels and paths by code."""
        return {**self.framework.names, **{f"set:{c.name}": c.label for c in self.courses}}

    def headline(self) -> Text:
        """Return how many enterprises change star along the first path."""
        return self.notes[0].text

    @cached_property
    def tables(self) -> Sequence[Table]:  # type: ignore[override]
        """Every tipping point, and the stars of every year."""
        import pandas as pd

        rule = self.framework.rule
        every = pd.concat([_events(c, rule) for c in self.courses], ignore_index=True)
        shown = every.assign(year=[_month(y) for y in every["year"]])
        years = pd.concat([_by_year(c, rule) for c in self.courses], ignore_index=True)
        return (
            Table("tipping-points", every, message("outcomes.tipping.points"), shown=shown),
            Table("stars-by-year", years, message("outcomes.tipping.by_year"), rows=0),
        )

    @cached_property
    def drawings(self) -> Sequence[Drawing]:  # type: ignore[override]
        """The star distribution over the years."""
        return tuple(_drawing(c, self.framework.rule) for c in self.courses)

    @property
    def live(self) -> Live | None:
        """How a published page computes one path of enterprises that stay as they are again."""
        course = self.courses[0]
        if len(self.courses) > 1 or course.scored is None or course.path is None or course.growing:
            return None
        check = [
            {t: {"counts": counts[y].tolist()} for t, counts in course.by_year.items()}
            for y in range(len(course.whole_years))
        ]
        # What is followed over the years is no set of its own: it opens at the last year.
        weights = course.path.at(course.path.years[1], course.name)
        figure = {d.name: LiveFigure("years") for d in self.drawings}
        return Live([LiveRating("", weights, course.scored, check, course.path)],
                    tables={"tipping-points": "tipping"}, figures=figure)  # fmt: skip

    @cached_property
    def notes(self) -> Sequence[Note]:  # type: ignore[override]
        """How many enterprises change star, how often, and under which assumptions."""
        return (*(note for c in self.courses for note in _notes(c)), *self.remarks)


def _watched(found: TippingResult) -> pd.DataFrame:
    """Return the numbers whose range over samples is shown: who moves, and last stars."""
    import pandas as pd

    years = found.frame("stars-by-year")
    last = years[years["year"] == years.groupby("set")["year"].transform("max")]
    counts = last.rename(columns={"count": "value"})[["set", "scope", "year", "star", "value"]]
    changing = [
        (c.name, "all", "changing", float(sum(len(np.unique(f.row)) for f in c.found.values())))
        for c in found.courses
    ]
    rows = pd.DataFrame(changing, columns=["set", "scope", "quantity", "value"])
    every = pd.concat([counts.assign(quantity="count"), rows], ignore_index=True)
    return every.astype({"star": "Int64", "year": "Int64"})


@over_samples(_watched)
def tipping(
    shift: Shift | YearPath,
    population: Population | Scored,
    *,
    rule_options: RuleOptions | Mapping[str, str] | None = None,
    name: str | None = None,
    incomplete: Incomplete = "leave-out",
) -> TippingResult:
    """Find every moment at which an enterprise's star changes along a path of weights.

    Parameters
    ----------
    shift : from :func:`calib.shift`, or a path of weights over years
    population : the enterprises in the first year; or an ensemble of samples
    rule_options : answers to the open questions of the rule; the framework's defaults if None
    name : of the path in tables; the name of its last set if None
    incomplete : enterprises with unanswered items: left out
        (``"leave-out"``), or an ``"error"``

    Raises
    ------
    Unanswered
        When no enterprise has answered every item; those that have not are left out otherwise.

    Notes
    -----
    Exact, and complete: see :func:`calib.outcomes.tipping_points`. The weights that are followed
    are those that would be published; their draws say how sure each year's stars are, see
    :func:`calib.acceptability`.

    Examples
    --------
    >>> import calib
    >>> framework = calib.load_framework("aii")
    >>> moving = calib.shift(calib.published_weights(framework), {"DA": 0.9}, years=(2020, 2024))
    >>> firms = calib.generate_population(framework, 200, rng=3)
    >>> calib.tipping(moving, firms).frame()[["enterprise", "from_star", "to_star"]].shape[1]
    3
    """
    expect(
        "tipping(shift, population)",
        shift=(shift, (Shift, YearPath)),
        population=(population, (Population, Scored)),
    )
    scored = scored_enterprises(population, rule_options)
    scored, remarks = complete_only(scored, incomplete, message("sections.tipping"))
    path: YearPath = shift.path if isinstance(shift, Shift) else shift
    growing = isinstance(shift, Shift) and shift.growth is not None
    grown = (
        shift.enterprises_at(scored, path.years[1])
        if isinstance(shift, Shift) and growing else None
    )  # fmt: skip
    last = getattr(shift, "weights", None) or getattr(path, "end", None)
    called = name or str(getattr(last, "name", "path"))
    label = getattr(last, "label", None) or Name(called, called)
    course = _follow(called, label, path, scored, grown)
    return TippingResult(scored.framework, (course,), remarks)


def _follow(
    name: str, label: Text, path: YearPath, scored: Scored, grown: Scored | None
) -> _Course:
    rule = scored.framework.rule
    first, last = path.years
    whole = np.arange(round(first), round(last) + 1)
    times = np.asarray((whole - first) / (last - first), dtype=float)
    found, by_year = {}, {}
    for t, sample in scored.samples.items():
        X = sample.require_complete(message("sections.tipping"))
        thresholds = rule.effective(scored.rule_options, t)
        X_end = None if grown is None else grown.samples[t].X
        found[t] = tipping_points(sample.track, X, path, thresholds, X_end=X_end)
        stars = stars_along(sample.track, X, path, thresholds, times, X_end=X_end)
        by_year[t] = np.stack([np.bincount(row, minlength=rule.stars) for row in stars])
    growing, synthetic = grown is not None, scored.synthetic
    return _Course(
        name, label, path.years, growing, scored.samples, found, by_year, synthetic, path, scored
    )


def _events(course: _Course, rule: RatingRule) -> pd.DataFrame:
    import pandas as pd

    parts = []
    for t, found in course.found.items():
        sample = course.samples[t]
        codes = sample.track.codes
        parts.append(pd.DataFrame({
            "set": course.name, "enterprise": sample.ids[found.row],
            "name": sample.names[found.row], "track": t, "year": course.year(found.time),
            "from_star": found.before + rule.first, "to_star": found.after + rule.first,
            "through": ["total" if i < 0 else f"gate {codes[i]}" for i in found.node],
        }))  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def _month(year: float) -> str:
    """Return the month that a fractional year falls in, "2032-04"."""
    whole = int(np.floor(year))
    return f"{whole}-{min(12, int((year - whole) * 12) + 1):02d}"


def _by_year(course: _Course, rule: RatingRule) -> pd.DataFrame:
    import pandas as pd

    rows = [
        (course.name, t, int(year), k + rule.first, int(c))
        for t, counts in course.by_year.items()
        for year, row in zip(course.whole_years, counts, strict=True)
        for k, c in enumerate(row)
    ]
    own = pd.DataFrame(rows, columns=["set", "scope", "year", "star", "count"])
    whole = own.groupby(["set", "year", "star"], as_index=False)["count"].sum()
    whole.insert(1, "scope", "all")
    table = pd.concat([whole, own], ignore_index=True)
    table["share"] = table["count"] / table.groupby(["scope", "year"])["count"].transform("sum")
    return table


def _notes(course: _Course) -> list[Note]:
    first, last = course.years
    tipped = sum(len(np.unique(f.row)) for f in course.found.values())
    notes = [Note(message(
        "outcomes.tipping.note", set=course.label, first=f"{first:g}", last=f"{last:g}",
        n=tipped, times=sum(len(f.row) for f in course.found.values()),
    ))]  # fmt: skip
    if course.growing:
        notes.append(Note(message("outcomes.tipping.growing", set=course.label)))
    touching = sum(f.touching for f in course.found.values())
    if touching:
        notes.append(Note(message("outcomes.tipping.tangent", set=course.label, n=touching)))
    return notes


def _steps(course: _Course, stars: int) -> pd.DataFrame:
    """Return counts after every tipping point, a row a point in time."""
    import pandas as pd

    counts = np.zeros(stars, dtype=np.int64)
    for found in course.found.values():
        counts += np.bincount(found.start, minlength=stars)
    times, rows = [course.years[0]], [counts.copy()]
    for year, before, after in course.changes():
        counts[before] -= 1
        counts[after] += 1
        times.append(year)
        rows.append(counts.copy())
    times.append(course.years[1])
    rows.append(counts.copy())
    return pd.DataFrame(rows, index=times)


def _drawing(course: _Course, rule: RatingRule) -> Drawing:
    title = message("outcomes.tipping.over_years", set=course.label)

    def draw(lang: str) -> Any:
        from calib.figures.outcomes import stars_over_years

        counts = _steps(course, rule.stars)
        counts.columns = [n.get(lang) for n in rule.labels]
        return stars_over_years(
            counts, lang=lang, synthetic=course.synthetic, title=title.get(lang)
        )

    return Drawing(f"stars-over-years-{course.name}", title, draw, roles=(Role.COUNT,))
