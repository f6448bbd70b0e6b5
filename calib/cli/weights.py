"""``calib weights``: compare, convert and round weight sets."""

from __future__ import annotations

from pathlib import Path

import click

from calib.cli.options import framework_option, lang_option, out_option

__all__ = ["weights"]


@click.command()
@click.argument("file")
@framework_option()
@click.option("--against", help="Compare with this weight set (a file; published if not given).")
@click.option("--round", "grid", type=float, help="Round to this grid, for instance 0.01.")
@out_option("Write the set as .toml, .csv, .xlsx or .parquet.")
@lang_option("names")
def weights(
    file: str, framework: str, against: str | None, grid: float | None, out: Path | None, lang: str
) -> None:
    """Show a weight set (FILE, or "published") beside another; round or convert it."""
    from calib.framework import load_framework
    from calib.report import Table, print_table
    from calib.weights import (
        compare_weights,
        distance_table,
        read_weights,
        round_weights,
        write_weights,
    )
    from calib.words import message

    fw = load_framework(framework)
    own, other = read_weights(file, fw), read_weights(against or "published", fw)
    if grid is not None:
        own = round_weights(own, grid)
    columns = ["track", "code", "local_weight", "baseline_local", "local_pp", "global_weight",
               "global_pp"]  # fmt: skip
    frame = compare_weights(other, own)[columns]
    title = message("cli.against", own=own.called, other=other.called)
    print_table(Table("weights", frame, title, len(frame)), lang, fw.names)
    for row in distance_table(own, other).itertuples():
        said = message(
            "cli.distance",
            track=fw.names.get(row.track, row.track),
            level=fw.names.get(row.level, row.level),
            tv=f"{row.total_variation:.4f}",
            aitchison=f"{row.aitchison:.4f}",
        )
        click.echo(said.get(lang))
    if own.provenance.detail:
        click.echo(own.provenance.get(lang))
    if out is not None:
        write_weights(own, out)
        click.echo(message("cli.wrote", file=str(out)).get(lang))
