"""``calib runs``: what was run, under names of one's own; two runs compared; a trash."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from calib.cli.options import FILE, FOLDER, NearestGroup, lang_option
from calib.words import current_language, say

if TYPE_CHECKING:
    from calib.experiment.history import PastRun
    from calib.report import Table

__all__ = ["runs"]

_LANG = lang_option("output")


def _folder(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "-o", "--out", "folder", type=FOLDER,
        help="Folder of runs.  [default: runs]",
    )(command)  # fmt: skip


def _chosen(folder: Path | None) -> Path:
    """Return the folder given after the subcommand, else before it, else ``runs``."""
    parent = click.get_current_context().parent
    before = parent.params.get("folder") if parent is not None else None
    return folder or before or Path("runs")


@click.group(cls=NearestGroup, invoke_without_command=True)
@_folder
@click.option("--trash", is_flag=True, help="List what was removed.")
@_LANG
@click.pass_context
def runs(ctx: click.Context, folder: Path | None, trash: bool, lang: str) -> None:
    """List runs, the newest first; label, compare, remove and restore them.

    A run is meant by its label, its id or the first characters of it, the name of its experiment
    (the newest run of it), or "latest".
    """
    if ctx.invoked_subcommand is None:
        _list(folder or Path("runs"), trash, lang)


def _list(folder: Path, trash: bool, lang: str) -> None:
    from calib.experiment.history import past_runs
    from calib.report import print_table

    found = past_runs(folder, trash=trash)
    if not found:
        click.echo(say("runs.none_in_trash" if trash else "runs.none_here", folder=str(folder)))
        return
    print_table(_table(found, trash), lang)


def _table(found: list[PastRun], trash: bool) -> Table:
    import pandas as pd

    from calib.report import Column, Role, Table
    from calib.words import message

    rows = []
    for run in found:
        advice = run.advice and message(f"outcomes.decision.advice.{run.advice}")
        rows.append((run.label, run.experiment, run.folder.name, run.finished, _sets(run),
                     advice, "" if trash else _since(run)))  # fmt: skip
    keys = ("label", "experiment", "run", "finished", "sets", "advice", "since")
    columns = [Column(k, Role.TEXT, label=message(f"runs.column.{k}")) for k in keys]
    frame = pd.DataFrame(rows, columns=list(keys))
    empty = [k for k in ("label", "advice") if not any(frame[k])] + ["since"] * trash
    return Table(
        "runs", frame.drop(columns=empty), message("runs.trash" if trash else "runs.title"),
        rows=len(rows), declared=tuple(columns),
    )  # fmt: skip


def _sets(run: PastRun) -> str:
    names = [s for s in run.sets if "/" not in s]
    return ", ".join(names[:4]) + (f" … ({len(names)})" if len(names) > 4 else "")


def _since(run: PastRun) -> object:
    from calib.experiment.history import changed_inputs
    from calib.words import joined, message

    changes = changed_inputs(run)
    if changes is None:
        return message("runs.not_known")
    if not changes:
        return message("runs.as_read")
    shown = [message("runs.change", name=c.name, what=c.what) for c in changes[:3]]
    return joined([*shown, *(["…"] if len(changes) > 3 else [])])


@runs.command()
@click.argument("run")
@click.argument("text")
@_folder
@_LANG
def label(run: str, text: str, folder: Path | None, lang: str) -> None:
    """Call RUN by a name of your own, TEXT; "" takes it away."""
    from calib.experiment.history import label_run

    for done in label_run(_chosen(folder), run, text):
        key = "runs.labelled" if done.label else "runs.unlabelled"
        click.echo(say(key, run=str(done.folder), label=done.label))


@runs.command()
@click.argument("first")
@click.argument("second")
@click.option("--page", type=FILE,
              help="The page.  [default: compared.html in the folder of runs]")  # fmt: skip
@_folder
@_LANG
def compare(first: str, second: str, page: Path | None, folder: Path | None, lang: str) -> None:
    """Show what differs between FIRST and SECOND: stars, movers, weights, inputs."""
    from calib.experiment.history import find_run
    from calib.experiment.run_comparison import compare_runs, comparison_page
    from calib.files.atomic import write_text
    from calib.report import print_table

    place = _chosen(folder)
    one, two = (_spoken(find_run(place, word)) for word in (first, second))
    found = compare_runs(one, two)
    click.echo(found.headline().get(lang))
    for note in found.notes:
        click.echo(note.get(lang))
    for table in found.tables:
        if len(table.frame):
            print_table(table, lang, found.names)
        else:
            click.echo(say("runs.none_of", table=table.title))
    file = page or place / "compared.html"
    write_text(file, comparison_page(found, lang))
    click.echo(say("cli.page", file=str(file)))


def _spoken(found: list[PastRun]) -> PastRun:
    """Return the run in the current language if there is one; its numbers are those of any."""
    own = [r for r in found if r.language == current_language()]
    return (own or found)[0]


@runs.command("rm")
@click.argument("run")
@_folder
@_LANG
def remove(run: str, folder: Path | None, lang: str) -> None:
    """Move RUN into the trash of the folder of runs; calib runs restore brings it back."""
    from calib.experiment.history import remove_run

    for place in remove_run(_chosen(folder), run):
        click.echo(say("runs.removed", run=place.name, folder=str(place)))


@runs.command("empty")
@click.option("--yes", is_flag=True, help="Do not ask.")
@_folder
@_LANG
def empty(yes: bool, folder: Path | None, lang: str) -> None:
    """Empty the trash: runs in it are deleted for good, after a question."""
    from calib.experiment.history import empty_trash, past_runs

    place = _chosen(folder)
    found = past_runs(place, trash=True)
    if not found:
        click.echo(say("runs.none_in_trash", folder=str(place)))
        return
    if not yes and not click.confirm(say("runs.really_empty", n=len(found)), default=False):
        return
    click.echo(say("runs.emptied", n=empty_trash(place)))


@runs.command()
@click.argument("run")
@_folder
@_LANG
def restore(run: str, folder: Path | None, lang: str) -> None:
    """Take RUN out of the trash."""
    from calib.experiment.history import restore_run

    for place in restore_run(_chosen(folder), run):
        click.echo(say("runs.restored", folder=str(place)))
