"""Options of an experiment in the reader's words: what a dotted key names, and its value."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from calib.experiment.spec import DECISION, Experiment
from calib.framework import RULE_OPTIONS
from calib.words import Text, joined, message
from calib.words.catalogue import template

__all__ = ["said_option", "said_value"]


def said_option(key: str, experiment: Experiment) -> Text:
    """Return what a dotted key names.

    Parameters
    ----------
    key : such as ``sets.panel.pooling`` or ``outcomes.acceptability.size``
    experiment : whose sets have labels

    Examples
    --------
    >>> from calib.experiment import load_experiment
    >>> experiment = load_experiment("expert-panel")
    >>> said_option("sets.panel-geometric.pooling", experiment).get("en")
    'weight set “expert panel, geometric mean (synthetic)” · pooling of opinions'
    """
    room, _, rest = key.partition(".")
    if room == "rule_options":
        return {o.key: o.question for o in RULE_OPTIONS}.get(rest) or joined([_words(rest)])
    if room == "population" and rest:
        return joined([message("experiment.protocol.population"), *_each(rest)], _BETWEEN)
    if room == "sets":
        name = _name_in(rest, [entry.name for entry in experiment.sets])
        labels = {entry.name: entry.label for entry in experiment.sets}
        place: Text | str = message("experiment.protocol.set", set=labels.get(name) or name)
        rest = rest[len(name) + 1 :]
    elif room == "outcomes":
        name, _, rest = rest.partition(".")
        place = message("experiment.protocol.analysis", name=_title(name))
    elif room == DECISION:
        place = _title(DECISION)
    else:
        return joined([_words(room)])
    return joined([place, *(_each(rest) if rest else [])], _BETWEEN)


def said_value(key: str, value: Any) -> Any:
    """Return the value of an option: as the file writes it, or in words where there are some."""
    if value is None:
        return message("experiment.protocol.nothing")
    if isinstance(value, bool):
        return message(f"experiment.protocol.{'true' if value else 'false'}")
    room, _, option = key.partition(".")
    if room == "rule_options" and template(f"rule_option_values.{option}.{value}", "en"):
        return message(f"rule_option_values.{option}.{value}")
    if isinstance(value, list) and value and all(isinstance(v, str | int | float) for v in value):
        return joined([said_value("", v) for v in value])
    if isinstance(value, Mapping):
        return message("experiment.protocol.options", n=len(value))
    return value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)


_BETWEEN = " · "


def _title(analysis: str) -> Text | str:
    key = f"sections.{analysis}"
    return message(key) if template(key, "en") else analysis


def _each(path: str) -> list[Text | str]:
    return [_words(part) for part in path.split(".")]


def _words(option: str) -> Text | str:
    """Return the words of one option; names that somebody gave, as of a case, stay as they are."""
    key = f"option_names.{option}"
    return message(key) if template(key, "en") else option


def _name_in(rest: str, names: list[str]) -> str:
    """Return the set with which a key begins; names may have dots in them."""
    found = [n for n in names if rest == n or rest.startswith(f"{n}.")]
    return max(found, key=len) if found else rest.partition(".")[0]
