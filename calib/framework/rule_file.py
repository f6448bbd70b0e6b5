"""The rating rule of a framework file: checked as a whole, then built."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from calib.errors import Faults, InputError, did_you_mean
from calib.framework.conditions import (
    Cap,
    Clusters,
    Compensation,
    Coverage,
    NodeGate,
    Rounding,
    Scope,
    Variant,
    When,
)
from calib.framework.framework_file import FrameworkFile, NameEntry, NodeGateEntry, WhenEntry
from calib.framework.rule import Gates, RatingRule, RuleOptions
from calib.framework.tree import Name
from calib.words import message

__all__ = ["build_rule", "check_options", "check_rating", "name_of"]

_COMPARISONS = ("below", "at_most", "at_least", "above")


def check_rating(spec: FrameworkFile, faults: Faults) -> None:
    """Note everything in the section ``[rating]`` that does not fit together."""
    rating = spec.rating
    low, high = rating.score_range
    steps = len(rating.labels) - 1
    if not low < high:
        faults.add("rating.score_range", message("faults.must_rise"), value=[low, high])
    if rating.bands:
        _check_bands("rating.bands", rating.bands, steps, spec, faults)
    elif not (rating.variants or rating.clusters or rating.node_gates or rating.gates):
        faults.add(
            "rating.bands", message("framework.nothing_gives_stars"),
            expected=message("framework.bands_or_gates"),
        )  # fmt: skip
    if rating.bands and rating.clusters:
        faults.add("rating.clusters", message("framework.bands_and_clusters"))
    for i, variant in enumerate(rating.variants):
        _check_bands(f"rating.variants[{i}].bands", variant.bands, steps, spec, faults)
    for name, gates in rating.gates.items():
        _check_gates(f"rating.gates.{name}", gates.values, gates.inclusive, steps, faults)
    _check_scopes(spec, faults)
    _check_node_gates(spec, steps, faults)
    _check_caps(spec, faults)
    _check_coverage(spec, faults)


def _check_bands(
    where: str, bands: tuple[float, ...], steps: int, spec: FrameworkFile, faults: Faults
) -> None:
    low, high = spec.rating.score_range
    last = high if spec.rating.edges == "upper" else math.nextafter(high, math.inf)
    if list(bands) != sorted(set(bands)) or any(not low < b < last for b in bands):
        faults.add(where, message("faults.must_rise_strictly_inside_the"), value=list(bands))
    if len(bands) != steps:
        faults.add(
            "rating.labels" if where == "rating.bands" else where,
            message("faults.one_more_than_bands_is"),
            value=steps + 1,
            expected=message("faults.labels", n=len(bands) + 1),
        )


def _check_gates(
    where: str,
    values: tuple[float, ...],
    inclusive: bool | tuple[bool, ...] | None,
    steps: int,
    faults: Faults,
) -> None:
    if len(values) != steps or list(values) != sorted(values):
        faults.add(
            where,
            message("faults.gates_must_not_fall_one"),
            value=list(values),
            expected=message("faults.values", n=steps),
        )
    if isinstance(inclusive, tuple) and len(inclusive) != len(values):
        faults.add(
            where + ".inclusive", message("faults.one_flag_a_gate_is"), value=list(inclusive)
        )


def _check_scopes(spec: FrameworkFile, faults: Faults) -> None:
    """Note tracks and years that the file does not have."""
    rating, tracks = spec.rating, [t.code for t in spec.tracks]
    for key in ("variants", "node_gates", "caps"):
        for i, entry in enumerate(getattr(rating, key)):
            for word, known, given in (
                ("track", tracks, entry.track),
                ("year", rating.years, entry.year),
            ):
                for value in given:
                    _check_known(f"rating.{key}[{i}].{word}", value, known, faults,
                                 none=f"rating.{word}s")  # fmt: skip


def _check_node_gates(spec: FrameworkFile, steps: int, faults: Faults) -> None:
    levels = [lv.code for lv in spec.levels]
    for i, gate in enumerate(spec.rating.node_gates):
        where = f"rating.node_gates[{i}]"
        if bool(gate.node) == bool(gate.level):
            faults.add(where, message("framework.node_or_level"))
        if gate.node:
            _check_node(f"{where}.node", gate.node, spec, faults)
        if gate.level:
            _check_known(f"{where}.level", gate.level, levels, faults)
        _check_gates(where, gate.values, gate.inclusive, steps, faults)


def _check_known(
    where: str, value: str, known: Sequence[str], faults: Faults, *, none: str = ""
) -> None:
    """Note a value that is none of the known ones; ``none`` is expected where there are none."""
    if value not in known:
        problem = message("faults.no_such_value", hint=did_you_mean(value, known))
        faults.add(where, problem, value=value, expected=" | ".join(known) or none)


def _check_node(where: str, code: str, spec: FrameworkFile, faults: Faults) -> None:
    known = [n.code for n in spec.nodes]
    if code not in known:
        faults.add(
            where, message("framework.no_such_node", hint=did_you_mean(code, known)), value=code
        )


def _check_caps(spec: FrameworkFile, faults: Faults) -> None:
    rating = spec.rating
    last = rating.first + len(rating.labels) - 1
    for i, cap in enumerate(rating.caps):
        where = f"rating.caps[{i}]"
        if not rating.first <= cap.at_most < last:
            faults.add(
                f"{where}.at_most", message("framework.cap_star"), value=cap.at_most,
                expected=message("framework.from_to", low=rating.first, high=last - 1),
            )  # fmt: skip
        for place, when in _conditions(cap.when, f"{where}.when"):
            _check_when(place, when, spec, faults)
    if rating.rule_options.downgrade == "one-star" and (rating.caps or rating.compensation):
        faults.add("rating.rule_options.downgrade", message("framework.one_star_with_caps"))


def _conditions(when: WhenEntry, where: str) -> Iterator[tuple[str, WhenEntry]]:
    yield where, when
    for key in ("any", "all", "of"):
        for i, part in enumerate(getattr(when, key) or ()):
            yield from _conditions(part, f"{where}.{key}[{i}]")


def _check_when(where: str, when: WhenEntry, spec: FrameworkFile, faults: Faults) -> None:
    compared = [k for k in _COMPARISONS if getattr(when, k) is not None]
    joined = [k for k in ("any", "all", "of") if getattr(when, k) is not None]
    simple = bool(when.node) and len(compared) == 1 and not joined
    compound = (
        not when.node and not compared and len(joined) == 1 and bool(getattr(when, joined[0]))
    )
    counted = (when.count is not None) == (joined == ["of"])
    if not (simple or compound) or not counted:
        faults.add(where, message("framework.one_condition"),
                   expected="{ node = \"A\", below = 40 } | { any = [...] } | { all = [...] } | "
                            "{ count = 2, of = [...] }")  # fmt: skip
    if when.node:
        _check_node(f"{where}.node", when.node, spec, faults)
    if when.count is not None and when.of and when.count > len(when.of):
        faults.add(f"{where}.count", message("framework.count_too_many"), value=when.count,
                   expected=message("framework.from_to", low=1, high=len(when.of)))  # fmt: skip


def _check_coverage(spec: FrameworkFile, faults: Faults) -> None:
    rating = spec.rating
    levels = [lv.code for lv in spec.levels]
    for i, part in enumerate(rating.coverage.nodes if rating.coverage else ()):
        where = f"rating.coverage.nodes[{i}]"
        if (part.nodes is None) == (part.level is None):
            faults.add(where, message("framework.nodes_or_level"))
        if part.level is not None:
            _check_known(f"{where}.level", part.level, levels, faults)
        for code in part.nodes or ():
            _check_node(where, code, spec, faults)
        size = len(part.nodes or _at_level(spec, part.level or ""))
        if part.at_least > size:
            faults.add(f"{where}.at_least", message("framework.count_too_many"),
                       value=part.at_least,
                       expected=message("framework.from_to", low=1, high=size))  # fmt: skip
    for code in rating.compensation.nodes if rating.compensation else ():
        _check_node("rating.compensation.nodes", code, spec, faults)


def _at_level(spec: FrameworkFile, level: str) -> tuple[str, ...]:
    """Return the codes of the nodes at a level, over all tracks."""
    depth = {"": 0}
    for node in spec.nodes:
        depth[node.code] = depth.get(node.parent, 0) + 1
    levels = [lv.code for lv in spec.levels]
    at = levels.index(level) + 1 if level in levels else 0
    return tuple(n.code for n in spec.nodes if depth[n.code] == at)


def build_rule(spec: FrameworkFile) -> RatingRule:
    """Build the rule of a checked file."""
    rating, given = spec.rating, spec.rating.rule_options
    levels = tuple(lv.code for lv in spec.levels)
    gates = {
        name: Gates(g.values, g.inclusive or (False,) * len(g.values))
        for name, g in rating.gates.items()
    }
    years = tuple(sorted(rating.years, reverse=True))
    defaults = RuleOptions(
        band_edge=given.band_edge,
        gate_value=given.gate_value or next(iter(gates), "table"),
        downgrade=given.downgrade,
        gate_scope=given.gate_scope or levels[0],
        option_score=given.option_score,
        missing=given.missing,
        year=given.year or next(iter(years), ""),
    )
    low, high = rating.score_range
    covered, moved = rating.coverage, rating.compensation
    return RatingRule(
        low=low,
        high=high,
        bands=rating.bands,
        labels=tuple(name_of(n) for n in rating.labels),
        gates=gates,
        levels=levels,
        tolerance=rating.tolerance,
        defaults=defaults,
        first=rating.first,
        lower_edges=rating.edges == "lower",
        rounding=Rounding(rating.rounding.rule, rating.rounding.places)
        if rating.rounding
        else None,
        years=years,
        variants=tuple(Variant(Scope(v.track, v.year), v.bands) for v in rating.variants),
        node_gates=tuple(_node_gate(g) for g in rating.node_gates),
        caps=tuple(
            Cap(
                Scope(c.track, c.year), c.at_most - rating.first, _when(c.when),
                name_of(c.name) if c.name else None,
            )
            for c in rating.caps
        ),
        coverage=Coverage(
            covered.items,
            tuple((p.nodes or _at_level(spec, p.level or ""), p.at_least) for p in covered.nodes),
        )
        if covered
        else None,
        compensation=Compensation(moved.nodes, moved.points, moved.step, moved.towards)
        if moved
        else None,
        clusters=Clusters(rating.clusters.strict) if rating.clusters else None,
    )  # fmt: skip


def _node_gate(entry: NodeGateEntry) -> NodeGate:
    meets = entry.inclusive
    flags = meets if isinstance(meets, tuple) else (meets,) * len(entry.values)
    return NodeGate(Scope(entry.track, entry.year), entry.node, entry.level, entry.values, flags)


def _when(entry: WhenEntry) -> When:
    if entry.node:
        kind = next(k for k in _COMPARISONS if getattr(entry, k) is not None)
        return When(entry.node, kind, float(getattr(entry, kind)))
    if entry.of is not None:
        return When("", "count", float(entry.count or 1), tuple(_when(p) for p in entry.of))
    kind = "any" if entry.any is not None else "all"
    return When("", kind, parts=tuple(_when(p) for p in entry.any or entry.all or ()))


def name_of(entry: NameEntry) -> Name:
    """Return the name that an entry states."""
    return Name(entry.zh, entry.en)


def check_options(rule: RatingRule, path: str) -> None:
    """Check the default rule options against what the framework offers.

    Raises
    ------
    InputError
        With one fault for each that it does not.
    """
    base = RuleOptions(
        gate_value=next(iter(rule.gates), "table"), gate_scope=rule.levels[0],
        year=next(iter(rule.years), ""),
    )  # fmt: skip
    plain = replace(rule, defaults=base, rounding=None, lower_edges=False, caps=(),
                    compensation=None)  # fmt: skip
    try:
        plain.read(rule.defaults)
    except InputError as exc:
        faults = Faults(path)
        for f in exc.faults:
            faults.add(f"rating.{f.where}", f.problem, value=f.value, expected=f.expected)
        raise InputError(faults.items) from exc
