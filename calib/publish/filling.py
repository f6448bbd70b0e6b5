"""What a notebook is filled with: the data and options of an experiment, in place of its own.

A notebook calls calib as anybody would, on names of shipped data. When it is published for an
experiment, its parameters hold the experiment's enterprises, panels, surveys, weights and options
instead, and results show no more than privacy allows.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from calib.experiment import Experiment, load_experiment
from calib.experiment.context import Context
from calib.experiment.registry import find_source
from calib.experiment.run import make_sets
from calib.experiment.spec import SetEntry
from calib.publish.cells import count_cells
from calib.publish.live import record
from calib.publish.privacy import Privacy, read_key
from calib.publish.protection import Protection, protect, read_protection
from calib.publish.release import Baseline, mentions
from calib.rating import Rating, rate
from calib.report import limit_to
from calib.words import set_language

__all__ = ["Chain", "chains", "filled"]


def filled(
    names: Iterable[str],
    experiment: str,
    *,
    language: str = "zh",
    privacy: Mapping[str, Any] | None = None,
    of: str = "",
    entry: str = "",
    hidden: str = "",
    live: bool = False,
) -> dict[str, Any]:
    """Return the values of a notebook's parameters, and put the privacy in force.

    Parameters
    ----------
    names : the parameters that the notebook has
    experiment : its file, or the name of a shipped one
    privacy : ``key_file`` and ``min_count``; None shows everything
    of : what the notebook is about: a source of weights, ``"chain"``, or ``""``
    entry : the set of that source
    hidden : file of what the run's pages hide, see :meth:`calib.publish.protection.Protection
        .record`; the baseline is protected by itself if empty
    live : whether results note what they were computed from, for the page; where the publication
        is anonymous only for enterprises that stand under pseudonyms, where small counts are
        suppressed not at all
    """
    set_language(language)
    given = dict(privacy or {})
    key = read_key(given["key_file"]) if given.get("key_file") else None
    allowed = Privacy(key, int(given.get("min_count", 1)))
    loaded = load_experiment(experiment)
    context = make_sets(loaded, _needed(loaded, of, entry), prepare=allowed.prepare)
    base = context.set(loaded.baseline)
    if allowed != Privacy():
        rating = rate(base, context.scored)
        protection = _protection(hidden, rating, loaded.baseline, allowed.min_count)
        told = mentions(context.population)
        limit_to(Baseline(allowed, told, protection, rated=rating.tables))
    if live and allowed.rows_allowed:
        ids = (str(i) for s in context.scored.samples.values() for i in s.ids)
        record(None if allowed.key is None else ids)
    values = {
        "EXPERIMENT": experiment,
        "LANGUAGE": language,
        "PRIVACY": given,
        "FRAMEWORK": loaded.framework,
        "FIRMS": context.scored,
        "BASE": base,
        **_of_kind(loaded, context, of, entry),
    }
    return {name: values[name] for name in names if name in values}


def _protection(file: str, base: Rating, name: str, least: int) -> Protection:
    if file:
        return read_protection(json.loads(Path(file).read_text(encoding="utf-8")))
    return protect(count_cells({name: base}, name, least_group=least), least)


def _needed(experiment: Experiment, of: str, entry: str) -> set[str] | None:
    """Return the sets that are made beforehand; None for all of them."""
    if not of:
        return None
    entries = {e.name: e for e in experiment.sets}
    if of == "chain":
        chain = next(c for c in chains(experiment) if c.adjusted.name == entry)
        used = [chain.experts, chain.ballots, chain.adjusted]
    else:
        used = [entries[entry]]
    needed = [n for e in used for n in e.requires]
    return {n.split("/")[0] for n in (*needed, experiment.baseline)}


def _of_kind(experiment: Experiment, context: Context, of: str, entry: str) -> dict[str, Any]:
    entries = {e.name: e for e in experiment.sets}
    if of == "chain":
        chain = next(c for c in chains(experiment) if c.adjusted.name == entry)
        adjusting = _adjusting(context, chain.adjusted)
        return {
            **_panel(context, chain.experts),
            **_survey(context, chain.ballots),
            "SHARE": chain.share,
            "ADJUSTING": adjusting["ADJUSTING"],
        }
    measured = experiment.outcomes.get("dominance")
    importance = {} if measured is None else _options(measured)
    importance.pop("sets", None)
    makers = {"experts": _panel, "ballots": _survey, "adjusted": _adjusting, "shift": _shifting}
    if of in makers:
        return {**makers[of](context, entries[entry]), "IMPORTANCE": importance}
    others = {
        n: w
        for n, w in context.sets().items()
        if n != experiment.baseline and context.grown(n) is None
    }
    return {"OTHERS": others}


def _arguments(context: Context, entry: SetEntry) -> dict[str, Any]:
    """Return the arguments of the front function behind a set, its options by name."""
    source = find_source(entry.source)
    if source is None or source.arguments is None:
        return {}
    found = source.arguments(context, entry.name, entry.params)
    request = found.pop("request")
    return {**found, **_options(request)}


def _options(request: Any) -> dict[str, Any]:
    """Return the options that differ from what a method takes by itself."""
    return {
        name: getattr(request, name)
        for name, f in type(request).model_fields.items()
        if f.is_required() or getattr(request, name) != f.get_default(call_default_factory=True)
    }


def _panel(context: Context, entry: SetEntry) -> dict[str, Any]:
    given = _arguments(context, entry)
    given.pop("population")
    return {"PANEL": given.pop("panel"), "WEIGHING": given}


def _survey(context: Context, entry: SetEntry) -> dict[str, Any]:
    given = _arguments(context, entry)
    given.pop("report")
    return {"SURVEY": given.pop("survey"), "COUNTING": given}


def _adjusting(context: Context, entry: SetEntry) -> dict[str, Any]:
    given = _arguments(context, entry)
    given.pop("population")
    return {"BASE": given.pop("weights"), "ADJUSTING": given, "STEPS": []}


def _shifting(context: Context, entry: SetEntry) -> dict[str, Any]:
    given = _arguments(context, entry)
    base, changes, to = given.pop("weights"), given.pop("changes"), given.pop("to")
    return {"BASE": base, "TO": changes if to is None else to, "SHIFTING": given}


@dataclass(frozen=True)
class Chain:
    """Sets of an experiment that follow one another: panel and ballots, blended, adjusted."""

    experts: SetEntry
    ballots: SetEntry
    share: float
    adjusted: SetEntry


def chains(experiment: Experiment) -> list[Chain]:
    """Return the adjusted sets whose base blends a panel's and a survey's weights."""
    entries = {e.name: e for e in experiment.sets}
    found = []
    for entry in experiment.sets:
        base = entries.get(getattr(entry.params, "base", None) or "")
        if entry.source != "adjusted" or base is None or base.source != "blend":
            continue
        shares: Mapping[str, float] = base.params.shares  # type: ignore[attr-defined]
        method = base.params.method  # type: ignore[attr-defined]
        parts = {entries[n].source: entries[n] for n in shares if n in entries}
        if method == "arithmetic" and len(shares) == 2 and set(parts) == {"experts", "ballots"}:
            share = shares[parts["experts"].name]
            found.append(Chain(parts["experts"], parts["ballots"], share, entry))
    return found
