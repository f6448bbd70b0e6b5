"""From option answers to scores, under the rule options of option scores and missing answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from calib._types import BoolArray, FloatArray
from calib.errors import Faults, InputError
from calib.framework import Coverage, Framework, Item, RuleOptions, Track
from calib.population import Population, Sample, draw_answers
from calib.rating.clusters import with_cluster_bands
from calib.rating.gates_and_caps import required_nodes
from calib.rating.scored import Imputed, NotRated, Scored, ScoredSample
from calib.words import Text, message

__all__ = ["option_scores", "score_answers"]


FEW_TO_IMPUTE = 24
"""Enterprises of a track below which intervals from imputed answers are noticeably too narrow."""


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
        sample = _ratable(sample, rule_options, framework, left_out)
        if not len(sample):
            continue

        def scores(values: FloatArray, sample: Sample = sample) -> FloatArray:
            if population.kind == "scores":
                return np.array(values)
            return _score(sample.track, values, framework, rule_options, faults)

        X, imputed = scores(sample.values), None
        if np.isnan(sample.values).any():
            X, imputed = _treated(X, sample, population, rule_options, scores, faults, notes)
        samples[t] = ScoredSample(
            sample.track, sample.ids, sample.names, X, sample.attributes, imputed
        )
    faults.raise_if_any()
    if left_out and not samples:
        raise InputError(message("rating.none_rated", n=len(left_out)))
    if left_out:
        notes.append(message("rating.not_rated_note", n=len(left_out)))
    return Scored(
        with_cluster_bands(framework, samples),
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
    return _without(sample, lacks, out)


def _ratable(
    sample: Sample, rule_options: RuleOptions, framework: Framework, out: list[NotRated]
) -> Sample:
    """Return the enterprises that the treatment of gaps can rate; the others are noted."""
    gaps, track = np.isnan(sample.values), sample.track
    if not gaps.any() or rule_options.missing not in ("leave-out", "renormalise", "impute"):
        return sample
    lacks: list[tuple[BoolArray, Text]] = []
    if rule_options.missing == "leave-out":
        lacks.append((np.asarray(gaps.any(axis=1)), message("rating.lacks_an_answer")))
    else:
        lacks.append((np.asarray(gaps.all(axis=1)), message("rating.lacks_all")))
    if rule_options.missing == "renormalise":
        for i in required_nodes(track, framework.rule.effective(rule_options, track.code)):
            nothing = np.asarray(gaps[:, track.membership([int(i)])[0]].all(axis=1))
            lacks.append((nothing, message("rating.lacks_node", node=track.nodes[i].name)))
    return _without(sample, lacks, out)


def _without(
    sample: Sample, lacks: Sequence[tuple[BoolArray, Text]], out: list[NotRated]
) -> Sample:
    """Return the enterprises that lack nothing; the others are noted, with what they lack first."""
    keep = np.ones(len(sample), dtype=bool)
    for lacking, reason in lacks:
        for i in np.flatnonzero(lacking & keep):
            out.append(
                NotRated(sample.track.code, str(sample.ids[i]), str(sample.names[i]), reason)
            )
        keep &= ~lacking
    return sample if keep.all() else sample.take(keep)


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


def _treated(
    X: FloatArray,
    sample: Sample,
    population: Population,
    rule_options: RuleOptions,
    scores: Callable[[FloatArray], FloatArray],
    faults: Faults,
    notes: list[Text],
) -> tuple[FloatArray, Imputed | None]:
    """Return scores (n, L) with gaps as the rule option treats them, and what was drawn."""
    rule, how, track = population.framework.rule, rule_options.missing, sample.track
    gaps = np.isnan(sample.values)
    said = {"track": track.name, "n": int(gaps.sum())}
    if how == "zero":
        notes.append(message("rating.scored_low", points=f"{rule.low:g}", **said))
        return np.where(gaps, rule.low, X), None
    if how in ("worst", "best"):
        notes.append(message(f"rating.scored_{how}", **said))
        ends = _ends(track, population, rule_options)[how == "best"]
        return np.where(gaps, ends, X), None
    if how == "impute":
        drawn = draw_answers(sample, rule.low, rule.high, answers=population.kind == "answers")
        assert drawn is not None
        notes.append(message("rating.imputed", draws=len(drawn.values), **said))
        if len(sample) < FEW_TO_IMPUTE:
            notes.append(message("rating.imputed_few", track=track.name, n=len(sample)))
        if drawn.empty:
            notes.append(message("rating.imputed_evenly", track=track.name, codes=drawn.empty))
        X = X.copy()
        X[drawn.rows] = scores(drawn.middle())
        return X, Imputed(drawn.rows, np.stack([scores(v) for v in drawn.values]))
    if how == "renormalise":
        notes.append(message("rating.left_out", **said))
        return X, None
    for i, j in zip(*np.nonzero(gaps), strict=True):
        faults.add(
            message("faults.at_enterprise", id=sample.ids[i]),
            message("faults.item_is_unanswered", leaf_codes=track.leaf_codes[j]),
            expected=message("faults.an_answer_or_the_rule_option"),
        )
    return X, None


def _ends(
    track: Track, population: Population, rule_options: RuleOptions
) -> tuple[FloatArray, FloatArray]:
    """Return the lowest and the highest score (L,) that an answer to each item can have."""
    rule = population.framework.rule
    low, high = np.full(len(track.leaves), rule.low), np.full(len(track.leaves), rule.high)
    if population.kind == "scores":
        return low, high
    for j, leaf in enumerate(track.leaves):
        item = track.nodes[leaf].item
        if item is None or (item.kind == "number" and item.scores is None):
            continue
        given = rule_options.option_score == "given" or item.kind == "number"
        if given and item.scores is None:
            continue  # said already: the framework states no scores
        scores = item.scores if given else option_scores(
            item, rule_options.option_score, rule.low, rule.high)  # fmt: skip
        low[j], high[j] = np.min(scores), np.max(scores)
    return low, high
