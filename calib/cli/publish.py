"""``calib publish``, ``calib explore`` and ``calib export``: results for others to read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from calib.cli.options import FILE, FOLDER, lang_option, out_option
from calib.cli.timing import tell, working
from calib.words import say

if TYPE_CHECKING:
    from calib.publish.privacy import Privacy

__all__ = ["explore", "export", "publish"]

_LANG = lang_option("pages")
_ANONYMISE = click.option(
    "--anonymise", is_flag=True, help="Show pseudonyms in place of enterprises."
)
_KEY = click.option(
    "--key", "key_file", type=FILE,
    default=Path("pseudonyms.key"), show_default=True,
    help="Secret of the pseudonyms; made if it is not there. Keep it, and keep it to yourself.",
)  # fmt: skip


@click.command()
@click.argument("experiment")
@click.option("--notebook", "notebooks", multiple=True, type=click.Path(path_type=Path),
              help="Notebook to execute, may repeat. Default: the shipped ones that fit.",
)  # fmt: skip
@click.option("--no-notebooks", is_flag=True, help="Publish without notebooks.")
@out_option("Folder of the site.", default=Path("site"), folder=True)
@_LANG
@_ANONYMISE
@click.option("--min-count", type=click.IntRange(min=1),
              help="Suppress counts under this many enterprises. "
              "Default: 3 with --anonymise, else 1.")  # fmt: skip
@click.option("--answers/--no-answers", default=None,
              help="Publish the explorer, and notebooks that recompute: both hold the scores of "
              "every enterprise. "
              "Default: not with --anonymise or a --min-count.")  # fmt: skip
@_KEY
@click.option("--preview", is_flag=True,
              help="Publish nothing; print what would be kept back, and why.")  # fmt: skip
def publish(
    experiment: str, notebooks: tuple[Path, ...], no_notebooks: bool, out: Path, lang: str,
    anonymise: bool, min_count: int | None, answers: bool | None, key_file: Path, preview: bool,
) -> None:  # fmt: skip
    """Publish EXPERIMENT (a file, or a shipped one's name) as a site that opens offline.

    Runs the experiment, executes notebooks with it, and writes an index, the results, one page a
    notebook, the weight explorer, and downloads. With --anonymise, every file is searched for
    names and ids of the enterprises before anything is published.
    """
    from calib.experiment import load_experiment
    from calib.files.atomic import check_directory
    from calib.publish.privacy import Privacy
    from calib.publish.select import fitting_notebooks
    from calib.publish.site import build_site
    from calib.publish.view import open_view

    privacy = _privacy(anonymise, min_count, key_file)
    if preview:
        _preview(experiment, lang, privacy)
        return
    check_directory(out)
    loaded = load_experiment(experiment)
    chosen = [] if no_notebooks else list(notebooks) or fitting_notebooks(loaded)
    tell(say("cli.experiment", name=loaded.name))
    view = open_view(experiment, lang=lang, privacy=privacy)
    file = Path(experiment)
    filling: dict[str, Any] = {
        "experiment": str(file.resolve()) if file.exists() else experiment, "language": lang,
    }  # fmt: skip
    if privacy != Privacy():
        filling["privacy"] = {"min_count": privacy.min_count}
        if privacy.key is not None:
            filling["privacy"]["key_file"] = str(key_file.resolve())
    site = build_site(
        view, out, notebooks=chosen, filling=filling,
        answers=privacy == Privacy() if answers is None else answers,
        secrets=_secrets(experiment) if anonymise else (),
        progress=tell,
    )  # fmt: skip
    click.echo(say("cli.site", file=str(site.folder / "index.html")))


def _preview(experiment: str, lang: str, privacy: Privacy) -> None:
    from calib.publish.preview import losses_summary, losses_table
    from calib.publish.view import open_view
    from calib.report import print_table

    view = open_view(experiment, lang=lang, privacy=privacy)
    click.echo(losses_summary(view).get(lang))
    table = losses_table(view)
    if len(table.frame):
        print_table(table, lang)


def _privacy(anonymise: bool, min_count: int | None, key_file: Path) -> Privacy:
    from calib.publish.privacy import Privacy, read_key

    key = read_key(key_file) if anonymise else None
    return Privacy(key, min_count if min_count is not None else (3 if anonymise else 1))


def _secrets(experiment: str) -> tuple[str, ...]:
    """Return the names and ids of the experiment's enterprises, to search for."""
    from calib._streams import stream
    from calib.experiment import load_experiment
    from calib.population import resolve_population
    from calib.publish.leaks import secret_words

    loaded = load_experiment(experiment)
    population = resolve_population(
        loaded.population, loaded.framework, loaded.folder, lambda path: None,
        rng=stream(loaded.seed, "population"),
    )  # fmt: skip
    return secret_words(population)


@click.command()
@click.argument("experiment")
@out_option("The page.", default=Path("explorer.html"))
@_LANG
@_ANONYMISE
@_KEY
def explore(experiment: str, out: Path, lang: str, anonymise: bool, key_file: Path) -> None:
    """Write the weight explorer of EXPERIMENT: one page that works offline.

    The page holds the scores of every enterprise. Its exported weight sets are files that an
    experiment can name: source = "file".
    """
    from calib.publish.explorer import explorer_page, write_explorer
    from calib.publish.view import open_view

    working(say("cli.experiment", name=experiment))
    view = open_view(experiment, lang=lang, privacy=_privacy(anonymise, 1, key_file))
    page = explorer_page(
        view.run.context.scored, view.run.sets, baseline=view.run.context.baseline, lang=lang,
        shifts=view.shifts(),
    )  # fmt: skip
    click.echo(say("cli.page", file=str(write_explorer(out, page))))


@click.command()
@click.argument("run", type=FOLDER)
@out_option("The workbook.", default=Path("book.xlsx"))
@_LANG
def export(run: Path, out: Path, lang: str) -> None:
    """Write RUN (a folder that calib run wrote) as an Excel workbook.

    Files of the run that are not as the manifest's hashes say are named, here and in the workbook.
    """
    from calib.publish.run_workbook import changed_files, export_run

    edited = changed_files(run)
    working(say("cli.doing_write", file=str(out)))
    path = export_run(run, out, lang=lang)
    if edited:
        click.echo(say("cli.changed", files=edited), err=True)
    click.echo(say("cli.workbook", file=str(path)))
