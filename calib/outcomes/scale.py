"""Stars of a population too large for memory, under weight sets and under draws."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field, StrictInt

from calib._quantiles import tails
from calib._streams import stream, token
from calib._types import Seed
from calib.errors import InputError
from calib.framework import Framework, RuleOptions
from calib.outcomes.draws import FamilyRule, draw_weights
from calib.population.partitions import find_partitions
from calib.rating.counting import PopulationCounts, count_partitions
from calib.report import Note, Result, Table
from calib.requests import Request, takes
from calib.weights import WeightSet, named_sets
from calib.words import Text, message, say

__all__ = ["ScaleRequest", "ScaleResult", "scale"]


class ScaleRequest(Request):
    """Options of :func:`scale`."""

    renamed: ClassVar[Mapping[str, str]] = {"level": "confidence"}

    values: Literal["answers", "scores"] = Field(
        "answers", description="what stands in the parts: answers, or scores"
    )
    synthetic: bool = Field(False, description="whether the enterprises are invented")
    draws: Annotated[StrictInt, Field(ge=0, le=100_000)] = Field(
        0, description="weight sets drawn around the first one, every family from a Dirichlet"
    )
    concentration: Annotated[float, Field(gt=0)] = Field(
        60.0, description="of the Dirichlet distributions"
    )
    confidence: Annotated[float, Field(gt=0, lt=1)] = Field(
        0.9, description="level of the intervals of star shares, over the draws"
    )


@dataclass(frozen=True, eq=False, repr=False)
class ScaleResult(Result):
    """Star counts of a large population.

    Tables: ``scale-stars`` (by set), ``scale-expected`` (over draws, where some are asked for).

    Attributes
    ----------
    sets : names of the weight sets; draws follow them
    counts : enterprises at each star by track and set, with the digest of every part
    """

    framework: Framework
    sets: tuple[str, ...]
    counts: PopulationCounts
    request: ScaleRequest

    def headline(self) -> Text:
        """Return how much was rated."""
        return self.notes[0].text

    @cached_property
    def tables(self) -> Sequence[Table]:  # type: ignore[override]
        """Stars by set, and expected stars."""
        import pandas as pd

        first, rows, spread = self.framework.rule.first, [], []
        for scope, counts in {"all": self.counts.whole(), **self.counts.per_set}.items():
            total = int(counts[0].sum())
            for name, row in zip(self.sets, counts, strict=False):
                rows += [(name, scope, k + first, int(c), c / total if total else np.nan)
                         for k, c in enumerate(row)]  # fmt: skip
            shares = counts[len(self.sets) :] / max(total, 1)
            if len(shares):
                low, high = np.quantile(shares, tails(self.request.confidence), axis=0)
                spread += [(scope, k + first, m, a, b) for k, (m, a, b) in
                           enumerate(zip(shares.mean(axis=0), low, high, strict=True))]  # fmt: skip
        stars = pd.DataFrame(rows, columns=["set", "scope", "star", "count", "share"])
        tables = [Table("scale-stars", stars, message("outcomes.scale.stars"), rows=60)]
        if spread:
            frame = pd.DataFrame(spread, columns=["scope", "star", "expected_share", "low", "high"])
            level = f"{100 * self.request.confidence:g}"
            tables.append(
                Table("scale-expected", frame, message("outcomes.scale.expected", level=level))
            )
        return tuple(tables)

    @cached_property
    def notes(self) -> Sequence[Note]:  # type: ignore[override]
        """How many parts, enterprises and weight sets there were."""
        invented = self.request.synthetic
        return (
            Note(
                message(
                    f"outcomes.scale.{'synthetic' if invented else 'note'}",
                    parts=len(self.counts.parts),
                    size=f"{sum(self.counts.enterprises.values()):,}",
                    sets=len(next(iter(self.counts.per_set.values()))),
                ),
                warning=invented,
            ),
        )


@takes(ScaleRequest)
def scale(
    weights: WeightSet | Mapping[str, WeightSet] | Sequence[WeightSet],
    parts: Path | str,
    *,
    rule_options: RuleOptions | Mapping[str, str] | None = None,
    rng: Seed = None,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Callable[[str], object] = lambda text: None,
    request: ScaleRequest,
) -> ScaleResult:
    """Count the stars of a partitioned population, part by part.

    Parameters
    ----------
    weights : a set, several, or several by name; draws are made around the first
    parts : folder of Parquet parts
    rule_options : answers to the open questions of the rule; the framework's defaults if None
    rng : seed or Generator of the draws
    workers, scheduler : threads here, or the address of a Dask scheduler; results are the same
    progress : called with a text when a part is counted
    {options}

    Raises
    ------
    InputError
        When there is no such folder, or for faults of a part.
    """
    sets = named_sets("scale(weights, parts)", weights)
    folder = Path(parts)
    if not folder.is_dir():
        raise InputError(message("outcomes.scale.no_folder", folder=repr(str(parts))))
    found = find_partitions(folder)
    centre = next(iter(sets.values()))
    framework = centre.framework
    local = {t: np.stack([w.local[t] for w in sets.values()]) for t in framework.tracks}
    if request.draws:
        rule = FamilyRule(kind="dirichlet", concentration=request.concentration)
        rules = {f.parent: rule for tree in framework.tracks.values() for f in tree.families}
        generator = stream(token(rng), "scale")
        drawn = draw_weights(framework, centre.local, rules, request.draws, rng=generator)
        local = {t: np.concatenate([local[t], drawn[t]]) for t in local}
    counts = count_partitions(
        found, framework, local, framework.rule.read(rule_options), kind=request.values,
        workers=workers, scheduler=scheduler,
        done=lambda number: progress(_doing(number, len(found))),
    )  # fmt: skip
    return ScaleResult(framework, tuple(sets), counts, request)


def _doing(number: int, of: int) -> str:
    """Return which part is being counted, in the current language."""
    part = message("outcomes.doing_part", number=number, of=of)
    return say("outcomes.doing", what=message("sections.scale"), part=part)
