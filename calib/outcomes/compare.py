"""Comparing weight sets: who moves, why, how sure, and what happens to the whole distribution."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from calib._streams import token
from calib._types import Seed
from calib.framework import RULE_OPTIONS, RuleOptions
from calib.outcomes.comparison_tables import by_star, distances, provenance, weight_table
from calib.outcomes.inference import CompareRequest, InferenceResult, infer
from calib.outcomes.star_differences import (
    agreement_table,
    downgrade_table,
    enterprise_table,
    mover_table,
    node_star_table,
    star_table,
    transition_matrix,
    transition_table,
)
from calib.outcomes.tipping import YearPath
from calib.population import Population
from calib.rating import Rating, Scored, over_samples, rate
from calib.rating.distributions import star_columns
from calib.rating.over_samples import long_form
from calib.rating.subject import check_framework, scored_enterprises
from calib.report import Drawing, Live, LiveFigure, Note, Result, Role, Table, option_text
from calib.requests import expect, takes
from calib.weights import (
    Sets,
    Weighed,
    WeightSet,
    given,
    named_sets,
    set_names,
)
from calib.words import Text, joined, message

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ComparisonResult", "compare"]

FEWEST_DRAWN = 3
"""Fewer moves than so many are told in words; a matrix of them shows nothing more."""
MOST_TRANSITIONS = 8
"""Transition figures are drawn for this many sets; the table has them all."""
MOST_ENTERPRISES = 200_000
"""The table of every enterprise under every set is written up to this many rows."""


@dataclass(frozen=True, eq=False, repr=False)
class ComparisonResult(Result):
    """Stars under each set against those under the baseline.

    Attributes
    ----------
    ratings : the rating under every set, by its name
    baseline : name of the set that the others are compared with
    grown : what a set's enterprises have become, for sets that rate grown ones
    paths : the weights at any moment, for sets that a shift of weights leads to while enterprises
        stay as they are
    inference : intervals and tests, where they were asked for

    Tables: ``movers`` (the main one: who moves, why, and with what probability where weights
    have draws), ``stars``, ``agreement``, ``downgrades``, ``transitions``, ``node-stars``,
    ``weights``, ``distances``, ``provenance``, ``enterprises``, and those of ``inference``.
    """

    ratings: Mapping[str, Rating]
    baseline: str
    grown: Mapping[str, Text] = field(default_factory=dict)
    paths: Mapping[str, YearPath] = field(default_factory=dict)
    inference: InferenceResult | None = None

    @property
    def base(self) -> Rating:
        """The rating under the baseline."""
        return self.ratings[self.baseline]

    @property
    def sets(self) -> dict[str, WeightSet]:
        """The weight sets by name."""
        return {n: r.weights for n, r in self.ratings.items()}

    @property
    def names(self) -> Mapping[str, Text]:
        """Names of nodes, tracks, levels and sets by code."""
        return {**self.base.names, **set_names(self.sets)}

    def headline(self) -> Text:
        """Return how many enterprises move under each set, most of them first."""
        labels, moved = set_names(self.sets), {}
        for name in [n for n in self.ratings if n != self.baseline]:
            matrix = transition_matrix(self.ratings[name], self.base)
            moved[name] = int(np.triu(matrix, 1).sum()), int(np.tril(matrix, -1).sum())
        # Sets of the years between and of earlier rounds only lead to those that count.
        final = [n for n in moved if "/" not in n] or list(moved)
        shown = sorted(final, key=lambda n: -sum(moved[n]))[:3]
        moves: list[Text] = [
            message("outcomes.comparison.moves", set=labels[f"set:{n}"], up=moved[n][0],
                    down=moved[n][1])
            for n in shown
        ]  # fmt: skip
        if len(final) > len(shown):
            moves.append(message("outcomes.comparison.further_sets", n=len(final) - len(shown)))
        return message(
            "outcomes.comparison.headline", size=len(self.base.scored),
            base=labels[f"set:{self.baseline}"], moves=joined(moves, message("words.semicolon")),
        )  # fmt: skip

    def table(self, name: str | None = None) -> Table:
        """Return a table by its name, or who moves and why."""
        return super().table("movers" if name is None else name)

    @cached_property
    def tables(self) -> Sequence[Table]:  # type: ignore[override]
        """Everything that is compared; see the class."""
        ratings, base = self.ratings, self.baseline
        nodes = node_star_table(ratings)
        agreement = agreement_table(ratings, base)
        agreement = agreement[agreement["set"] != base].reset_index(drop=True)
        tables = [
            Table("stars", star_table(ratings), message("rating.stars"), rows=0),
            Table("agreement", agreement, message("outcomes.comparison.agreement")),
            Table("movers", mover_table(ratings, base), message("outcomes.comparison.movers")),
            *self._downgrades(),
            Table("transitions", transition_table(ratings, base),
                  message("outcomes.comparison.transitions"), rows=0),
            Table("node-stars", nodes, message("outcomes.comparison.node_stars"), rows=60,
                  shown=by_star(nodes), declared=star_columns(self.base.framework.rule)),
            weight_table(self.sets, base, self._shown),
            Table("distances", distances(self.sets, base), message("outcomes.comparison.distances"),
                  blank=message("outcomes.comparison.infinite")),
            Table("provenance", provenance(self.sets), message("outcomes.comparison.provenance"),
                  shown=provenance(self.sets, said=True)),
        ]  # fmt: skip
        if len(self.base.scored) * len(ratings) <= MOST_ENTERPRISES:
            every = enterprise_table(ratings)
            tables.append(Table("enterprises", every, message("rating.enterprises"), rows=0))
        return (*tables, *(self.inference.tables if self.inference else ()))

    @cached_property
    def drawings(self) -> Sequence[Drawing]:  # type: ignore[override]
        """Star distributions, first-level weights, and a transition matrix for every set."""
        shown = self._shown
        # One or two moves are a sentence, not a matrix.
        others = [n for n in shown if self._moves(n) >= FEWEST_DRAWN][:MOST_TRANSITIONS]
        return (
            Drawing("stars", message("figures.stars"),
                    lambda lang: self._stars(star_table(self.ratings), shown, lang),
                    roles=(Role.COUNT,), table="stars",
                    redraw=lambda table, lang: self._stars(table, shown, lang)),
            Drawing("weights", message("outcomes.comparison.first_level"),
                    lambda lang: self._pillars(shown, lang), roles=(Role.WEIGHT,)),
            *(self._transition(n) for n in others),
        )  # fmt: skip

    @cached_property
    def notes(self) -> Sequence[Note]:  # type: ignore[override]
        """What the framework, the enterprises and the rule options say about the numbers."""
        return tuple(self._notes())

    def label(self, name: str) -> Text:
        """Return what tables and figures call a set; see :func:`calib.weights.set_names`."""
        return set_names(self.sets)[f"set:{name}"]

    def rated_label(self, name: str) -> Text:
        """Return a set's label and, where they grow, what its enterprises have become."""
        label = self.label(name)
        if name not in self.grown:
            return label
        return message("experiment.label_grown", label=label, grown=self.grown[name])

    @property
    def live(self) -> Live:
        """How a published page computes the comparison again."""
        tables = ("stars", "node-stars", "enterprises", "downgrades", "agreement", "movers",
                  "transitions")  # fmt: skip
        moves = {_transition_name(n): LiveFigure("transitions", {n: self.label(n)})
                 for n in self.ratings}  # fmt: skip
        return Live(
            [r.as_live(n, self.paths.get(n)) for n, r in self.ratings.items()],
            base=self.baseline,
            tables={n: n for n in tables},
            figures={
                "stars": LiveFigure("sets", {n: self.rated_label(n) for n in self._shown}),
                "weights": LiveFigure("weights", {n: self.label(n) for n in self._shown}),
                **moves,
            },
        )

    @property
    def _shown(self) -> list[str]:
        """Sets that figures show: not those that only lead to others."""
        return [n for n in self.ratings if "/" not in n or n == self.baseline]

    def _downgrades(self) -> Sequence[Table]:
        """Return the table of downgrades, where the rule has anything that downgrades."""
        if not self.base.framework.rule.holds_back:
            return ()
        title = message("outcomes.comparison.downgrades")
        return (Table("downgrades", downgrade_table(self.ratings), title),)

    def _moves(self, name: str) -> int:
        """Return how many enterprises another set moves."""
        matrix = transition_matrix(self.ratings[name], self.base)
        return int(matrix.sum() - np.trace(matrix))

    def _stars(self, table: pd.DataFrame, names: Sequence[str], lang: str) -> Any:
        """Draw the stars of all enterprises from the table of stars; texts in it are hidden."""
        import pandas as pd

        from calib.figures import star_distribution

        whole = table[(table["scope"] == "all") & table["set"].isin(names)]
        values = pd.to_numeric(whole["count"], errors="coerce")
        wide = whole.assign(count=values).pivot_table(
            index="set", columns="star", values="count", aggfunc="max", dropna=False
        )
        counts = wide.loc[list(names)]
        counts.columns = pd.Index([n.get(lang) for n in self.base.framework.rule.labels])
        counts.index = pd.Index([self.rated_label(n).get(lang) for n in names])
        scored = self.base.scored
        return star_distribution(
            counts, totals=[len(scored)] * len(names), lang=lang, synthetic=scored.synthetic
        )

    def _pillars(self, names: Sequence[str], lang: str) -> Any:
        import pandas as pd

        from calib.figures import weights_by_set

        track = next(iter(self.base.framework.tracks.values()))
        top = track.at_depth(1)
        table = pd.DataFrame(
            {self.label(n).get(lang): self.sets[n].local[track.code][top] for n in names},
            index=[track.nodes[i].name.get(lang) for i in top],
        )
        return weights_by_set(table, lang=lang)

    def _transition(self, name: str) -> Drawing:
        def draw(lang: str) -> Any:
            import pandas as pd

            from calib.figures import transitions

            labels = [n.get(lang) for n in self.base.framework.rule.labels]
            matrix = transition_matrix(self.ratings[name], self.base)
            return transitions(
                pd.DataFrame(matrix, index=labels, columns=labels),
                before=self.rated_label(self.baseline).get(lang),
                after=self.rated_label(name).get(lang),
                lang=lang,
                synthetic=self.base.scored.synthetic,
            )

        title = message("outcomes.comparison.transition_figure", before=self.label(self.baseline),
                        after=self.label(name))  # fmt: skip
        return Drawing(_transition_name(name), title, draw, roles=(Role.COUNT,))

    def _notes(self) -> Iterator[Note]:
        framework, scored = self.base.framework, self.base.scored
        if scored.made_up is not None:
            yield Note(scored.made_up, warning=True)
        yield from (Note(n) for n in (*framework.notes, *scored.notes))
        for option in RULE_OPTIONS:
            value = getattr(scored.rule_options, option.key)
            if value != getattr(framework.rule.defaults, option.key):
                question = option.question
                called = option_text(option.key, value)
                said = message("outcomes.comparison.option", question=question, value=called)
                yield Note(said)
        growing = [n for n in self.grown if "/" not in n]
        if growing:
            grown = [self.label(n) for n in growing]
            yield Note(message("outcomes.comparison.growing", sets=grown), warning=True)
        empty = [t for t in framework.tracks if t not in scored.samples]
        if empty:
            names = [framework.tracks[t].name for t in empty]
            yield Note(message("outcomes.comparison.empty", tracks=names))
        rule = framework.rule
        if not (rule.gates or rule.node_gates or rule.caps):
            yield Note(message("outcomes.comparison.no_gates"))


def _watched(found: ComparisonResult) -> pd.DataFrame:
    """Return the numbers whose range over samples is shown."""
    import pandas as pd

    counts = long_form(star_table(found.ratings), ["set", "scope", "star"], ["count"])
    agreement = agreement_table(found.ratings, found.baseline)
    agreement = agreement[agreement["set"] != found.baseline]
    watched = [c for c in ("up", "down", "downgraded") if c in agreement]
    moves = long_form(agreement, ["set", "scope"], watched)
    return pd.concat([counts, moves], ignore_index=True).astype({"star": "Int64"})


def _quick(
    baseline: WeightSet,
    candidate: Sets,
    population: Population,
    *,
    rule_options: RuleOptions | Mapping[str, str] | None = None,
    **options: Any,
) -> pd.DataFrame:
    """Return what :func:`_watched` does, without intervals and tests."""
    del options
    return _watched(_rated(baseline, candidate, population, rule_options))


@over_samples(_watched, _quick)
@takes(CompareRequest)
def compare(
    baseline: WeightSet,
    candidate: Sets,
    population: Population | Scored,
    *,
    rule_options: RuleOptions | Mapping[str, str] | None = None,
    rng: Seed = None,
    request: CompareRequest,
) -> ComparisonResult:
    """Compare the stars of enterprises under weight sets: who moves, why, and how sure.

    Parameters
    ----------
    baseline : the set that the others are compared with
    candidate : a set, several, or several by name; what a method gave stands for its weights, and
        a shift with growth rates the enterprises as they are assumed to have become
    population : the enterprises, as answers or as scores; or an ensemble of samples
    rule_options : answers to the open questions of the rule; the framework's defaults if None
    rng : seed or Generator of the bootstrap
    {options}

    Returns
    -------
    ComparisonResult
        The main table says who moves, what decides it and, where a set has draws, in which share
        of paired draws the enterprise moves that way.

    Raises
    ------
    InputError
        When the sets belong to another framework, the population has no attribute ``by``, or an
        enterprise has no answer that counts under a gated node.

    Examples
    --------
    >>> import calib
    >>> framework = calib.load_framework("aii")
    >>> published = calib.published_weights(framework)
    >>> more = published.with_weights({"DA": 0.5}, name="more-analytics")
    >>> firms = calib.generate_population(framework, 40, rng=1)
    >>> calib.compare(published, more, firms, rng=1).baseline
    'published'
    """
    found = _rated(baseline, candidate, population, rule_options)
    inference = infer(found.ratings, found.baseline, request, token(rng))
    paths = {
        n: p
        for n, c in given(candidate).items()
        if n not in found.grown and isinstance(p := _path(c), YearPath)
    }
    return replace(found, paths=paths, inference=inference)


def _rated(
    baseline: WeightSet,
    candidate: Sets,
    population: Population | Scored,
    rule_options: RuleOptions | Mapping[str, str] | None,
) -> ComparisonResult:
    """Return the ratings under all sets."""
    call = "compare(baseline, candidate, population)"
    expect(call, baseline=(baseline, WeightSet), population=(population, (Population, Scored)))
    candidates = named_sets(call, candidate)
    base = baseline.name
    if base in candidates and candidates[base].digest != baseline.digest:
        base = f"{base} (baseline)"
    sets = {base: baseline, **{n: w for n, w in candidates.items() if n != base}}
    scored = scored_enterprises(population, rule_options)
    check_framework(sets.values(), scored)
    grown = {n: g for n, c in given(candidate).items() if (g := _growth(c)) is not None}
    ratings = {
        n: rate(weights=w, population=grown[n].grow(scored) if n in grown else scored)
        for n, w in sets.items()
    }
    return ComparisonResult(ratings, base, {n: g.label for n, g in grown.items()})


def _growth(candidate: WeightSet | Weighed) -> Any:
    """Return what enterprises have become by the time of a result's weights, None if the same."""
    return getattr(candidate, "grown", {}).get("")


def _path(candidate: WeightSet | Weighed) -> Any:
    """Return the weights on the way to a result's weights, None if they did not move there."""
    return getattr(candidate, "path", None)


def _transition_name(name: str) -> str:
    """Return the name of the figure of a set's transitions."""
    return f"transitions-{name.replace('/', '-')}"
