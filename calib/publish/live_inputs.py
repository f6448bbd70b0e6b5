"""What the outputs of a live notebook were computed from: ratings, weights, rules and scores."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from calib.figures import ink_on, star_colours
from calib.framework import Framework
from calib.outcomes.tipping import YearPath
from calib.publish.engine import choices_data, rule_data, score_rows, text_data, track_data
from calib.rating import Scored
from calib.report import LiveRating
from calib.weights import WeightSet
from calib.words import current_language

__all__ = ["Inputs"]


class Inputs:
    """Weights, frameworks and scores behind an output, each by a key that its contents give."""

    def __init__(self) -> None:
        self.found: dict[str, dict[str, Any]] = {
            "frameworks": {}, "populations": {}, "sets": {}, "ratings": {},
        }  # fmt: skip

    def rating(self, rating: LiveRating) -> str:
        """Keep a rating and what it is made from; return its key."""
        framework = self._framework(rating.scored.framework)
        return self._kept("ratings", {
            "set": self._set(rating.weights, framework, rating.path),
            "population": self._population(rating.scored, framework),
            "check": rating.check,
        })  # fmt: skip

    def _kept(self, kind: str, data: Mapping[str, Any]) -> str:
        text = json.dumps(data, sort_keys=True, ensure_ascii=False)
        key = kind[0] + hashlib.sha256(text.encode()).hexdigest()[:10]
        self.found[kind][key] = data
        return key

    def _framework(self, framework: Framework) -> str:
        lang, rule = current_language(), framework.rule
        colours = star_colours(rule.stars)
        return self._kept("frameworks", {
            "rule": rule_data(rule),
            "holdsBack": rule.holds_back,
            "beyondGates": bool(rule.beyond_gates()),
            "choices": choices_data(framework),
            "tracks": [track_data(t) for t in framework.tracks.values()],
            "shared": list(framework.shared),
            "top": (framework.levels[0][1] if framework.levels else framework.name).get(lang),
            "names": {code: n.get(lang) for code, n in framework.names.items()},
            "english": [n.en for n in rule.labels],
            "levels": {code: text_data(n) for code, n in framework.levels},
            "colours": list(colours),
            "inks": [ink_on(c) for c in colours],
        })  # fmt: skip

    def _population(self, scored: Scored, framework: str) -> str:
        return self._kept("populations", {
            "framework": framework,
            "options": {**scored.rule_options.as_dict(), "year": scored.rule_options.year},
            "synthetic": scored.synthetic,
            "samples": {
                t: {"ids": [str(i) for i in s.ids], "names": [str(n) for n in s.names],
                    "X": score_rows(s.X)}
                for t, s in scored.samples.items()
            },
        })  # fmt: skip

    def _set(self, weights: WeightSet, framework: str, path: YearPath | None) -> str:
        data: dict[str, Any] = {
            "name": weights.name, "label": weights.label.get(current_language()),
            "digest": weights.digest, "framework": framework, "local": _local(weights.local),
        }  # fmt: skip
        if path is not None:
            first, last = (round(y) for y in path.years)
            years = list(range(first, last + 1))
            at = (np.array(years) - path.years[0]) / (path.years[1] - path.years[0])
            moving = {t: path.local(t, at) for t in weights.local}
            data["years"] = years
            data["path"] = [_local({t: w[i] for t, w in moving.items()}) for i in range(len(years))]
        return self._kept("sets", data)


def _local(weights: Mapping[str, Any]) -> dict[str, list[float]]:
    return {t: [float(x) for x in v] for t, v in weights.items()}
