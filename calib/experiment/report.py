"""The self-contained HTML report of a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from calib.experiment.registry import find_outcome
from calib.experiment.run import Run, Section
from calib.experiment.spec import DECISION
from calib.framework import RULE_OPTIONS
from calib.outcomes.comparison import transition_matrix
from calib.outcomes.decision import DecisionResult
from calib.report import Table, blank_note, shown_cells, shown_headings
from calib.report.page import page_fragment, page_style
from calib.words import message, say, template

__all__ = ["render_report"]


def render_report(
    run: Run, manifest: Mapping[str, Any], figures: Mapping[str, str], lang: str
) -> str:
    """Return the report's HTML. Every name in it is escaped; it loads nothing.

    Parameters
    ----------
    manifest : the run's manifest
    figures : SVG elements by the names of the run's drawings
    lang : ``"zh"`` or ``"en"``
    """
    import jinja2
    from markupsafe import Markup

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("calib.experiment", "templates"),
        autoescape=True,
        trim_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    decision = run.outcomes.get(DECISION)
    page = decision.page(lang) if isinstance(decision, DecisionResult) else None
    return environment.get_template("report.html.jinja").render(
        page=None if page is None else Markup(page_fragment(page, level=2)),
        page_style="" if page is None else Markup(page_style()),
        lang=lang,
        say=lambda key: say(key, lang),
        title=run.experiment.title.get(lang),
        description=run.experiment.description.get(lang),
        labels=[n.get(lang) for n in run.experiment.framework.rule.labels],
        overview=_overview(run, lang),
        protocol=[]
        if run.protocol is None
        else [
            run.protocol.sentence().get(lang),
            *(d.text.get(lang) for d in run.protocol.deviations),
        ],
        warnings=[n.text.get(lang) for n in run.notes() if n.warning],
        sections=[_section(s, run, figures, lang) for s in run.sections()],
        rule_options=[
            (r.question.get(lang), getattr(run.context.rule_options, r.key)) for r in RULE_OPTIONS
        ],
        manifest=manifest,
    )


def _section(section: Section, run: Run, figures: Mapping[str, str], lang: str) -> dict[str, Any]:
    from markupsafe import Markup

    if section.standard:
        title = say("report.comparison", lang)
    elif section.name in run.sets:
        title = _set_label(run, section.name, lang)
    else:
        title = _outcome_title(section.name, lang)
    return {
        "id": f"section-{section.name}",
        "title": title,
        "standard": section.standard,
        "notes": [
            n.text.get(lang) for n in section.notes if not n.warning and section.name != DECISION
        ],
        "figures": [
            {
                "title": d.title.get(lang),
                # Drawn by calib itself with every text as an outline: safe as it is.
                "svg": Markup(figures[d.name]),
                "wide": not d.name.startswith("transitions-"),
            }
            for d in section.drawings
            if section.name != DECISION  # it stands on the page
        ],
        "tables": [_shown(t, run, lang) for t in section.tables if t.rows],
    }


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
                "downgraded": sum(
                    int(s.downgraded.sum()) for t, s in rating.samples.items() if scope in (None, t)
                ),
                "up": up, "down": down,
            })  # fmt: skip
    return rows


def _set_label(run: Run, name: str, lang: str) -> str:
    label = run.sets[name].label.get(lang)
    label = name if label == name else f"{label} ({name})"
    return run.context.said(name, label, lang)


def _shown(table: Table, run: Run, lang: str) -> dict[str, Any]:
    names = run.experiment.framework.names
    rows = shown_cells(table, lang, names)
    return {
        "name": table.name,
        "title": table.title.get(lang),
        "heads": shown_headings(table, lang, names),
        "rows": rows,
        "caption": _caption(table, lang, blank_note(table, rows, lang)),
    }


def _caption(table: Table, lang: str, blanks: str) -> str:
    text = f"tables/{table.name}.csv"
    if len(table.view) > table.rows:
        of = len(table.view)
        text = message("report.first_rows", rows=table.rows, of=of, file=text).get(lang)
    return message("words.semicolon").get(lang).join(filter(None, (text, blanks)))
