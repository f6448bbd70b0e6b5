"""``calib run`` and ``calib demo``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from calib.cli.options import FOLDER, lang_option
from calib.cli.timing import held

if TYPE_CHECKING:
    from calib.experiment import Run
    from calib.report import Table

__all__ = ["demo", "run"]

MOST_ROWS = 12
"""With more sets than this, the terminal shows those that the experiment file names."""
_LANG = lang_option("report")
_OUT = click.option(
    "-o", "--out", type=FOLDER, default=Path("runs"),
    show_default=True, help="Folder of runs.",
)  # fmt: skip


@click.command()
@click.argument("file")
@_LANG
@_OUT
@click.option("--seed", type=click.IntRange(min=0), help="Seed in place of the file's.")
@click.option("--workers", type=click.IntRange(min=1), default=1, show_default=True,
              help="Threads for long analyses; results do not depend on it.")  # fmt: skip
@click.option("--scheduler", help="Address of a Dask scheduler, tcp://host:port.")
@click.option("--quiet", is_flag=True, help="No progress on standard error.")
def run(
    file: str, lang: str, out: Path, seed: int | None, workers: int, scheduler: str | None,
    quiet: bool,
) -> None:  # fmt: skip
    """Run the experiment FILE (a .toml file, or the name of a shipped experiment).

    Prints the star table and the path of the report. Results go to
    OUT/<experiment>/<id>-<lang>/: tables, weights, figures, summary.json, manifest.json,
    report.html.
    """
    execute(file, lang, out, seed=seed, workers=workers, scheduler=scheduler, quiet=quiet)


@click.command()
@_LANG
@_OUT
def demo(lang: str, out: Path) -> None:
    """Run the main example: the trial sample, a synthetic reconstruction, under several sets."""
    execute("trial-comparison", lang, out)


def execute(
    file: str, lang: str, out: Path, *, seed: int | None = None, workers: int = 1,
    scheduler: str | None = None, quiet: bool = False,
) -> Path:  # fmt: skip
    """Run an experiment, write it, and show its star table; returns the run's folder."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
    )

    from calib.experiment import (
        Step,
        announcements,
        enterprises_read,
        last_run,
        load_experiment,
        run_experiment,
        write_run,
    )
    from calib.experiment.context import Context
    from calib.experiment.history import refresh_latest
    from calib.words import say

    experiment = load_experiment(file)
    console = Console(stderr=True, quiet=quiet)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
               TimeElapsedColumn())  # fmt: skip
    with held(), Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(experiment.name, total=None)

        def show(step: Step) -> None:
            bar.update(task, description=step.text, completed=step.number - 1, total=step.of)

        def ready(context: Context) -> None:
            for note in announcements(experiment, context):
                click.echo(note.get(lang), err=True)

        done = run_experiment(
            experiment, seed=seed, workers=workers, scheduler=scheduler, progress=show,
            ready=ready,
        )  # fmt: skip
        read = enterprises_read(done, last_run(out, experiment))
        bar.update(task, description=say("experiment.step_report"))
        command = ["calib", *sys.argv[1:]]
        kept: list[str] = []
        folder = write_run(done, out, lang=lang, command=command, notice=kept.append)
        refresh_latest(folder.parent)
    for text in kept:
        click.echo(text, err=True)
    click.echo(read.get(lang), err=read.warning)
    print_stars(done, lang)
    click.echo(say("cli.report", file=str(folder / "report.html")))
    return folder


def print_stars(run: Run, lang: str) -> None:
    """Print the star distribution of every set of a run."""
    from calib.report import print_table
    from calib.words import say

    scored = run.context.scored
    if scored.made_up is not None:
        click.echo(scored.made_up.get(lang))
    further = [n for n in run.ratings if "/" in n and n != run.context.baseline]
    left_out = further if len(run.ratings) > MOST_ROWS else []
    table = star_counts(run, [n for n in run.ratings if n not in left_out], lang)
    print_table(table, lang, run.experiment.framework.names)
    if left_out:
        click.echo(say("cli.further_sets", lang, n=len(left_out)))


def star_counts(run: Run, shown: list[str], lang: str) -> Table:
    """Return how many enterprises each set gives which star, and how many move."""
    import pandas as pd

    from calib.outcomes.star_differences import transition_matrix
    from calib.report import Table
    from calib.words import say

    base, first = run.ratings[run.context.baseline], run.experiment.framework.rule.first
    rows = []
    for name in shown:
        rating = run.ratings[name]
        matrix = transition_matrix(rating, base)
        up = sum(int(matrix[i, i + 1 :].sum()) for i in range(len(matrix)))
        label = run.context.said(name, name, lang)
        if name == run.context.baseline:
            label = say("cli.is_baseline", lang, name=label)
        counts = {f"star_{k}": int(c) for k, c in enumerate(rating.counts(), first)}
        down = int(matrix.sum() - matrix.trace()) - up
        held = run.experiment.framework.rule.holds_back
        lost = {"downgraded_count": rating.downgrades} if held else {}
        rows.append({"set": label, **counts, **lost, "up": up, "down": down})
    return Table("stars", pd.DataFrame(rows), run.experiment.title, rows=len(rows))
