"""From option answers to scores, under the rule options of option scores and missing answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from calib._types import BoolArray, FloatArray
from calib.errors import Faults, InputError
from calib.framework import Coverage, Framework, Item, RuleOptions, Track
from calib.framework.conditions import Scope, Variant
from calib.population import Labels, Population, Sample
from calib.rating.clusters import cluster_bands
from calib.rating.stars import effective_local, node_scores
from calib.words import Text, message

__all__ = ["NotRated", "Scored", "ScoredSample", "option_scores", "score_answers"]


@dataclass(frozen=True)
class NotRated:
    """An enterprise that has answered too little to be rated, and what it lacks."""

    track: str
    id: str
    name: str
    reason: Text


@dataclass(frozen=True, eq=False)
class ScoredSample:
    """Scores of the enterprises of one track.

    Attributes
    ----------
    X : (n, L) scores in points; unanswered items stand as the lowest score where the rule option
        says so, and as NaN under ``renormalise``
    """

    track: Track
    ids: Labels
    names: Labels
    X: FloatArray
    attributes: Mapping[str, Labels]

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, rows: BoolArray) -> ScoredSample:
        """Return some of the enterprises, by a mask."""
        attributes = {k: v[rows] for k, v in self.attributes.items()}
        return ScoredSample(self.track, self.ids[rows], self.names[rows], self.X[rows], attributes)

    @property
    def complete(self) -> bool:
        """Whether every item has a score."""
        return not bool(np.isnan(self.X).any())

    def require_complete(self, what: str) -> FloatArray:
        """Return ``X``, or raise :class:`InputError` where answers are missing.

        Parameters
        ----------
        what : the analysis that needs complete answers, for the message
        """
        rows = np.flatnonzero(np.isnan(self.X).any(axis=1))
        if len(rows):
            shown = ", ".join(str(self.ids[i]) for i in rows[:5])
            raise InputError(
                message(
                    "faults.needs_complete_answers_but_enterprises",
                    what=what,
                    n=len(rows),
                    code=self.track.code,
                    shown=shown,
                    more=" …" if len(rows) > 5 else "",
                )
            )
        return self.X


@dataclass(frozen=True, eq=False)
class Scored:
    """A population's scores under given rule options.

    Attributes
    ----------
    framework : the population's; where the rule takes its bands from the enterprises, with them
    notes : what was filled in
    not_rated : enterprises without the least coverage, which are not in ``samples``
    """

    framework: Framework
    rule_options: RuleOptions
    samples: Mapping[str, ScoredSample]
    label: str
    synthetic: bool
    digest: str
    notes: tuple[Text, ...] = ()
    one_of_many: bool = False
    not_rated: tuple[NotRated, ...] = ()

    def __len__(self) -> int:
        return sum(len(s) for s in self.samples.values())

    def under(self, framework: Framework) -> Scored:
        """Return the same scores under a framework of the same trees with another rule.

        Bands that come from the enterprises are found again.

        Raises
        ------
        InputError
            When the trees differ.
        """
        self.framework.same_trees(framework)
        samples = {t: replace(s, track=framework.tracks[t]) for t, s in self.samples.items()}
        options = framework.rule.read(self.rule_options)
        ruled = _with_cluster_bands(framework, samples)
        return replace(self, framework=ruled, samples=samples, rule_options=options)

    @property
    def made_up(self) -> Text | None:
        """What a reader has to know where no real enterprise is among them."""
        if not self.synthetic:
            return None
        key = "one_of_many" if self.one_of_many else "synthetic"
        return message(f"rating.{key}", label=self.label)

    def __repr__(self) -> str:
        sizes = ", ".join(f"{t} {len(s)}" for t, s in self.samples.items())
        return f"<Scored {self.label!r}: {len(self)} ({sizes})>"


def option_scores(item: Item, option: str, low: float = 0, high: float = 100) -> FloatArray:
    """Return the scores of an item's options.

    Parameters
    ----------
    option : ``even-from-0`` (k options evenly from ``low`` to ``high``), ``even-to-100``
        (evenly up to ``high``, the lowest option one step above ``low``), ``half-steps`` (each
        option in two degrees, evenly up to ``high``) or ``given`` (from the framework file)

    Notes
    -----
    Under ``half-steps`` a graded item scores as under ``even-to-100``, degree by degree. An answer
    whose degree was not recorded counts as the lower one of its option, half a step under
    ``even-to-100``, which is the higher one: the two enclose what the degrees could give.

    Examples
    --------
    >>> option_scores(Item("quantitative", 5), "even-from-0").tolist()
    [0.0, 25.0, 50.0, 75.0, 100.0]
    >>> option_scores(Item("quantitative", 5), "even-to-100").tolist()
    [20.0, 40.0, 60.0, 80.0, 100.0]
    >>> option_scores(Item("quantitative", 5), "half-steps").tolist()
    [10.0, 30.0, 50.0, 70.0, 90.0]
    >>> option_scores(Item("graded", 10, degrees=2), "half-steps").tolist()
    [10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0, 100.0]
    """
    if option == "given":
        if item.scores is None:
            raise InputError(message("faults.the_item_states_no_option"))
        return np.array(item.scores, dtype=float)
    k = len(item.answers)
    # Nothing ticked on a checklist is the low end whatever the option.
    from_low = option == "even-from-0" or item.kind == "checklist"
    steps = np.arange(k) / (k - 1) if from_low else np.arange(1, k + 1) / k
    if option == "half-steps" and item.kind in ("quantitative", "qualitative"):
        steps = np.arange(1, 2 * k, 2) / (2 * k)
    return np.asarray(low + (high - low) * steps, dtype=float)


def score_answers(population: Population, rule_options: RuleOptions | None = None) -> Scored:
    """Turn a population's values into scores.

    Raises
    ------
    InputError
        For unanswered items under ``missing = "error"`` (all of them named), and for
        items without stated scores under ``option_score = "given"``.
    """
    framework = population.framework
    rule = framework.rule
    rule_options = rule.defaults if rule_options is None else rule_options
    faults = Faults(population.label)
    notes: list[Text] = list(population.notes)
    samples: dict[str, ScoredSample] = {}
    left_out: list[NotRated] = []
    for t, given in population.samples.items():
        sample = _covered(given, rule.coverage, left_out)
        if not len(sample):
            continue
        X = (
            np.array(sample.values)
            if population.kind == "scores"
            else _score(sample.track, sample.values, framework, rule_options, faults)
        )
        missing = np.isnan(sample.values)
        if missing.any():
            _treat_missing(
                X, missing, sample.track, sample.ids, rule_options, rule.low, faults, notes
            )
        samples[t] = ScoredSample(sample.track, sample.ids, sample.names, X, sample.attributes)
    faults.raise_if_any()
    if left_out and not samples:
        raise InputError(message("rating.none_rated", n=len(left_out)))
    if left_out:
        notes.append(message("rating.not_rated_note", n=len(left_out)))
    return Scored(
        _with_cluster_bands(framework, samples),
        rule_options,
        samples,
        population.label,
        population.synthetic,
        population.digest,
        tuple(notes),
        population.one_of_many,
        tuple(left_out),
    )


def _covered(sample: Sample, coverage: Coverage | None, out: list[NotRated]) -> Sample:
    """Return the enterprises with the least coverage; the others are noted in ``out``."""
    if coverage is None:
        return sample
    track, answered = sample.track, ~np.isnan(sample.values)
    lacks: list[tuple[BoolArray, Text]] = []
    share = answered.mean(axis=1)
    lacks.append(
        (
            share < coverage.items - 1e-12,
            message("rating.lacks_items", least=f"{coverage.items:.0%}"),
        )
    )
    for codes, least in coverage.nodes:
        inside = [track.index[c] for c in codes if c in track.index]
        scored = (answered @ track.membership(inside).T.astype(float) > 0).sum(axis=1)
        names = [track.nodes[i].name for i in inside]
        lacks.append((scored < least, message("rating.lacks_nodes", n=least, nodes=names)))
    keep = np.ones(len(sample), dtype=bool)
    for lacking, reason in lacks:
        for i in np.flatnonzero(lacking & keep):
            out.append(NotRated(track.code, str(sample.ids[i]), str(sample.names[i]), reason))
        keep &= ~lacking
    return sample if keep.all() else sample.take(keep)


def _with_cluster_bands(framework: Framework, samples: Mapping[str, ScoredSample]) -> Framework:
    """Return the framework with the bands that the enterprises give under the published weights."""
    rule = framework.rule
    if rule.clusters is None:
        return framework
    variants = []
    for t, sample in samples.items():
        total = _totals(sample, framework.published[t])
        bands = cluster_bands(total, rule.stars, rule.clusters.strict)
        variants.append(Variant(Scope((t,)), bands))
    rule = replace(rule, variants=(*rule.variants, *variants), clusters=None)
    return replace(framework, rule=rule)


def _totals(sample: ScoredSample, local: FloatArray) -> FloatArray:
    """Return totals (n,), the weight of unanswered items given to their answered siblings."""
    track, out = sample.track, np.empty(len(sample))
    patterns, group = np.unique(~np.isnan(sample.X), axis=0, return_inverse=True)
    top = track.families[0].members
    for k, answered in enumerate(patterns):
        rows = group.ravel() == k
        own = effective_local(track, local, answered)
        out[rows] = node_scores(track, np.nan_to_num(sample.X[rows]), own)[:, top] @ own[top]
    return out


def _score(
    track: Track,
    values: FloatArray,
    framework: Framework,
    rule_options: RuleOptions,
    faults: Faults,
) -> FloatArray:
    X = np.full(values.shape, np.nan)
    for j, leaf in enumerate(track.leaves):
        item = track.nodes[leaf].item
        if item is None:
            continue
        answered = ~np.isnan(values[:, j])
        if item.kind == "number":
            X[answered, j] = _of_number(item, values[answered, j])
            continue
        if rule_options.option_score == "given" and item.scores is None:
            faults.add(
                track.codes[leaf],
                message("faults.the_framework_states_no_option"),
                expected=message("faults.item_scores_in_the_framework"),
            )
            continue
        table = option_scores(
            item, rule_options.option_score, framework.rule.low, framework.rule.high
        )
        X[answered, j] = table[values[answered, j].astype(np.int64) - item.answers[0]]
    return X


def _of_number(item: Item, values: FloatArray) -> FloatArray:
    """Return the scores of numbers: themselves, or on a line between the stated scores."""
    if item.scores is None or item.span is None:
        return values
    (a, b), (low, high) = item.span, item.scores
    return low + (high - low) * (values - a) / (b - a)


def _treat_missing(
    X: FloatArray,
    missing: BoolArray,
    track: Track,
    ids: Labels,
    rule_options: RuleOptions,
    low: float,
    faults: Faults,
    notes: list[Text],
) -> None:
    count = int(missing.sum())
    if rule_options.missing == "zero":
        X[missing] = low
        points = f"{low:g}"
        notes.append(message("rating.scored_low", track=track.name, n=count, points=points))
    elif rule_options.missing == "renormalise":
        notes.append(message("rating.left_out", track=track.name, n=count))
    else:
        for i, j in zip(*np.nonzero(missing), strict=True):
            faults.add(
                f"enterprise {ids[i]}",
                message("faults.item_is_unanswered", leaf_codes=track.leaf_codes[j]),
                expected=message("faults.an_answer_or_the_rule_option"),
            )
