"""Shifting weights over years: the request, the function, and what it gives back."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, StrictInt, field_validator

from calib.errors import InputError
from calib.framework import Family, Track
from calib.population import Population
from calib.rating import Scored, score_answers
from calib.report import Drawing, Role, Table
from calib.requests import Request, expect, takes
from calib.shifts.growth import Grown, Growth, check_growth, grown_population
from calib.shifts.paths import WeightPath, weight_path
from calib.weights import Weighed, WeightSet, override
from calib.words import Text, message

__all__ = ["ShiftRequest", "ShiftResult", "shift"]

MOST_FIGURES = 6


class ShiftRequest(Request):
    """Options of :func:`shift`."""

    years: Annotated[tuple[StrictInt, ...], Field(min_length=2)] = Field(
        description="first and last year, for a set each year; or every year that gets a set"
    )
    path: Literal["linear", "log-ratio", "logistic"] = Field(
        "linear",
        description="straight, by a constant factor of the ratios a year, or slow at both ends",
    )
    steepness: Annotated[float, Field(gt=0, le=200)] = Field(
        10.0, description="of the logistic path; its middle is about a quarter of it times as fast"
    )
    growth: Growth | None = Field(
        None, description="how enterprises are assumed to improve meanwhile; not at all if None"
    )

    @field_validator("years", mode="before")
    @classmethod
    def _list_range(cls, given: Any) -> Any:
        return tuple(given) if isinstance(given, range) else given

    @field_validator("years")
    @classmethod
    def _rise(cls, years: tuple[int, ...]) -> tuple[int, ...]:
        if any(b <= a for a, b in itertools.pairwise(years)):
            raise ValueError(message("shift.must_rise"))
        return years

    @property
    def every_year(self) -> tuple[int, ...]:
        """The years that get a set, both ends among them."""
        if len(self.years) == 2:
            return tuple(range(self.years[0], self.years[1] + 1))
        return self.years


@dataclass(frozen=True, eq=False, repr=False)
class ShiftResult(Weighed):
    """Weights on their way: ``weights`` is the set of the last year, ``also`` has those between.

    Attributes
    ----------
    path : the weights at any moment
    years : the years that have a set, from the first (the starting set) to the last
    growth : what enterprises are assumed to gain meanwhile, None for nothing
    grown : what the enterprises have become by the year of a set: "" is that of ``weights``
    """

    path: WeightPath = field(kw_only=True)
    years: tuple[int, ...] = field(kw_only=True)
    growth: Growth | None = None
    grown: Mapping[str, Grown] = field(default_factory=dict)

    def headline(self) -> Text:
        """Return where the weights go, and when."""
        path = self.path
        return message(
            "shift.headline", start=path.start.label, end=self.weights.label,
            first=self.years[0], last=self.years[-1], path=message(f"values.{path.kind}"),
        )  # fmt: skip

    def at(self, year: float) -> WeightSet:
        """Return the weight set of a moment, in years; see :meth:`WeightPath.at`."""
        return self.path.at(year, f"{self.weights.name}/{year:g}")

    def enterprises_at(self, population: Population | Scored, year: float) -> Scored:
        """Return the enterprises as they are assumed to be in a year, with their scores."""
        scored = population if isinstance(population, Scored) else score_answers(population)
        if self.growth is None:
            return scored
        return grown_population(scored, self.growth, self.path.years, year)


@takes(ShiftRequest)
def shift(
    weights: WeightSet,
    changes: Mapping[str, float] | WeightSet | None = None,
    *,
    to: WeightSet | None = None,
    name: str = "shift",
    request: ShiftRequest,
) -> ShiftResult:
    """Shift weights over years, from a set to changed weights or to another set.

    Draws of the two ends move as well, paired by the roots that they share.

    Parameters
    ----------
    weights : the set of the first year
    changes : local weights of the last year by node code, siblings rescaled in proportion; or the
        set of the last year
    to : the set of the last year by its keyword, in place of ``changes``
    name : of the set of the last year; that of 2030 is ``<name>/2030``
    {options}

    Returns
    -------
    ShiftResult

    Raises
    ------
    InputError
        When neither or both of ``changes`` and ``to`` are given, years do not rise, a node is
        unknown, or a log-ratio path meets a weight that is 0 at one end only.

    Examples
    --------
    >>> import calib
    >>> published = calib.published_weights(calib.load_framework("aii"))
    >>> moving = calib.shift(published, {"DA": 0.40}, years=range(2025, 2036))
    >>> round(moving.at(2030)["DA"], 3)
    0.36
    """
    expect("shift(weights, changes)", weights=(weights, WeightSet))
    if isinstance(changes, WeightSet) and to is None:
        changes, to = None, changes
    if isinstance(changes, WeightSet) or (to is None) == (not changes):
        raise InputError(message("shift.one_target"))
    if to is not None:
        expect("shift(weights, to=...)", to=(to, WeightSet))
    end = override(weights, changes or {}, name=f"{name} target") if to is None else to
    years = request.every_year
    ends = (float(years[0]), float(years[-1]))
    path = weight_path(weights, end, request.path, ends, steepness=request.steepness)
    grown: dict[str, Grown] = {}
    if request.growth is not None:
        check_growth(weights.framework.codes, request.growth)
        grown = {
            "" if y == years[-1] else str(y): _grown(request.growth, ends, y) for y in years[1:]
        }
    return ShiftResult(
        path.at(ends[1], name),
        also={str(y): path.at(y, f"{name}/{y}") for y in years[1:-1]},
        tables=(_table(path, years),),
        drawings=_drawings(path),
        path=path,
        years=years,
        growth=request.growth,
        grown=grown,
    )


def _grown(growth: Growth, ends: tuple[float, float], year: int) -> Grown:
    return Grown(
        message("shift.grown_to", year=year),
        lambda scored: grown_population(scored, growth, ends, year),
    )


def _table(path: WeightPath, years: Sequence[int]) -> Table:
    import pandas as pd

    rows = []
    for year in years:
        time = np.array([path.time(year)])
        for t, tree in path.start.framework.tracks.items():
            local = path.local(t, time)[0]
            moving = path.start.local[t] != path.end.local[t]
            whole = tree.global_weights(local)
            rows += [
                (year, t, n.code, n.name.zh, n.name.en, float(local[i]), float(whole[i]))
                for i, n in enumerate(tree.nodes)
                if moving[i]
            ]
    columns = ["year", "track", "code", "name_zh", "name_en", "local_weight", "global_weight"]
    return Table("path", pd.DataFrame(rows, columns=columns), message("shift.table"))


def _drawings(path: WeightPath) -> tuple[Drawing, ...]:
    """Draw every family of the first track whose weights move, the first level above all."""
    track = next(iter(path.start.framework.tracks.values()))
    out = []
    for family in track.families:
        a, b = (w.local[track.code][family.members] for w in (path.start, path.end))
        if np.abs(a - b).max() > 1e-12:
            out.append(_drawing(track, family, path))
    return tuple(out[:MOST_FIGURES])


def _drawing(track: Track, family: Family, path: WeightPath) -> Drawing:
    if family.parent:
        node = track.nodes[track.index[family.parent]]
        title = message("shift.family", node=node.name)
    else:
        title = message("shift.first_level")

    def draw(lang: str) -> Any:
        import pandas as pd

        from calib.figures.outcomes import weights_over_years

        time = np.linspace(0, 1, 81)
        values = path.local(track.code, time)[:, family.members]
        names = [track.nodes[i].name.get(lang) for i in family.members]
        table = pd.DataFrame(values, index=path.year(time), columns=names)
        return weights_over_years(table, lang=lang, title=title.get(lang))

    name = f"weights-{family.parent}" if family.parent else "weights"
    return Drawing(name, title, draw, roles=(Role.WEIGHT,))
