"""Workbooks to be filled in: answers, weights, ballots; a sheet a track, with drop-down choices."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from calib.framework import Framework, Track
from calib.tables import column_letters, new_workbook
from calib.weights import published_weights
from calib.words import say

__all__ = ["write_answer_form", "write_ballot_form", "write_weight_form"]

ROWS = 1_000
"""Rows that have drop-down choices."""
_LISTS = "_lists"
"""Hidden sheet with the choices of drop-downs; readers leave it out."""


def _labels(keys: Sequence[str], lang: str) -> list[str]:
    return [say(f"templates.heads.{k}", lang) for k in keys]


def _leaf_labels(track: Track, lang: str) -> list[str]:
    """Return the names of a track's indicators; the code where a name stands twice."""
    nodes = [track.nodes[i] for i in track.leaves]
    names = [n.name.get(lang) for n in nodes]
    return [
        n.code if names.count(s) > 1 or track.find(s) != n.code else s
        for n, s in zip(nodes, names, strict=True)
    ]


def _sheet_name(track: Track, lang: str) -> str:
    return track.name.get(lang)[:31]


def _formats(book: Any) -> dict[str, Any]:
    return {
        "head": book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"}),
        "text": book.add_format({"num_format": "@"}),
        "locked": book.add_format({"font_color": "#595959"}),
        "off": book.add_format({"bg_color": "#F8CBAD"}),
    }


def write_answer_form(
    path: str | os.PathLike[str], framework: Framework, *, lang: str = "zh"
) -> None:
    """Write the workbook of answers: a sheet a track, a row an enterprise, a column an indicator.

    Cells of indicators take an option number, the lowest option being 1; the header stays in
    sight, and says beside each indicator which capability it belongs to.
    """
    about = ("enterprise", "name", "size", "province")
    with new_workbook(path) as book:
        formats = _formats(book)
        for track in framework.tracks.values():
            sheet = book.add_worksheet(_sheet_name(track, lang))
            labels = [*_labels(about, lang), *_leaf_labels(track, lang)]
            for c, head in enumerate(labels):
                sheet.write_string(0, c, head, formats["head"])
            sheet.set_column(0, 1, 22, formats["text"])
            sheet.set_column(2, len(labels) - 1, 12)
            for c, leaf in enumerate(track.leaves, len(about)):
                node = track.nodes[leaf]
                options = node.item.options if node.item else 0
                parent = track.nodes[track.index[node.parent]].name.get(lang) if node.parent else ""
                said = say("templates.option_hint", lang, code=node.code, parent=parent, k=options)
                sheet.write_comment(0, c, said)
                sheet.data_validation(1, c, ROWS, c, _options(options, said, lang, framework))
            sheet.freeze_panes(1, 2)


def _options(options: int, hint: str, lang: str, framework: Framework) -> dict[str, Any]:
    """Return the check of an indicator's cells: an option, or a score where it has no options."""
    common = {"input_message": hint[:255], "error_title": say("templates.error", lang),
              "error_message": hint[:255]}  # fmt: skip
    if options:
        return {"validate": "list", "source": [str(k) for k in range(1, options + 1)], **common}
    rule = framework.rule
    between = {"criteria": "between", "minimum": rule.low, "maximum": rule.high}
    return {"validate": "decimal", **between, **common}


def write_weight_form(
    path: str | os.PathLike[str], framework: Framework, *, lang: str = "zh"
) -> None:
    """Write the workbook of weights, filled with the published ones; sums of siblings are live."""
    published = published_weights(framework)
    with new_workbook(path) as book:
        formats = _formats(book)
        sheet = book.add_worksheet(say("templates.sheets.weights", lang))
        keys = ("track", "code", "node", "local_weight", "sum", "framework")
        for c, head in enumerate(_labels(keys, lang)):
            sheet.write_string(0, c, head, formats["head"])
        row = 1
        for t, track in framework.tracks.items():
            at = {code: row + i for i, code in enumerate(track.codes)}
            for i, node in enumerate(track.nodes):
                sheet.write_string(row, 0, track.name.get(lang))
                sheet.write_string(row, 1, node.code)
                sheet.write_string(row, 2, "　" * (node.depth - 1) + node.name.get(lang))
                sheet.write_number(row, 3, float(published.local[t][i]))
                siblings = [at[n.code] for n in track.nodes if n.parent == node.parent]
                total = "+".join(f"D{r + 1}" for r in siblings)
                sheet.write_formula(row, 4, f"=ROUND({total},9)", formats["locked"], 1)
                sheet.write_string(row, 5, f"{framework.code} {framework.version}",
                                   formats["locked"])  # fmt: skip
                row += 1
        sheet.data_validation(
            1, 3, row - 1, 3,
            {"validate": "decimal", "criteria": "between", "minimum": 0, "maximum": 1,
             "error_message": say("templates.weight_hint", lang)},
        )  # fmt: skip
        sheet.conditional_format(
            1, 4, row - 1, 4,
            {"type": "cell", "criteria": "!=", "value": 1, "format": formats["off"]},
        )  # fmt: skip
        sheet.set_column(0, 1, 14)
        sheet.set_column(2, 2, 34)
        sheet.set_column(3, 5, 12)
        sheet.freeze_panes(1, 3)


def write_ballot_form(
    path: str | os.PathLike[str], framework: Framework, *, choices: int = 5, lang: str = "zh"
) -> None:
    """Write the workbook of ballots: a sheet a track, a row a respondent, a column a rank."""
    with new_workbook(path) as book:
        formats = _formats(book)
        ranks = [say("templates.rank", lang, k=k) for k in range(1, choices + 1)]
        tracks = list(framework.tracks.values())
        sheets = [book.add_worksheet(_sheet_name(t, lang)) for t in tracks]
        lists = book.add_worksheet(_LISTS)
        lists.hide()
        for column, (track, sheet) in enumerate(zip(tracks, sheets, strict=True)):
            names = _leaf_labels(track, lang)
            for r, name in enumerate(names):
                lists.write_string(r, column, name)
            letters = column_letters(column)
            source = f"={_LISTS}!${letters}$1:${letters}${len(names)}"
            for c, head in enumerate([*_labels(("respondent",), lang), *ranks]):
                sheet.write_string(0, c, head, formats["head"])
            sheet.data_validation(
                1, 1, ROWS, choices,
                {"validate": "list", "source": source,
                 "input_message": say("templates.rank_hint", lang)},
            )  # fmt: skip
            sheet.set_column(0, 0, 14, formats["text"])
            sheet.set_column(1, choices, 26)
            sheet.freeze_panes(1, 1)
