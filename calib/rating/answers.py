"""From option answers to scores, under the rule options of option scores and missing answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from calib._types import BoolArray, FloatArray
from calib.errors import Faults, InputError
from calib.framework import Framework, Item, Name, RuleOptions, Track
from calib.population import Labels, Population
from calib.words import Text, message

__all__ = ["Scored", "ScoredSample", "option_scores", "score_answers"]


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
    """A population's scores under given rule options; ``notes`` says what was filled in."""

    framework: Framework
    rule_options: RuleOptions
    samples: Mapping[str, ScoredSample]
    label: str
    synthetic: bool
    digest: str
    notes: tuple[Text, ...] = ()
    one_of_many: bool = False

    def __len__(self) -> int:
        return sum(len(s) for s in self.samples.values())

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
        (evenly up to ``high``, the lowest option one step above ``low``) or ``given``
        (from the framework file)

    Examples
    --------
    >>> option_scores(Item("quantitative", 5), "even-from-0").tolist()
    [0.0, 25.0, 50.0, 75.0, 100.0]
    >>> option_scores(Item("quantitative", 5), "even-to-100").tolist()
    [20.0, 40.0, 60.0, 80.0, 100.0]
    """
    k = item.options
    if option == "given":
        if item.scores is None:
            raise InputError(message("faults.the_item_states_no_option"))
        return np.array(item.scores, dtype=float)
    steps = np.arange(k) / (k - 1) if option == "even-from-0" else np.arange(1, k + 1) / k
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
    notes = list(population.notes)
    samples: dict[str, ScoredSample] = {}
    for t, sample in population.samples.items():
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
    return Scored(
        framework,
        rule_options,
        samples,
        population.label,
        population.synthetic,
        population.digest,
        tuple(notes),
        population.one_of_many,
    )


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
        answered = ~np.isnan(values[:, j])
        X[answered, j] = table[values[answered, j].astype(np.int64) - 1]
    return X


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
        notes.append(Name(
            f"{track.name.zh}：{count} 个未作答题目按 {low:g} 分计",
            f"{count} unanswered items of track {track.code} scored {low:g}",
        ))  # fmt: skip
    elif rule_options.missing == "renormalise":
        notes.append(Name(
            f"{track.name.zh}：{count} 个未作答题目不计，其权重按比例分给已作答的同级指标",
            f"{count} unanswered items of track {track.code} left out, their weight given to "
            "answered siblings in proportion",
        ))  # fmt: skip
    else:
        for i, j in zip(*np.nonzero(missing), strict=True):
            faults.add(
                f"enterprise {ids[i]}",
                message("faults.item_is_unanswered", leaf_codes=track.leaf_codes[j]),
                expected=message("faults.an_answer_or_the_rule_option"),
            )
