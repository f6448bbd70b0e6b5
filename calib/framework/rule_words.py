"""A rating rule in sentences, made from the file that states it."""

from __future__ import annotations

from collections.abc import Sequence

from calib.framework.conditions import When
from calib.framework.framework import Framework
from calib.words import Text, joined, message

__all__ = ["condition_words", "rule_words"]


def rule_words(framework: Framework, track: str, year: str = "") -> list[Text]:
    """Return how a star comes about in one track and year, a sentence for each part of the rule."""
    rule = framework.rule
    lines: list[Text] = []
    if len(rule.years) > 1:
        chosen = year or rule.defaults.year
        lines.append(message("framework.says.year", year=chosen, years=[*rule.years]))
    lines += [
        message("framework.says.scale", low=f"{rule.low:g}", high=f"{rule.high:g}"),
        message("framework.says.mean"),
    ]
    if rule.coverage is not None:
        if rule.coverage.items:
            lines.append(message("framework.says.items", share=f"{rule.coverage.items:.0%}"))
        for codes, least in rule.coverage.nodes:
            nodes = [framework.node(c).name for c in codes]
            lines.append(message("framework.says.nodes", n=least, nodes=nodes))
    lines.append(message(f"framework.says.missing_{rule.defaults.missing}"))
    lines += _bands(framework, track, year)
    for name, gates in rule.gates.items():
        if name == rule.defaults.gate_value:
            scope = rule.defaults.gate_scope
            every = message("framework.each_of_level", level=dict(framework.levels)[scope])
            lines += _gates(framework, every, gates.values, gates.inclusive)
    for gate in rule.node_gates:
        if gate.scope.holds(track, year):
            of: Text = (
                framework.node(gate.node).name
                if gate.node
                else message("framework.each_of_level", level=dict(framework.levels)[gate.level])
            )
            lines += _gates(framework, of, gate.values, gate.inclusive)
    if rule.compensation is not None:
        how = rule.compensation
        parts = [framework.node(c).name for c in how.nodes]
        lines.append(message(
            f"framework.says.moves_{how.towards}", nodes=parts, points=f"{how.points:g}",
        ))  # fmt: skip
    for cap in rule.caps:
        if cap.scope.holds(track, year):
            said = {"star": rule.labels[cap.top], "when": condition_words(cap.when, framework)}
            lines.append(
                message("framework.says.cap_named", name=cap.name, **said)
                if cap.name
                else message("framework.says.cap", **said)
            )
    return lines


def _bands(framework: Framework, track: str, year: str) -> list[Text]:
    rule = framework.rule
    bands = rule.bands_of(track, year)
    if rule.clusters is not None:
        return [message("framework.says.clusters", n=rule.stars)]
    if not bands:
        return [message("framework.says.no_bands")]
    out: list[Text] = []
    if rule.rounding is not None:
        out.append(message(f"framework.says.rounding_{rule.rounding.rule.replace('-', '_')}",
                           places=rule.rounding.places))  # fmt: skip
    signs = ["≥" if rule.lower_edges else ">"] * len(bands)
    listed = _edges(framework, signs, bands)
    out.append(message("framework.says.bands", bands=listed, lowest=rule.labels[0]))
    return out


def _gates(
    framework: Framework, of: Text, values: tuple[float, ...], inclusive: tuple[bool, ...]
) -> list[Text]:
    signs = ["≥" if meets else ">" for meets in inclusive]
    listed = _edges(framework, signs, values)
    return [message("framework.says.gates", of=of, gates=listed)]


def _edges(framework: Framework, signs: Sequence[str], edges: Sequence[float]) -> Text:
    """List what each star above the lowest asks for."""
    stars = zip(framework.rule.labels[1:], signs, edges, strict=True)
    return joined(
        message("framework.says.compared", node=label, sign=sign, value=f"{edge:g}")
        for label, sign, edge in stars
    )


def condition_words(when: When, framework: Framework) -> Text:
    """Return a condition in words."""
    if when.node:
        sign = {"below": "<", "at_most": "≤", "at_least": "≥", "above": ">"}[when.kind]
        return message("framework.says.compared", node=framework.node(when.node).name, sign=sign,
                       value=f"{when.value:g}")  # fmt: skip
    parts = joined(condition_words(p, framework) for p in when.parts)
    return message(f"framework.says.{when.kind}", n=int(when.value), parts=parts)
