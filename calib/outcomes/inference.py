"""Intervals and tests of a comparison of stars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, ClassVar

import numpy as np
from pydantic import Field, StrictInt

from calib._streams import stream
from calib._types import BoolArray
from calib.errors import InputError, did_you_mean
from calib.outcomes.agreement import (
    bootstrap_agreement,
    bowker_symmetry,
    stuart_maxwell,
    wilson_interval,
)
from calib.outcomes.star_differences import transition_matrix
from calib.rating import Rating
from calib.report import Result, Table
from calib.requests import Request
from calib.words import Text, message

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CompareRequest", "InferenceResult", "infer"]


class CompareRequest(Request):
    """Options of :func:`compare`."""

    renamed: ClassVar[Mapping[str, str]] = {"level": "confidence"}

    by: str | None = Field(None, description="an attribute by whose values to compare as well")
    confidence: Annotated[float, Field(gt=0, lt=1)] = Field(
        0.95, description="confidence level of the intervals"
    )
    bootstrap: Annotated[StrictInt, Field(ge=100, le=100_000)] = Field(
        2000, description="resamples of the enterprises, for intervals of agreement"
    )


@dataclass(frozen=True, eq=False, repr=False)
class InferenceResult(Result):
    """Intervals and tests of a comparison: what other enterprises of this kind would show.

    Tables: ``star-intervals`` (shares with Wilson's intervals), ``transition-tests`` (Bowker's
    test of symmetry, Stuart and Maxwell's of equal distributions), ``agreement-intervals``.
    """

    baseline: Rating
    request: CompareRequest
    shares: pd.DataFrame
    tests: pd.DataFrame
    agreement: pd.DataFrame

    @property
    def names(self) -> Mapping[str, Text]:
        """Names of nodes, tracks and levels by code."""
        return self.baseline.names

    def headline(self) -> Text:
        """Return how many sets distribute the stars otherwise, beyond what chance explains."""
        from statsmodels.stats.multitest import multipletests

        chosen = (self.tests["scope"] == "all") & (self.tests["test"] == "Stuart–Maxwell")
        # Sets of the years between and of earlier rounds only lead to those that count.
        chosen &= ~self.tests["set"].astype(str).str.contains("/")
        p = self.tests.loc[chosen, "p"].dropna().to_numpy(dtype=float)
        alpha = 1 - self.request.confidence
        if not len(p):
            return message("outcomes.comparison.inference_untested")
        differing, corrected = multipletests(p, alpha, method="holm")[:2]
        return message(
            "outcomes.comparison.inference", n=len(p), k=int(differing.sum()),
            level=f"{100 * self.request.confidence:g}", p=f"{corrected.min():.2g}",
        )  # fmt: skip

    @cached_property
    def tables(self) -> Sequence[Table]:  # type: ignore[override]
        """Star shares, tests, agreement."""
        level = f"{100 * self.request.confidence:g}"
        return (
            Table("star-intervals", self.shares,
                  message("outcomes.comparison.intervals", level=level), rows=60),
            Table("transition-tests", self.tests, message("outcomes.comparison.tests"),
                  blank=message("outcomes.comparison.untested"), from_transitions=True),
            Table("agreement-intervals", self.agreement,
                  message("outcomes.comparison.agreement_intervals", level=level), rows=60,
                  blank=message("outcomes.comparison.nobody_moved"), from_transitions=True),
        )  # fmt: skip


def infer(
    ratings: Mapping[str, Rating], baseline: str, request: CompareRequest, seed: int
) -> InferenceResult:
    """Return intervals and tests for the stars of every set against the baseline."""
    import pandas as pd

    base = ratings[baseline]
    first = base.framework.rule.first
    shares: list[tuple[object, ...]] = []
    tests: list[tuple[object, ...]] = []
    boots: list[tuple[object, ...]] = []
    for scope, inside in _scopes(base, request.by).items():
        for name, rating in ratings.items():
            matrices = [transition_matrix(rating, base, t, inside) for t in inside]
            whole = np.sum(matrices, axis=0)
            counts, total = whole.sum(axis=0), int(whole.sum())
            low, high = wilson_interval(counts, total, request.confidence)
            shares += [
                (name, scope, k + first, int(c), c / total if total else np.nan, low[k], high[k])
                for k, c in enumerate(counts)
            ]
            if name == baseline:
                continue
            symmetry, homogeneity = bowker_symmetry(whole), stuart_maxwell(whole)
            tests += [
                (name, scope, test, r.statistic, r.df, r.p, r.p_by)
                for test, r in (("Bowker", symmetry), ("Stuart–Maxwell", homogeneity))
            ]
            boots += [
                (name, scope, b.measure, b.value, b.low, b.high, b.by)
                for b in bootstrap_agreement(
                    matrices, size=request.bootstrap, confidence=request.confidence,
                    rng=stream(seed, f"comparison {name} {scope}"),
                )
            ]  # fmt: skip

    def frame(rows: list[tuple[object, ...]], columns: str) -> pd.DataFrame:
        return pd.DataFrame(rows, columns=columns.split())

    return InferenceResult(
        base, request,
        frame(shares, "set scope star count share low high"),
        frame(tests, "set scope test statistic df p p_by"),
        frame(boots, "set scope measure value low high by"),
    )  # fmt: skip


def _scopes(base: Rating, by: str | None) -> dict[str, dict[str, BoolArray]]:
    """Return, by the name of a scope, which enterprises of each track are in it."""
    samples = base.samples
    everyone = {t: np.ones(len(s.star), dtype=bool) for t, s in samples.items()}
    out = {"all": everyone}
    if len(samples) > 1:
        out |= {t: {t: everyone[t]} for t in samples}
    if by is None:
        return out
    known = sorted({a for s in samples.values() for a in s.attributes})
    if by not in known:
        raise InputError(
            message("outcomes.comparison.no_attribute", by=repr(by), hint=did_you_mean(by, known),
                    known=known or "–")
        )  # fmt: skip
    values = sorted({str(v) for s in samples.values() for v in s.attributes.get(by, [])})
    for value in values:
        out[f"{by} = {value}"] = {
            t: np.array([str(v) == value for v in s.attributes.get(by, [""] * len(s.star))], bool)
            for t, s in samples.items()
        }
    return out
