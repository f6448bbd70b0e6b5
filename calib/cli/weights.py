"""``calib weights``: compare, convert and round weight sets."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["weights"]


@click.command()
@click.argument("file")
@click.option("--framework", default="aii", show_default=True)
@click.option("--against", help="Compare with this weight set (a file; published if not given).")
@click.option("--round", "grid", type=float, help="Round to this grid, for instance 0.01.")
@click.option("-o", "--out", type=click.Path(path_type=Path, dir_okay=False),
              help="Write the set as .toml, .csv, .xlsx or .parquet.")  # fmt: skip
@click.option("--lang", type=click.Choice(["en", "zh"]), default="en", show_default=True)
def weights(
    file: str, framework: str, against: str | None, grid: float | None, out: Path | None, lang: str
) -> None:
    """Show a weight set (FILE, or "published") beside another; round or convert it."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from calib.framework import load_framework
    from calib.weights import (
        WeightSet,
        compare_weights,
        distance_table,
        published_weights,
        read_weights,
        round_weights,
        write_weights,
    )

    fw = load_framework(framework)

    def read(name: str | None) -> WeightSet:
        return published_weights(fw) if name in (None, "published") else read_weights(name, fw)

    own, other = read(file), read(against)
    if grid is not None:
        own = round_weights(own, grid)
    console = Console(soft_wrap=True)
    table = Table(title=escape(f"{own.name} against {other.name}"), title_justify="left")
    for head in ("track", "code", "name", "local", "before", "pp", "global", "pp"):
        table.add_column(head, justify="left" if head in ("track", "code", "name") else "right")
    for row in compare_weights(own, other).itertuples():
        table.add_row(
            row.track, row.code, escape(getattr(row, f"name_{lang}")), f"{row.local_weight:.4f}",
            f"{row.baseline_local:.4f}", f"{row.local_pp:+.2f}", f"{row.global_weight:.4f}",
            f"{row.global_pp:+.2f}",
        )  # fmt: skip
    console.print(table)
    for row in distance_table(own, other).itertuples():
        console.print(f"{row.track} {row.level}: total variation {row.total_variation:.4f}, "
                      f"Aitchison distance {row.aitchison:.4f}")  # fmt: skip
    if own.provenance.detail:
        console.print(escape(own.provenance.detail))
    if out is not None:
        write_weights(own, out)
        click.echo(f"wrote {out}")
