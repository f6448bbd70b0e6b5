"""``calib frameworks``."""

from __future__ import annotations

import click

__all__ = ["frameworks"]


@click.command()
@click.argument("name", required=False)
@click.option("--lang", type=click.Choice(["en", "zh"]), default="en", show_default=True)
def frameworks(name: str | None, lang: str) -> None:
    """List the shipped frameworks, or show the tree, weights and rule of one (NAME or file)."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from calib.framework import list_frameworks, load_framework

    console = Console(soft_wrap=True)
    if name is None:
        table = Table()
        for head in ("name", "version", "title", "tracks", "indicators"):
            table.add_column(head)
        for code in list_frameworks():
            fw = load_framework(code)
            tracks = ", ".join(escape(t.name.get(lang)) for t in fw.tracks.values())
            leaves = ", ".join(str(len(t.leaves)) for t in fw.tracks.values())
            table.add_row(code, escape(fw.version), escape(fw.name.get(lang)), tracks, leaves)
        console.print(table)
        return
    fw = load_framework(name)
    console.print(f"[bold]{escape(fw.name.get(lang))}[/bold] ({fw.code} {escape(fw.version)})")
    if fw.source:
        console.print(escape(fw.source))
    for note in fw.notes:
        console.print(f"• {escape(note.get(lang))}")
    rule = fw.rule
    edges = ", ".join(f"{b:g}" for b in rule.bands)
    console.print(f"bands at {edges}: {', '.join(escape(n.get(lang)) for n in rule.labels)}")
    for key, gates in rule.gates.items():
        console.print(f"gates ({key}): {', '.join(f'{v:g}' for v in gates.values)}")
    for key, values in rule.choices().items():
        console.print(f"reading {key}: {' | '.join(values)}")
    for code, track in fw.tracks.items():
        table = Table(title=f"{escape(track.name.get(lang))} ({len(track.leaves)} indicators)",
                      title_justify="left")  # fmt: skip
        for head in ("code", "name", "local", "global"):
            table.add_column(head, justify="right" if head in ("local", "global") else "left")
        whole = track.global_weights(fw.published[code])
        for i, node in enumerate(track.nodes):
            indent = "  " * (node.depth - 1)
            mark = " (provisional)" if node.status == "provisional" else ""
            table.add_row(indent + node.code, escape(node.name.get(lang)) + mark,
                          f"{fw.published[code][i]:.4f}", f"{whole[i]:.4f}")  # fmt: skip
        console.print(table)
