"""One analysis over an ensemble: its result for the sample that is shown, and the range over all.

A function of weights and enterprises that is marked with :func:`over_samples` takes an ensemble
in place of a population. What it computes for one sample stays as it is.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar, cast, overload

from calib._streams import token
from calib.population import Ensemble
from calib.report import Drawing, Note, Result, Table
from calib.weights import WeightSet
from calib.words import Text, message

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["OverSamples", "Watched", "long_form", "over_samples"]

R = TypeVar("R", bound=Result)
Watched = Callable[[Any], "pd.DataFrame"]
"""From a result to the numbers whose range is shown: key columns, ``quantity`` and ``value``."""


@dataclass(frozen=True, eq=False, repr=False)
class OverSamples(Result, Generic[R]):
    """What an analysis finds for every sample of an ensemble.

    Attributes
    ----------
    example : the result for the sample that is shown
    shown : its numbers that are compared: key columns, ``quantity`` and ``value``
    found : the same of every sample of the ensemble
    ensemble : the ensemble

    Tables: ``samples`` (the main one: the number for the sample shown, and its quantiles over all
    samples), then those of the example.
    """

    example: R
    shown: pd.DataFrame
    found: tuple[pd.DataFrame, ...]
    ensemble: Ensemble

    @classmethod
    def together(
        cls, results: Mapping[str, OverSamples[R]], example: R, key: str | None = None
    ) -> OverSamples[R]:
        """Return the results of several sets or cases as one.

        Parameters
        ----------
        results : by name
        example : what is shown of the examples of all of them
        key : the column that tells their names, None where their numbers tell them apart
        """
        import pandas as pd

        def joined_up(frames: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
            parts = [
                f if key is None else f.assign(**{key: name})[[key, *f.columns]]
                for name, f in frames.items()
            ]
            return pd.concat(parts, ignore_index=True)

        every = [*results.values()]
        found = tuple(
            joined_up({name: r.found[i] for name, r in results.items()})
            for i in range(len(every[0].found))
        )
        shown = joined_up({name: r.shown for name, r in results.items()})
        return cls(example, shown, found, every[0].ensemble)

    @property
    def names(self) -> Mapping[str, Text]:
        """Names of nodes, tracks and levels by code."""
        return self.example.names

    def headline(self) -> Text:
        """Return what the example says, and of how many samples it is one."""
        return message("outcomes.samples.headline", n=len(self.found),
                       text=self.example.headline())  # fmt: skip

    @cached_property
    def range(self) -> pd.DataFrame:
        """Every number for the example, and its quantiles over the samples."""
        import pandas as pd

        keys = [c for c in self.shown.columns if c != "value"]
        every = pd.concat(self.found, ignore_index=True)
        grouped = every.groupby(keys, sort=False, dropna=False)["value"]
        parts = {
            "sample_min": grouped.min(), "sample_low": grouped.quantile(0.05),
            "sample_median": grouped.median(), "sample_mean": grouped.mean(),
            "sample_high": grouped.quantile(0.95), "sample_max": grouped.max(),
            "samples": grouped.size(),
        }  # fmt: skip
        place = self.shown.assign(place=range(len(self.shown)))  # a join sorts by its keys
        whole = place.merge(pd.DataFrame(parts).reset_index(), on=keys, how="outer")
        return whole.sort_values("place", ignore_index=True).drop(columns="place")

    @cached_property
    def tables(self) -> Sequence[Table]:  # type: ignore[override]
        """The range over samples, and the tables of the example."""
        title = message("outcomes.samples.table", n=len(self.found))
        answers = any(t.from_answers for t in self.example.tables)
        table = Table("samples", self.range, title, rows=60, from_transitions=True,
                      from_answers=answers, blank=message("outcomes.samples.blank"))  # fmt: skip
        return (table, *self.example.tables)

    @property
    def drawings(self) -> Sequence[Drawing]:  # type: ignore[override]
        """The figures of the example."""
        return self.example.drawings

    @cached_property
    def notes(self) -> Sequence[Note]:  # type: ignore[override]
        """That the example is one of many, where it is unlike them, the scheme, its own notes."""
        said = message("outcomes.samples.note", n=len(self.found))
        return (Note(said, warning=True), *self._unlike(), Note(self.ensemble.scheme),
                *self.example.notes)  # fmt: skip

    def _unlike(self) -> Iterator[Note]:
        """Say where the example's numbers are beyond those of all samples."""
        table = self.range
        beyond = (table["value"] < table["sample_min"] - 1e-9) | (
            table["value"] > table["sample_max"] + 1e-9
        )
        if not beyond.any():
            return
        key = "unlike"
        codes = list(dict.fromkeys(table.loc[beyond, "code"])) if "code" in table else []
        if codes:
            key = "unlike_in"
        yield Note(
            message(f"outcomes.samples.{key}", n=int(beyond.sum()), of=len(table),
                    samples=len(self.found), nodes=[self.names.get(c, c) for c in codes[:6]]),
            warning=True,
        )  # fmt: skip


class _Verb(Protocol[R]):
    """A verb that takes a population, or an ensemble."""

    @overload
    def __call__(
        self, weights: WeightSet, population: Ensemble, /, **options: Any
    ) -> OverSamples[R]: ...
    @overload
    def __call__(
        self, baseline: WeightSet, candidate: Any, population: Ensemble, /, **options: Any
    ) -> OverSamples[R]: ...
    @overload
    def __call__(self, *args: Any, **options: Any) -> R: ...


def over_samples(
    watched: Watched, quick: Callable[..., pd.DataFrame] | None = None
) -> Callable[[Callable[..., R]], _Verb[R]]:
    """Let a function of weights and enterprises take an ensemble.

    Parameters
    ----------
    watched : from the function's result to the numbers whose range over samples is shown
    quick : the same numbers from the function's arguments, where all of its result takes longer

    Notes
    -----
    All samples are looked at under one seed, so that what differs is the sample.
    """

    def decorate(function: Callable[..., R]) -> _Verb[R]:
        @functools.wraps(function)
        def call(*args: Any, **options: Any) -> Any:
            place, ensemble = _ensemble(args, options)
            if ensemble is None:
                return function(*args, **options)
            if "rng" in options:
                options = {**options, "rng": token(options["rng"])}

            def of(what: Callable[..., Any], sample: object) -> Any:
                if isinstance(place, str):
                    return what(*args, **{**options, place: sample})
                return what(*args[:place], sample, *args[place + 1 :], **options)

            example = of(function, ensemble.example or ensemble[0])
            one = quick or (lambda *a, **o: watched(function(*a, **o)))
            found = tuple(of(one, sample) for sample in ensemble)
            return OverSamples(example, watched(example), found, ensemble)

        return cast("_Verb[R]", call)

    return decorate


def _ensemble(
    args: tuple[Any, ...], options: Mapping[str, Any]
) -> tuple[int | str, Ensemble | None]:
    given: list[tuple[int | str, Any]] = [*enumerate(args), *options.items()]
    for place, value in given:
        if isinstance(value, Ensemble):
            return place, value
    return 0, None


def long_form(frame: pd.DataFrame, keys: Sequence[str], values: Sequence[str]) -> pd.DataFrame:
    """Return some columns of a table as rows: keys, ``quantity`` and ``value``."""
    return frame.melt(id_vars=list(keys), value_vars=list(values), var_name="quantity")
