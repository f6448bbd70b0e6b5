"""How a star comes about: a worked example, generated from the framework's file."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np

from calib.errors import InputError
from calib.framework import Framework, RuleOptions
from calib.framework.conditions import Cap
from calib.framework.rule_words import condition_words, rule_words
from calib.population import Population, generate_population
from calib.rating.gates_and_caps import cap_stars, score_of
from calib.rating.rate import rate
from calib.rating.rating_result import RatedSample, Rating
from calib.rating.stars import band_index, effective_local, gates_reached
from calib.report import Column, Note, Result, Role, Table
from calib.requests import answered, expect
from calib.weights import published_weights
from calib.words import Text, message, resolve_language

__all__ = ["StarExplained", "explain_rule", "explain_star"]

_CROWD = 200
"""Made-up enterprises of a track from which the one that shows most of the rule is taken."""


@dataclass(frozen=True, eq=False, repr=False)
class StarExplained(Result):
    """One enterprise's way to its star, step by step.

    Attributes
    ----------
    row : its row in ``sample``
    lang : language of the words in the tables
    made_up : whether it is an example
    """

    rating: Rating
    sample: RatedSample
    row: int
    lang: str
    made_up: bool

    @property
    def framework(self) -> Framework:
        """The framework, with the bands that its enterprises give if it has such."""
        return self.rating.framework

    def headline(self) -> Text:
        """Return the enterprise and its star."""
        star = self.framework.rule.labels[int(self.sample.star[self.row])]
        name = str(self.sample.names[self.row])
        return message("rating.explain_headline", enterprise=name, star=star)

    @property
    def notes(self) -> tuple[Note, ...]:  # type: ignore[override]
        """The rule in sentences."""
        year = self.rating.rule_options.year
        # As its file states it: bands that come from enterprises are in the steps.
        stated = self.rating.weights.framework
        lines = rule_words(stated, self.sample.track.code, year)
        first = (Note(message("rating.explain_made_up"), warning=True),) if self.made_up else ()
        return (*first, *(Note(line) for line in lines))

    @cached_property
    def tables(self) -> tuple[Table, ...]:  # type: ignore[override]
        """Answers and scores, scores up the tree, and the steps from scores to the star."""
        return (self._items(), self._nodes(), self._steps())

    def _text(self, key: str, **values: Any) -> str:
        return message(f"rating.{key}", **values).get(self.lang)

    def _items(self) -> Table:
        import pandas as pd

        track = self.sample.track
        scored = self.rating.scored.samples[track.code]
        rows = [(track.codes[leaf], scored.X[self.row, j]) for j, leaf in enumerate(track.leaves)]
        frame = pd.DataFrame(rows, columns=["node", "score"])
        return Table("items", frame, message("rating.explain_items"), len(rows))

    def _nodes(self) -> Table:
        import pandas as pd

        track, first = self.sample.track, self.framework.rule.first
        X = self.rating.scored.samples[track.code].X[self.row]
        local = effective_local(track, self.rating.weights.local[track.code], ~np.isnan(X))
        rows = [
            (node.code, local[i], self.sample.scores[self.row, i],
             int(star) + first if (star := self.sample.node_stars[self.row, i]) >= 0 else None)
            for i, node in enumerate(track.nodes)
        ]  # fmt: skip
        columns = ["node", "local_weight", "score", "star"]
        frame = pd.DataFrame(rows, columns=columns).astype({"star": "Int64"})
        return Table("nodes", frame, message("rating.explain_nodes"), len(rows))

    def _steps(self) -> Table:
        import pandas as pd

        step, value = "rating.explain_step", "rating.explain_value"
        needed = "rating.explain_needed"
        declared = (
            Column(step, Role.TEXT, label=message(step)),
            Column(value, Role.SCORE, "points", label=message(value)),
            Column(needed, Role.TEXT, label=message(needed)),
        )
        frame = pd.DataFrame(self._way(), columns=[step, value, needed])
        title = message("rating.explain_steps")
        return Table("steps", frame, title, len(frame), declared=declared)

    def _way(self) -> list[tuple[str, float, str]]:
        """Return each step: what it is about, its number, and the star that it allows."""
        s, i, rule = self.sample, self.row, self.framework.rule
        track, options = s.track, self.rating.rule_options
        labels = [n.get(self.lang) for n in rule.labels]
        thresholds = rule.effective(options, track.code)
        out = []
        if rule.bands_of(track.code, options.year):
            band = int(band_index(s.total[i : i + 1], thresholds.band)[0])
            out.append((self._text("step_total"), float(s.total[i]), labels[band]))
        if s.moved is not None and thresholds.compensation is not None:
            for code, points in zip(thresholds.compensation.nodes, s.moved[i], strict=False):
                name = self.framework.node(code).name
                out.append((self._text("step_moved", node=name), float(points), ""))
        capping = {track.index[c] for c in thresholds.capping if c in track.index}
        for p, (node, gates) in enumerate(zip(s.gated, s.gates, strict=True)):
            if not np.isfinite(gates).any() or np.isnan(s.scores[i, node]) or node in capping:
                continue
            score = s.scores[i, node] + self._gain(int(node))
            reached = int(gates_reached(np.array([[score]]), s.gates[p : p + 1])[0, 0])
            name = track.nodes[node].name
            out.append((self._text("step_gate", node=name), float(score), labels[reached]))
        for cap in self._caps():
            when = cap.name or condition_words(cap.when, self.framework)
            out.append((self._text("step_cap", when=when), float("nan"), labels[cap.top]))
        out.append((self._text("step_star"), float("nan"), labels[int(s.star[i])]))
        return out

    def _caps(self) -> list[Cap]:
        """Return the caps that hold, as the file states them, also those rated as gates."""
        s, rule, year = self.sample, self.framework.rule, self.rating.rule_options.year
        caps = [c for c in rule.caps if c.scope.holds(s.track.code, year)]
        own = s.scores[self.row : self.row + 1]
        _, holds = cap_stars(caps, partial(score_of, s.track, own), 1, rule.stars - 1)
        return [cap for cap, held in zip(caps, holds[0], strict=True) if held]

    def _gain(self, node: int) -> float:
        """Return the points that a part has gained from its neighbours."""
        how = self.framework.rule.compensation
        code = self.sample.track.codes[node]
        if how is None or self.sample.moved is None or code not in how.nodes:
            return 0.0
        moves, at = self.sample.moved[self.row], how.nodes.index(code)
        got = float(moves[at - 1]) if at else 0.0
        return got - (float(moves[at]) if at < len(moves) else 0.0)


@answered
def explain_star(rating: Rating, enterprise: str, *, lang: str | None = None) -> StarExplained:
    """Explain how one enterprise came to its star.

    Parameters
    ----------
    rating : from :func:`calib.rate`
    enterprise : its id
    lang : language of the words in the tables; the current one if None

    Raises
    ------
    InputError
        For an id that was not rated.
    """
    expect("explain_star(rating, enterprise)", rating=(rating, Rating))
    for sample in rating.samples.values():
        rows = np.flatnonzero(sample.ids.astype(str) == str(enterprise))
        if len(rows):
            return StarExplained(rating, sample, int(rows[0]), resolve_language(lang), False)
    raise InputError(message("rating.no_such_enterprise", enterprise=repr(enterprise)))


def explain_rule(
    framework: Framework,
    *,
    track: str | None = None,
    rule_options: RuleOptions | dict[str, str] | None = None,
    lang: str | None = None,
) -> StarExplained:
    """Explain the rule of a framework by a made-up enterprise that shows most of it.

    Parameters
    ----------
    track : the first one if None
    rule_options : the framework's defaults if None
    lang : language of the words in the tables; the current one if None

    Notes
    -----
    Of 200 made-up enterprises (always the same ones) the first is taken for which a cap holds, else
    the first that a gate costs a star, else the middle one.
    """
    expect("explain_rule(framework)", framework=(framework, Framework))
    code = track if track is not None else next(iter(framework.tracks))
    if code not in framework.tracks:
        raise InputError(message("rating.no_such_track", track=repr(code)))
    crowd: Population = generate_population(framework, {code: _CROWD}, rng=7)
    options = framework.rule.read(rule_options)
    rating = rate(published_weights(framework), crowd, rule_options=options)
    sample = rating.samples[code]
    capped, lowered = np.flatnonzero(sample.capped.any(axis=1)), np.flatnonzero(sample.downgraded)
    middle = [int(np.argsort(sample.total, kind="stable")[len(sample.total) // 2])]
    row = next(int(rows[0]) for rows in (capped, lowered, middle) if len(rows))
    return StarExplained(rating, sample, row, resolve_language(lang), True)
