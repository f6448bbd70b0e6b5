"""``calib run`` and ``calib demo``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from calib.experiment import Run

__all__ = ["demo", "run"]

MOST_ROWS = 12
"""With more sets than this, the terminal shows those that the experiment file names."""
_LANG = click.option(
    "--lang", type=click.Choice(["en", "zh"]), default="en", show_default=True,
    help="Language of the report and figures.",
)  # fmt: skip
_OUT = click.option(
    "-o", "--out", type=click.Path(path_type=Path, file_okay=False), default=Path("runs"),
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
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    from calib.experiment import Step, load_experiment, run_experiment, write_run

    experiment = load_experiment(file)
    console = Console(stderr=True, quiet=quiet)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(experiment.name, total=None)

        def show(step: Step) -> None:
            bar.update(task, description=step.text, completed=step.number - 1, total=step.of)

        done = run_experiment(
            experiment, seed=seed, workers=workers, scheduler=scheduler, progress=show
        )
        bar.update(task, description="writing the report")
        command = ["calib", *sys.argv[1:]]
        kept: list[str] = []
        folder = write_run(done, out, lang=lang, command=command, notice=kept.append)
    for text in kept:
        click.echo(text, err=True)
    print_stars(done, lang)
    click.echo(f"{'报告' if lang == 'zh' else 'report'}: {folder / 'report.html'}")
    return folder


def print_stars(run: Run, lang: str) -> None:
    """Print the star distribution of every set of a run."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from calib.outcomes.comparison import transition_matrix

    zh = lang == "zh"
    console = Console(soft_wrap=True)
    if run.context.scored.synthetic:
        text = "合成数据，不含真实企业" if zh else "synthetic data, no real enterprise"
        console.print(escape(f"{run.context.scored.label}: {text}"))
    table = Table(title=escape(run.experiment.title.get(lang)), title_justify="left")
    table.add_column("方案" if zh else "set")
    for label in run.experiment.framework.rule.labels:
        table.add_column(escape(label.get(lang)), justify="right")
    for word in ("降级", "上升", "下降") if zh else ("downgraded", "up", "down"):
        table.add_column(word, justify="right")
    base = run.ratings[run.context.baseline]
    further = [n for n in run.ratings if "/" in n and n != run.context.baseline]
    for name, rating in run.ratings.items():
        if len(run.ratings) > MOST_ROWS and name in further:
            continue
        matrix = transition_matrix(rating, base)
        up = sum(int(matrix[i, i + 1 :].sum()) for i in range(len(matrix)))
        down = int(matrix.sum() - matrix.trace()) - up
        mark = (" (基准)" if zh else " (baseline)") if name == run.context.baseline else ""
        cells = [str(c) for c in rating.counts()] + [str(rating.downgrades), str(up), str(down)]
        table.add_row(escape(run.context.said(name, name, lang) + mark), *cells)
    console.print(table)
    if len(run.ratings) > MOST_ROWS and further:
        text = "另有 {} 个方案，见报告" if zh else "and {} further sets, in the report"
        console.print(text.format(len(further)))
