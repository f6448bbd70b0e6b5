"""What a publication keeps back, and why, as a table: to look at before anything is published."""

from __future__ import annotations

from calib.publish.view import View
from calib.report import Column, Role, Table
from calib.words import Message, Text, joined, message

__all__ = ["losses_summary", "losses_table"]

_COLUMNS = (
    Column("name", Role.GROUP, label=message("publish.lost_name")),
    Column("part", Role.TEXT, label=message("publish.lost_part")),
    Column("hidden", Role.NUMBER, label=message("publish.lost_cells")),
    Column("of", Role.NUMBER, label=message("publish.lost_of")),
    Column("why", Role.TEXT, label=message("publish.lost_why")),
)


def losses_table(view: View) -> Table:
    """Return one row for each loss: the table or figure, what of it, how many cells, and why."""
    import pandas as pd

    tables = {t.name: t for t in view.run.tables}
    titles = {d.name: d.title for d in view.run.drawings}
    rows = []
    for loss in view.losses():
        figure = loss.why == "figure"
        what: Message
        if loss.columns:
            columns = tables[loss.name].columns
            what = message("publish.lost_columns", names=[columns[k].heading for k in loss.columns])
        elif loss.of:
            what = message("publish.lost_counts")
        else:
            what = message("publish.lost_figure" if figure else "publish.lost_table")
        why = message(f"publish.why.{loss.why}", least=view.privacy.min_count)
        lang = view.language
        cells = (loss.cells, loss.of) if loss.of else (None, None)
        title = titles[loss.name] if figure else tables[loss.name].title
        rows.append((title.get(lang), what.get(lang), *cells, why.get(lang)))
    frame = pd.DataFrame(rows, columns=[c.key for c in _COLUMNS])
    frame = frame.astype({"hidden": "Int64", "of": "Int64"})
    return Table("preview", frame, message("publish.preview"), rows=len(frame), declared=_COLUMNS)


def losses_summary(view: View) -> Text:
    """Return how many counts are hidden, and how uncertain each stays."""
    protection = view.protection
    if protection is None:
        return message("publish.nothing_hidden")
    few = sorted(protection.cells.small_tracks)
    said = message(
        "publish.hidden_in_all", hidden=int(protection.hidden.sum()),
        of=len(protection.hidden), small=int(protection.small.sum()),
        least=protection.min_count, width=protection.width,
    )  # fmt: skip
    if not few:
        return said
    tracks = message("publish.small_tracks", tracks=few, least=protection.min_count)
    return joined([said, tracks], message("words.semicolon"))
