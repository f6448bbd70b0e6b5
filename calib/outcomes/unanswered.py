"""How many stars depend on the treatment of unanswered items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from calib.errors import CalibError
from calib.framework import Framework, RuleOptions
from calib.population import Population
from calib.rating import Rating, rate, score_answers
from calib.rating.distributions import star_columns
from calib.rating.subject import check_framework
from calib.report import Column, Note, Result, Role, Table
from calib.requests import expect
from calib.weights import WeightSet
from calib.words import Text, message

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["TREATMENTS", "UnansweredResult", "has_gaps", "unanswered"]

TREATMENTS = ("leave-out", "renormalise", "worst", "best", "impute")
"""Values of the rule option ``missing`` that are compared; ``zero`` beside them where chosen."""


@dataclass(frozen=True, eq=False, repr=False)
class UnansweredResult(Result):
    """Stars under each treatment of unanswered items.

    Tables: ``unanswered`` (the stars under each treatment), ``unanswered-dependent`` (enterprises
    whose star depends on it), ``unanswered-items`` (items by how many have not answered them).

    Attributes
    ----------
    ratings : by treatment
    chosen : the treatment under which the rest of a report stands
    gaps : by track, (n, L) which items are unanswered
    """

    framework: Framework
    population: Population
    ratings: Mapping[str, Rating]
    chosen: str

    @property
    def gaps(self) -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.bool_]]]:
        """Which items are unanswered, (n, L) by track."""
        return {t: np.isnan(s.values) for t, s in self.population.samples.items()}

    @cached_property
    def stars(self) -> pd.DataFrame:
        """The star of each enterprise under each treatment, empty where it is not rated."""
        import pandas as pd

        parts = []
        for t, sample in self.population.samples.items():
            data = {"enterprise": sample.ids, "name": sample.names, "track": t,
                    "unanswered": self.gaps[t].sum(axis=1)}  # fmt: skip
            for treatment, rating in self.ratings.items():
                data[treatment] = [_star(rating, t, i) for i in sample.ids]
            parts.append(pd.DataFrame(data))
        out = pd.concat(parts, ignore_index=True)
        return out.astype(dict.fromkeys(self.ratings, "Int64"))

    @cached_property
    def dependent(self) -> pd.DataFrame:
        """Enterprises whose star, or rating at all, depends on how gaps are filled."""
        lacking = self.stars[self.stars["unanswered"] > 0]
        own = lacking[[m for m in self.ratings if m != "leave-out"]]
        shown = own.astype(float)
        differs = (shown.min(axis=1) < shown.max(axis=1)) | own.isna().any(axis=1)
        return lacking[differs].reset_index(drop=True)

    def headline(self) -> Text:
        """Return how many stars depend on the treatment."""
        lacking = int((self.stars["unanswered"] > 0).sum())
        cells = int(self.stars["unanswered"].sum())
        return message("outcomes.unanswered.headline", n=len(self.dependent), lacking=lacking,
                       cells=cells, of=len(self.stars))  # fmt: skip

    @cached_property
    def tables(self) -> Sequence[Table]:  # type: ignore[override]
        """Stars by treatment, who depends on it, and which items lack answers."""
        stars = tuple(
            Column(m, Role.STAR, label=message(f"values.missing_{m.replace('-', '_')}"))
            for m in self.ratings
        )
        return (
            Table("unanswered", self._counts(), message("outcomes.unanswered.table"), rows=12,
                  declared=star_columns(self.framework.rule)),
            Table("unanswered-dependent", self.dependent,
                  message("outcomes.unanswered.dependent"), declared=stars,
                  blank=message("outcomes.unanswered.blank")),
            Table("unanswered-items", self._items(), message("outcomes.unanswered.items"),
                  from_answers=True),
        )  # fmt: skip

    @cached_property
    def notes(self) -> Sequence[Note]:  # type: ignore[override]
        """How many stars depend on the treatment, and what imputation assumes."""
        some = len(self.dependent) > 0
        out = [Note(self.headline(), warning=some)]
        if self.framework.rule.clusters is None:
            out.append(Note(message("outcomes.unanswered.assumed")))
        else:
            out.append(Note(message("outcomes.unanswered.no_bounds")))
            out.append(Note(message("outcomes.unanswered.assumed_imputed")))
        return tuple(out)

    def _counts(self) -> pd.DataFrame:
        import pandas as pd

        rows, first = [], self.framework.rule.first
        chosen = self.stars[self.chosen]
        for treatment, rating in self.ratings.items():
            own = self.stars[treatment]
            counts = {f"star_{k}": int(c) for k, c in enumerate(rating.counts(), first)}
            rows.append({
                "missing": f"missing_{treatment.replace('-', '_')}",
                "enterprises": int(own.count()),
                **counts, "downgraded_count": rating.downgrades,
                "up": int((own > chosen).sum()), "down": int((own < chosen).sum()),
            })  # fmt: skip
        return pd.DataFrame(rows)

    def _items(self) -> pd.DataFrame:
        import pandas as pd

        rows = []
        for t, gaps in self.gaps.items():
            track = self.framework.tracks[t]
            counts = gaps.sum(axis=0)
            rows += [(t, track.leaf_codes[j], int(counts[j]), counts[j] / len(gaps))
                     for j in np.argsort(-counts, kind="stable") if counts[j]]  # fmt: skip
        return pd.DataFrame(rows, columns=["track", "code", "count", "share"])


def has_gaps(population: Population) -> bool:
    """Return whether any item is unanswered."""
    return any(bool(np.isnan(s.values).any()) for s in population.samples.values())


def unanswered(
    weights: WeightSet,
    population: Population,
    *,
    rule_options: RuleOptions | Mapping[str, str] | None = None,
) -> UnansweredResult:
    """Rate under each treatment of unanswered items, and find whose star depends on it.

    Parameters
    ----------
    weights : the set under which enterprises are rated
    population : the enterprises with their gaps
    rule_options : answers to the open questions of the rule, that of ``missing`` among them; the
        others are compared with it

    Notes
    -----
    Between ``worst`` and ``best`` lies whatever could have been answered: a star that is the same
    under both depends on no assumption. Under ``impute`` the star is that of the median draw.
    Where bands come from the enterprises (``clusters``), ``worst`` and ``best`` are compared only
    if chosen: made-up extremes would move the bands of all, and no star would be bounded by them.

    Examples
    --------
    >>> import calib
    >>> framework = calib.load_framework("aii")
    >>> firms = calib.load_population("trial", framework)
    >>> frame = firms.frame()
    >>> frame.loc[0, "IC.NET.D1"] = None
    >>> firms = calib.Population.from_frame(frame, framework)
    >>> calib.unanswered(calib.published_weights(framework), firms).frame()["enterprises"].tolist()
    [22, 21, 22, 22, 22]
    """
    expect("unanswered(weights, population)", weights=(weights, WeightSet),
           population=(population, Population))  # fmt: skip
    rule = population.framework.rule
    base = rule.read(rule_options)
    chosen = "renormalise" if base.missing == "error" else base.missing
    others = [m for m in TREATMENTS if rule.clusters is None or m not in ("worst", "best")]
    ratings = {}
    for treatment in dict.fromkeys([chosen, *others]):
        try:
            scored = score_answers(population, replace(base, missing=treatment))
            check_framework([weights], scored)
            ratings[treatment] = rate(weights=weights, population=scored)
        except CalibError:
            # Nobody is left, or all that is answered weighs nothing: there is nothing to compare.
            if treatment == chosen:
                raise
    return UnansweredResult(population.framework, population, ratings, chosen)


def _star(rating: Rating, track: str, enterprise: object) -> int | None:
    sample = rating.samples.get(track)
    if sample is None:
        return None
    rows = np.flatnonzero(sample.ids == enterprise)
    if not len(rows):
        return None
    return int(sample.star[rows[0]]) + rating.framework.rule.first
