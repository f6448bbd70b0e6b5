"""``calib frameworks``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from calib.cli.options import lang_option

if TYPE_CHECKING:
    from calib.framework import Framework
    from calib.report import Table

__all__ = ["frameworks"]


@click.command()
@click.argument("name", required=False)
@click.option("--explain", is_flag=True, help="How a star comes about, by a worked example.")
@click.option("--year", help="With --explain: the year whose rule is explained.")
@lang_option("names")
def frameworks(name: str | None, explain: bool, year: str | None, lang: str) -> None:
    """List the shipped frameworks, or show the tree, weights and rule of one (NAME or file)."""
    from calib.framework import load_framework
    from calib.report import print_table

    if name is None:
        print_table(_listed(lang), lang)
        return
    fw = load_framework(name)
    if explain:
        _explain(fw, year, lang)
        return
    _describe(fw, lang)
    for code in fw.tracks:
        print_table(_tree(fw, code, lang), lang)


def _explain(fw: Framework, year: str | None, lang: str) -> None:
    from calib.rating import explain_rule
    from calib.report import print_table

    options = {"year": year} if year is not None else None
    for track in fw.tracks:
        explained = explain_rule(fw, track=track, rule_options=options, lang=lang)
        click.echo(f"{fw.name.get(lang)} · {fw.tracks[track].name.get(lang)}\n")
        click.echo(explained.summary(lang) + "\n")
        for table in explained.tables:
            print_table(table, lang, fw.names)


def _listed(lang: str) -> Table:
    import pandas as pd

    from calib.framework import list_frameworks, load_framework
    from calib.report import Column, Role, Table
    from calib.words import joined, message

    rows = []
    for code in list_frameworks():
        fw = load_framework(code)
        tracks = joined(t.name for t in fw.tracks.values()).get(lang)
        leaves = joined(str(len(t.leaves)) for t in fw.tracks.values()).get(lang)
        rows.append((code, fw.version, fw.name.get(lang), tracks, leaves))
    keys = ("cli.fw_name", "cli.fw_version", "cli.fw_title", "cli.fw_tracks", "cli.fw_indicators")
    columns = tuple(Column(k, Role.TEXT, label=message(k)) for k in keys)
    frame = pd.DataFrame(rows, columns=[c.key for c in columns])
    return Table("frameworks", frame, message("cli.frameworks"), len(rows), declared=columns)


def _describe(fw: Framework, lang: str) -> None:
    from calib.words import message

    def put(key: str, **values: object) -> None:
        click.echo(message(key, **values).get(lang))

    click.echo(f"{fw.name.get(lang)} ({fw.code} {fw.version})")
    if fw.source:
        click.echo(fw.source)
    for note in fw.notes:
        click.echo(f"• {note.get(lang)}")
    put("cli.fw_bands", edges=[f"{b:g}" for b in fw.rule.bands], labels=list(fw.rule.labels))
    for key, gates in fw.rule.gates.items():
        put("cli.fw_gates", option=key, values=[f"{v:g}" for v in gates.values])
    for key, values in fw.rule.choices().items():
        put("cli.fw_rule_option", option=key, values=" | ".join(values))


def _tree(fw: Framework, code: str, lang: str) -> Table:
    import pandas as pd

    from calib.report import Column, Role, Table
    from calib.words import message

    track, local = fw.tracks[code], fw.published[code]
    whole = track.global_weights(local)
    rows = []
    for i, node in enumerate(track.nodes):
        provisional = node.status == "provisional"
        name = message("cli.fw_provisional", name=node.name) if provisional else node.name
        indent = "  " * (node.depth - 1)
        rows.append((indent + node.code, name.get(lang), local[i], whole[i]))
    indented = Column("cli.fw_code", Role.TEXT, label=message("cli.fw_code"))
    named = Column("cli.fw_name", Role.TEXT, label=message("cli.fw_name"))
    columns = [indented.key, named.key, "local_weight", "global_weight"]
    title = message("cli.fw_track", track=track.name, n=len(track.leaves))
    frame = pd.DataFrame(rows, columns=columns)
    return Table("tree", frame, title, len(rows), declared=(indented, named))
