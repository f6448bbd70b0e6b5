"""Which stars depend on how the open questions of the rating rule are answered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field

from calib.errors import InputError
from calib.framework import Framework, RuleOptions
from calib.outcomes.unanswered import has_gaps
from calib.population import Population
from calib.rating import Rating, Scored, over_samples, rate, score_answers
from calib.rating.over_samples import long_form
from calib.report import Note, Result, Table
from calib.requests import Request, expect, takes
from calib.weights import WeightSet, named_sets, set_names
from calib.words import Text, message

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "RuleOptionsRequest",
    "RuleOptionsResult",
    "dependent_table",
    "option_choices",
    "option_table",
    "range_table",
    "rate_options",
    "rule_options",
]

Changed = tuple[tuple[str, str], ...]
"""How a choice of options differs from the base: names and values."""


class RuleOptionsRequest(Request):
    """Options of :func:`rule_options`."""

    together: bool = Field(
        True, description="rate every combination as well, for the range of each star"
    )


@dataclass(frozen=True, eq=False, repr=False)
class RuleOptionsResult(Result):
    """Stars under each answer to each open question of the rule.

    Tables: ``rule-options`` (the star distribution under each option),
    ``rule-options-dependent`` (whose star depends on one), ``rule-options-range`` (lowest and
    highest star over all combinations).

    Attributes
    ----------
    single : by set, ratings under one changed option each
    every : by set, ratings under every combination; empty if not asked for
    """

    framework: Framework
    single: Mapping[str, Mapping[Changed, Rating]]
    every: Mapping[str, Mapping[Changed, Rating]]

    @classmethod
    def together(cls, results: Iterable[RuleOptionsResult]) -> RuleOptionsResult:
        """Return the results of several sets as one."""
        every = list(results)
        return cls(
            every[0].framework,
            {n: v for r in every for n, v in r.single.items()},
            {n: v for r in every for n, v in r.every.items()},
        )

    @property
    def names(self) -> Mapping[str, Text]:
        """Names of nodes, tracks, levels and sets by code."""
        rated = {n: next(iter(ratings.values())) for n, ratings in self.single.items()}
        return {**self.framework.names, **set_names({n: r.weights for n, r in rated.items()})}

    def headline(self) -> Text:
        """Return how many stars depend on an option under the first set."""
        return self.notes[0].text

    @cached_property
    def tables(self) -> Sequence[Table]:  # type: ignore[override]
        """Distributions, enterprises that depend on an option, ranges."""
        tables = [
            Table("rule-options", _by_set(self.single, option_table),
                  message("outcomes.rule_options.table"), rows=60),
            Table("rule-options-dependent", _by_set(self.single, dependent_table),
                  message("outcomes.rule_options.dependent")),
        ]  # fmt: skip
        if self.every:
            title = message("outcomes.rule_options.range")
            tables.append(Table("rule-options-range", _by_set(self.every, range_table), title))
        return tuple(tables)

    @cached_property
    def notes(self) -> Sequence[Note]:  # type: ignore[override]
        """How many enterprises depend on an option, and how many combinations were rated."""
        notes = []
        for name, ratings in self.single.items():
            count = int(dependent_table(ratings)["enterprise"].nunique())
            called = self.names[f"set:{name}"]
            notes.append(Note(message("outcomes.rule_options.note", set=called, n=count)))
        for ratings in list(self.every.values())[:1]:
            notes.append(Note(message("outcomes.rule_options.combinations", n=len(ratings))))
        return tuple(notes)


def _watched(found: RuleOptionsResult) -> pd.DataFrame:
    """Return the numbers whose range over samples is shown: who moves under each option."""
    table = found.frame("rule-options")
    return long_form(
        table[table["rule_option"] != _name(())], ["set", "rule_option"], ["up", "down"]
    )


def _quick(weights: Any, population: Population, **options: Any) -> pd.DataFrame:
    """Return what :func:`_watched` does, without rating combinations of options."""
    request = options.pop("request", None) or RuleOptionsRequest.make(
        {k: options.pop(k) for k in ("together",) if k in options}
    )
    alone = request.model_copy(update={"together": False})
    return _watched(rule_options(weights, population, request=alone, **options))


@over_samples(_watched, _quick)
@takes(RuleOptionsRequest)
def rule_options(
    weights: WeightSet | Mapping[str, WeightSet] | Sequence[WeightSet],
    population: Population,
    *,
    rule_options: RuleOptions | Mapping[str, str] | None = None,
    grow: Callable[[Scored], Scored] = lambda scored: scored,
    request: RuleOptionsRequest,
) -> RuleOptionsResult:
    """Find whose star depends on how the open questions of the rating rule are answered.

    Parameters
    ----------
    weights : a set, several, or several by name
    population : the enterprises with their answers (options decide how these are scored); or an
        ensemble of samples
    rule_options : the answers to compare with; the framework's defaults if None
    grow : changes scores before they are rated, for instance to those of a later year
    {options}

    Examples
    --------
    >>> import calib
    >>> framework = calib.load_framework("aii")
    >>> firms = calib.generate_population(framework, 20, rng=1)
    >>> found = calib.rule_options(calib.published_weights(framework), firms, together=False)
    >>> sorted(found.frames)
    ['rule-options', 'rule-options-dependent']
    """
    call = "rule_options(weights, population)"
    sets = named_sets(call, weights)
    expect(call, population=(population, Population))
    framework = population.framework
    base = framework.rule.read(rule_options)
    population = _rated_by_all(population, base)
    single = option_choices(framework, population, base, together=False)
    every = option_choices(framework, population, base, together=True) if request.together else {}
    return RuleOptionsResult(
        framework,
        {n: rate_options(population, w, single, grow=grow) for n, w in sets.items()},
        {n: rate_options(population, w, every, grow=grow) for n, w in sets.items()}
        if every
        else {},
    )


def _by_set(
    ratings: Mapping[str, Mapping[Changed, Rating]],
    table: Callable[[Mapping[Changed, Rating]], pd.DataFrame],
) -> pd.DataFrame:
    import pandas as pd

    parts = []
    for name, own in ratings.items():
        part = table(own)
        part.insert(0, "set", name)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def option_choices(
    framework: Framework, population: Population, base: RuleOptions, *, together: bool
) -> dict[Changed, RuleOptions]:
    """Return the rule options that could matter for a population, by how they differ from ``base``.

    Parameters
    ----------
    together : every combination of options; otherwise one change at a time

    Notes
    -----
    Left out, as they could change nothing or cannot be computed: rule options of missing answers
    where none is missing (and ``error``, and ``leave-out``, which changes no star; see
    :func:`calib.unanswered`), option scores of a population given as scores, ``given``
    scores where an item states none, gate rule options where there are no gates.
    """
    choices = {
        key: [v for v in values if _possible(framework, population, key, v)]
        for key, values in framework.rule.choices().items()
    }
    for key in choices:
        own = getattr(base, key)
        choices[key] = [own, *[v for v in choices[key] if v != own]]
    out: dict[Changed, RuleOptions] = {(): base}
    if together:
        for combination in product(*choices.values()):
            chosen = dict(zip(choices, combination, strict=True))
            changed = tuple((k, v) for k, v in chosen.items() if v != getattr(base, k))
            out[changed] = replace(base, **chosen)
        return out
    for key, values in choices.items():
        for value in values[1:]:
            out[((key, value),)] = replace(base, **{key: value})
    return out


def _rated_by_all(population: Population, base: RuleOptions) -> Population:
    """Return the enterprises that are rated however unanswered items are treated."""
    if not has_gaps(population):
        return population
    scopes = population.framework.rule.choices()["gate_scope"]
    treatments = {base.missing, "renormalise", "impute"} - {"error"}
    kept = [
        score_answers(population, replace(base, missing=m, gate_scope=scope))
        for m in sorted(treatments) for scope in scopes
    ]  # fmt: skip
    rows = {}
    for t, sample in population.samples.items():
        shared = [{str(i) for i in one.samples[t].ids} for one in kept if t in one.samples]
        rated = set.intersection(*shared) if len(shared) == len(kept) else set()
        rows[t] = np.array([i for i, own in enumerate(sample.ids) if str(own) in rated], dtype=int)
    return population.take({t: r for t, r in rows.items() if len(r)})


def _possible(framework: Framework, population: Population, key: str, value: str) -> bool:
    if key == "missing":
        return has_gaps(population) and value not in ("error", "leave-out")
    if key == "option_score":
        if population.kind == "scores":
            return False
        items = [n.item for t in framework.tracks.values() for n in t.nodes if n.item]
        return value != "given" or all(i.scores is not None for i in items)
    return framework.rule.asks(key)


def rate_options(
    population: Population,
    weights: WeightSet,
    rule_options: Mapping[Changed, RuleOptions],
    *,
    grow: Callable[[Scored], Scored] = lambda scored: scored,
) -> dict[Changed, Rating]:
    """Rate a population under each of several rule options.

    Parameters
    ----------
    grow : changes the scores before they are rated, as they are by default
    """
    return {
        changed: rate(weights, grow(score_answers(population, r)))
        for changed, r in rule_options.items()
    }


def _name(changed: Changed) -> str:
    return "; ".join(f"{k} = {v}" for k, v in changed) or "as chosen"


def option_table(ratings: Mapping[Changed, Rating]) -> pd.DataFrame:
    """Return the star distribution under each option, and how many stars differ from the base.

    Columns: rule_option, star_<number> for every star, downgraded (where the rule has gates or
    caps), up, down.
    """
    import pandas as pd

    base = _base(ratings)
    first = base.framework.rule.first
    rows = []
    for changed, rating in ratings.items():
        step = np.concatenate([s.star - base.samples[t].star for t, s in rating.samples.items()])
        counts = {f"star_{k + first}": int(c) for k, c in enumerate(rating.counts())}
        rows.append({"rule_option": _name(changed), **counts, "downgraded": rating.downgrades,
                     "up": int((step > 0).sum()), "down": int((step < 0).sum())})  # fmt: skip
    table = pd.DataFrame(rows)
    return table if base.framework.rule.holds_back else table.drop(columns="downgraded")


def dependent_table(ratings: Mapping[Changed, Rating]) -> pd.DataFrame:
    """Return the enterprises whose star another option changes, one row an option.

    Columns: enterprise, name, track, rule_option, star, star_under_option.
    """
    import pandas as pd

    base = _base(ratings)
    first = base.framework.rule.first
    rows = []
    for changed, rating in ratings.items():
        for t, s in rating.samples.items():
            now = base.samples[t].star
            rows += [
                (
                    s.ids[i],
                    s.names[i],
                    t,
                    _name(changed),
                    int(now[i]) + first,
                    int(s.star[i]) + first,
                )
                for i in np.flatnonzero(now != s.star)
            ]
    columns = ["enterprise", "name", "track", "rule_option", "star", "star_under_option"]
    return pd.DataFrame(rows, columns=columns)


def range_table(ratings: Mapping[Changed, Rating]) -> pd.DataFrame:
    """Return lowest and highest star of each enterprise over all rule options rated.

    Columns: enterprise, name, track, star, lowest, highest, same_share (share of the rule options
    that give the star of the base).
    """
    import pandas as pd

    base = _base(ratings)
    first = base.framework.rule.first
    parts = []
    for t, s in base.samples.items():
        stars = np.stack([r.samples[t].star for r in ratings.values()])
        parts.append(pd.DataFrame({
            "enterprise": s.ids, "name": s.names, "track": t, "star": s.star + first,
            "lowest": stars.min(axis=0) + first, "highest": stars.max(axis=0) + first,
            "same_share": (stars == s.star).mean(axis=0),
        }))  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def _base(ratings: Mapping[Changed, Rating]) -> Rating:
    if () not in ratings:
        raise InputError(message("outcomes.rule_options.no_base"))
    return ratings[()]
