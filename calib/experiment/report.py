"""The self-contained HTML report of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from calib.experiment.registry import find_outcome
from calib.experiment.run import Run, Section
from calib.experiment.spec import DECISION
from calib.framework import RULE_OPTIONS
from calib.outcomes.decision import DecisionResult
from calib.outcomes.star_differences import transition_matrix
from calib.report import (
    Note,
    PageFigure,
    PageSection,
    option_value,
    page_tokens,
    rendered,
    script_hash,
    sections_html,
    sections_script,
    sections_style,
)
from calib.report.page import page_fragment, page_style
from calib.words import message, say, template

__all__ = ["beside_page", "render_report", "section_title"]


_HEADER = 14.0
"""Millimetres that title and first line of a printed report take above the page."""


def render_report(
    run: Run,
    manifest: Mapping[str, Any],
    figures: Mapping[str, str],
    lang: str,
    read: Note,
) -> str:
    """Return the report's HTML. Every name in it is escaped; it loads nothing.

    Parameters
    ----------
    manifest : the run's manifest
    figures : SVG elements by the names of the run's drawings
    lang : ``"zh"`` or ``"en"``
    read : how many enterprises were read, the first line
    """
    from markupsafe import Markup

    decision = run.outcomes.get(DECISION)
    advice = decision.page(lang) if isinstance(decision, DecisionResult) else None
    parts = [_section(s, run, figures, lang) for s in run.sections]
    standard = [p for p, s in zip(parts, run.sections, strict=True) if s.standard]
    others = [p for p, s in zip(parts, run.sections, strict=True) if not s.standard]
    names = run.names
    warnings = [n.get(lang) for n in run.notes if n.warning]
    script = f"\n{sections_script()}"
    return rendered(
        "calib.experiment",
        "templates/report.html.jinja",
        page=None if advice is None else Markup(page_fragment(advice, 2, above=_HEADER)),
        page_style="" if advice is None else Markup(page_style()),
        lang=lang,
        say=lambda key: say(key, lang),
        title=run.experiment.title.get(lang),
        read=read.get(lang),
        fewer=read.warning,
        description=run.experiment.description.get(lang),
        labels=[n.get(lang) for n in run.experiment.framework.rule.labels],
        overview=_overview(run, lang),
        downgrades=run.experiment.framework.rule.holds_back,
        protocol=[]
        if run.protocol is None
        else [
            run.protocol.sentence().get(lang),
            *(d.text.get(lang) for d in run.protocol.deviations),
        ],
        warnings=warnings,
        warnings_title=message("report.warnings", n=len(warnings)).get(lang),
        contents=[("stars-by-set", say("report.stars_by_set", lang))]
        + [(p.id, p.title) for p in others],
        assumed=[text for p in standard for text in p.notes],
        # Made by this package; what stands in the data was escaped on the way.
        standard=Markup(
            sections_html([replace(p, title="", notes=()) for p in standard], lang, names)
        ),
        sections=Markup(sections_html(others, lang, names)),
        rule_options=_rule_options(run, lang),
        manifest=manifest,
        style=Markup(f"{page_tokens()}\n{sections_style()}"),
        script=Markup(script),
        script_hash=Markup(script_hash(script)),
    )


def _rule_options(run: Run, lang: str) -> list[tuple[str, str]]:
    """Return the open questions of the rule with their answers, and any answer that was chosen."""
    rule, chosen = run.experiment.framework.rule, run.context.rule_options
    return [
        (r.question.get(lang), option_value(r.key, value, lang))
        for r in RULE_OPTIONS
        for value in [getattr(chosen, r.key)]
        if rule.asks(r.key) or value != getattr(rule.defaults, r.key)
    ]


def section_title(run: Run, section: Section, lang: str) -> str:
    """Return the heading of a section: what an analysis is called, or a set's label."""
    if section.standard:
        return say("report.comparison", lang)
    if section.name in run.sets:
        return _set_label(run, section.name, lang)
    return _outcome_title(section.name, lang)


def _section(section: Section, run: Run, figures: Mapping[str, str], lang: str) -> PageSection:
    return PageSection(
        id=f"section-{section.name}",
        title=section_title(run, section, lang),
        notes=[n.get(lang) for n in beside_page(run, section) if not n.warning],
        figures=[
            PageFigure(d.title.get(lang), figures[d.name], not d.name.startswith("transitions-"))
            for d in section.drawings
            if section.name != DECISION  # it stands on the page
        ],
        tables=[(t, f"tables/{t.name}.csv") for t in section.tables],
    )


def beside_page(run: Run, section: Section) -> Sequence[Note]:
    """Return the notes of a section; of a decision those that are not on its page."""
    found = run.outcomes.get(section.name)
    return found.further if isinstance(found, DecisionResult) else section.notes


def _outcome_title(name: str, lang: str) -> str:
    outcome = find_outcome(name)
    if outcome is not None and outcome.title is not None:
        return outcome.title.get(lang)
    found = template(f"sections.{name}", lang)
    return found if isinstance(found, str) else name


def _overview(run: Run, lang: str) -> list[dict[str, Any]]:
    """Return the rows of the first table: every set, overall and by track."""
    base = run.ratings[run.context.baseline]
    rows = []
    for name, rating in run.ratings.items():
        # Further sets of a source (the years of a path, the rounds of a panel) take one row.
        by_track = len(rating.samples) > 1 and "/" not in name
        scopes: list[str | None] = [None, *(rating.samples if by_track else ())]
        for scope in scopes:
            matrix = transition_matrix(rating, base, scope)
            up = int(np.triu(matrix, 1).sum())
            down = int(np.tril(matrix, -1).sum())
            tracks = run.experiment.framework.tracks
            rows.append({
                "label": _set_label(run, name, lang) if scope is None else "",
                "scope": tracks[scope].name.get(lang) if scope else message("values.all").get(lang),
                "whole": scope is None, "base": name == run.context.baseline,
                "counts": rating.counts(scope).tolist(),
                "downgraded": rating.downgrades_in(scope),
                "up": up, "down": down,
            })  # fmt: skip
    return rows


def _set_label(run: Run, name: str, lang: str) -> str:
    label = run.sets[name].label.get(lang)
    label = name if label == name else f"{label} ({name})"
    return run.context.said(name, label, lang)
