"""Live notebooks: what tables and figures were computed from, so that a page recomputes them.

While a notebook is executed for publication, results note beside each output its recipe: which
ratings it is made from, as the result's :class:`~calib.report.Live` says. The weights, the rule and
the scores behind them are kept once a page. The page rates with the engine
(:mod:`calib.publish.engine`), finds the executed output again, and then lets its reader change
weights, gates, rule options and the year.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from calib.publish.engine import asset
from calib.publish.explorer import embed_json
from calib.publish.live_inputs import Inputs
from calib.rating import Scored
from calib.report import Column, Drawing, Live, Recorder, Table, record_with
from calib.words import current_language
from calib.words.catalogue import Template, templates

__all__ = [
    "LiveRecorder", "collect", "live_page_data", "live_script", "live_texts", "record",
    "without_inputs",
]  # fmt: skip

_TABLES: Mapping[str, frozenset[str]] = {
    "stars": frozenset(("set", "scope", "star", "label", "count", "share")),
    "node-stars": frozenset(("set", "node")),
    "enterprises": frozenset((
        "set", "enterprise", "name", "track", "total", "band_star", "star", "label", "downgraded",
        "caused_by", "next_total", "next_gate", "next_node",
    )),
    "downgrades": frozenset((
        "set", "enterprise", "name", "track", "total", "band_star", "star", "caused_by",
    )),
    "thresholds": frozenset(("star", "track", "node", "total_above", "gate_above")),
    "agreement": frozenset((
        "set", "scope", "n", "same", "up", "down", "kappa_linear", "kappa_quadratic",
        "kendall_tau", "mean_abs_change", "max_abs_change", "downgraded",
    )),
    "movers": frozenset((
        "set", "enterprise", "name", "track", "from_star", "to_star", "direction", "reason",
        "total_before", "total_after", "total_change",
    )),
    "transitions": frozenset(("set", "scope", "from_star", "to_star", "count")),
    "acceptability": frozenset((
        "case", "enterprise", "name", "track", "star", "p_now", "likeliest",
    )),
    "expected-stars": frozenset(("case", "scope", "star", "share_now", "expected_share")),
}  # fmt: skip
"""Tables that the page makes, and their columns."""
_LEFT_BLANK = frozenset(("p_now", "p_moves", "error", "low", "high"))
"""Columns that need the run's own draws: blank in a table that was recomputed."""
_DRAWN = re.compile(r"p_now|p_\d+|likeliest|expected_share")
"""Columns of random draws: the page's own draws give nearly the same."""
_EACH = re.compile(r"(score|star) .+|(star|p)_\d+")
"""Columns made for each node or star."""
_SCRIPTS = ("data", "state", "cells", "frames", "sampling", "drawings", "panel", "page")
_INPUTS = re.compile(r'<(script|metadata)\b[^>]*data-live="inputs"[^>]*>(.*?)</\1>', re.DOTALL)


class LiveRecorder(Recorder):
    """Writes recipes and inputs into what a notebook shows.

    Parameters
    ----------
    only : ids of the enterprises that may be published with their scores; None for all
    """

    def __init__(self, only: Iterable[str] | None = None) -> None:
        self._only = None if only is None else frozenset(map(str, only))
        self._told: set[str] = set()

    def table(self, table: Table, shown: Table, markup: str) -> str:
        """Return a table with its recipe; as it is where nothing can be recomputed."""
        live = self._live(table.source)
        if live is None:
            return markup
        inputs = Inputs()
        recipe = _recipe(live, inputs)
        if shown.frame is table.frame and live.ratings:
            recipe |= _table_recipe(table, live)
        return self._wrapped(markup, recipe, inputs)

    def figure(self, source: Any, drawing: Drawing | None, markup: str) -> str:
        """Return the SVG of a figure with its recipe; as it is where nothing is known of it."""
        live = self._live(source)
        if live is None:
            return markup
        inputs = Inputs()
        recipe = _recipe(live, inputs)
        if drawing is not None and live.ratings:
            recipe |= _figure_recipe(drawing, live)
        given = f" data-live='{_attribute(recipe)}'"
        told = self._new(inputs)
        noted = re.sub(r"^\s*<svg\b", lambda m: f"{m[0]}{given}", markup)
        kept = f'<metadata data-live="inputs">{embed_json(told)}</metadata></svg>' if told else ""
        return re.sub(r"</svg>\s*$", lambda m: kept or m[0], noted)

    def sentences(self, source: Any, markup: str) -> str:
        """Return sentences with what they are about: the page says when they no longer hold."""
        live = self._live(source)
        if live is None:
            return markup
        inputs = Inputs()
        return self._wrapped(markup, _recipe(live, inputs), inputs)

    def _live(self, source: Any) -> Live | None:
        """Return how a result is computed again, None where the page may not or cannot."""
        live: Live | None = getattr(source, "live", None)
        if live is None or not all(self._allowed(r.scored) for r in live.ratings):
            return None
        return live

    def _allowed(self, scored: Scored) -> bool:
        if scored.imputations:
            return False
        ids = {str(i) for s in scored.samples.values() for i in s.ids}
        return self._only is None or ids <= self._only

    def _wrapped(self, markup: str, recipe: Mapping[str, Any], inputs: Inputs) -> str:
        told = self._new(inputs)
        kept = (
            f'<script type="application/json" data-live="inputs">{embed_json(told)}</script>'
            if told else ""
        )  # fmt: skip
        # The element that is let through stays the first one of the output.
        return f"<div data-live='{_attribute(recipe)}'>{markup}{kept}</div>"

    def _new(self, inputs: Inputs) -> dict[str, dict[str, Any]]:
        """Return the inputs that no earlier output of the notebook holds."""
        told: dict[str, dict[str, Any]] = {}
        for kind, found in inputs.found.items():
            new = {k: v for k, v in found.items() if k not in self._told}
            self._told |= set(new)
            if new:
                told[kind] = new
        return told


def record(only: Iterable[str] | None = None) -> None:
    """Let results note what they were computed from, as the page of a notebook needs it."""
    record_with(LiveRecorder(only))


def _recipe(live: Live, inputs: Inputs) -> dict[str, Any]:
    """Return which ratings an output is made from; the page says where weights were changed."""
    if not live.ratings:
        return {"ratings": [], "base": "", "weights": live.weights}
    ratings = [[r.name, inputs.rating(r)] for r in live.ratings]
    return {"ratings": ratings, "base": live.base, **live.spread}


def _attribute(recipe: Mapping[str, Any]) -> str:
    return html.escape(json.dumps(recipe, ensure_ascii=False, separators=(",", ":")), quote=True)


def _table_recipe(table: Table, live: Live) -> dict[str, Any]:
    """Return what the page needs to make a table: its columns, and how many rows are shown."""
    kind, lang = live.tables.get(table.name), current_language()
    if kind is None:
        return {}
    columns = [
        _column(k, c, bool(live.spread)) for k, c in table.shown_columns.items()
        if k != {"zh": "name_en", "en": "name_zh"}.get(lang)
    ]  # fmt: skip
    if kind == "tipping":
        return {"table": kind, "columns": columns}
    if kind not in _TABLES or (table.shown is not None and kind != "node-stars"):
        return {}
    keys = {c["key"] for c in columns if not c.get("blank") and not _EACH.fullmatch(c["key"])}
    if not keys <= _TABLES[kind]:
        return {}
    rows = min(table.rows or 60, 60)
    named = (table.names or {}).items()
    called = {k: n.get(lang) for k, n in named if k.startswith(("set:", "case:"))}
    return {"table": kind, "columns": columns, "rows": rows, "names": called}


def _column(key: str, column: Column, drawn: bool) -> dict[str, Any]:
    out: dict[str, Any] = {"key": key, "role": column.role.value}
    out |= {"unit": column.unit} if column.unit else {}
    out |= {"coded": column.coded} if column.coded else {}
    if drawn and _DRAWN.fullmatch(key):
        out["drawn"] = True
    elif key in _LEFT_BLANK:
        out["blank"] = True
    return out


def _figure_recipe(drawing: Drawing, live: Live) -> dict[str, Any]:
    lang, figure = current_language(), live.figures.get(drawing.name)
    if figure is None:
        return {}
    labels = {n: label.get(lang) for n, label in figure.labels.items()}
    own = {"labels": labels} if labels else {}
    return {"figure": figure.kind, **own, "title": drawing.title.get(lang)}


def collect(outputs: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return the inputs that stand in the markup of outputs, together."""
    found: dict[str, dict[str, Any]] = {}
    for markup in outputs:
        for match in _INPUTS.finditer(markup):
            for kind, new in json.loads(match[2]).items():
                found.setdefault(kind, {}).update(new)
    return found


def without_inputs(markup: str) -> str:
    """Return the markup of an output without the inputs in it, which stand once in the page."""
    return _INPUTS.sub("", markup)


def live_script() -> str:
    """Return the scripts of a live notebook, without the engine that they need."""
    files = ("explorer/dom", *(f"live/{n}" for n in _SCRIPTS))
    return "\n".join(asset(f"{name}.js") for name in files)


def live_page_data(inputs: Mapping[str, Any], lang: str) -> str:
    """Return what a live notebook computes with, as JSON for a ``<script>`` element."""
    empty: dict[str, Any] = {k: {} for k in ("frameworks", "populations", "sets", "ratings")}
    return embed_json({**empty, **inputs, "texts": live_texts(lang)})


def live_texts(lang: str) -> dict[str, Template]:
    """Return the words of live pages in a language; the page fills their placeholders."""
    words = templates(lang)
    wanted = ("live.", "causes.", "rule_options.", "rule_option_values.")
    explorer = ("bands", "gate_values", "gate_at", "cap_at", "when_below", "when_at_most",
                "when_at_least", "when_above", "holds_between", "on_edge")  # fmt: skip
    single = {
        *(f"explorer.{k}" for k in explorer), "values.up", "values.down", "values.all",
        "words.yes", "words.no", "report.more_rows", "words.semicolon",
        "words.comma",
    }  # fmt: skip
    return {k: v for k, v in words.items() if k.startswith(wanted) or k in single}
