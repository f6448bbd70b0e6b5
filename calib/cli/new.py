"""``calib new``: a round to be filled in and run."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from calib.cli.options import lang_option, listed

__all__ = ["new"]


@click.command()
@click.argument("name", required=False)
@click.option("--framework", help="Framework (name or file); asked if not given.")
@click.option("--with", "parts", help="Beside answers: weights, ballots, both by comma, or none.")
@click.option("--answers", type=click.Path(path_type=Path, dir_okay=False),
              help="Answers that are there already: a table, or the export of a survey "
              "platform; no workbook for them is written.")  # fmt: skip
@click.option("-o", "--out", type=click.Path(path_type=Path, file_okay=False),
              help="Folder; NAME if not given.")  # fmt: skip
@lang_option("files")
def new(
    name: str | None, framework: str | None, parts: str | None, answers: Path | None,
    out: Path | None, lang: str,
) -> None:  # fmt: skip
    """Start a round: an experiment file, and workbooks for answers, weights and ballots.

    Asks its name, the framework, and what is compared with the published weights. Fill the
    workbooks in and run the experiment; nothing that exists is replaced.
    """
    from calib.framework import list_frameworks, load_framework
    from calib.templates import write_round
    from calib.words import say

    asking = sys.stdin.isatty() and sys.stdout.isatty()

    def ask(key: str, default: str) -> str:
        if not asking:
            return default
        return str(click.prompt(say(f"templates.ask.{key}", lang), default=default))

    name = name or ask("name", "round-1")
    if framework is None:
        known = ", ".join(list_frameworks())
        click.echo(say("templates.ask.known", lang, known=known), err=True)
        framework = ask("framework", "aii")
    usual = "weights" if answers is None else "none"
    chosen = parts if parts is not None else ask("parts", usual)
    parts_of = [p for p in listed(chosen) if p != "none"]
    made = write_round(
        out or Path(name), load_framework(framework), name=name, parts=parts_of,
        answers=answers, lang=lang,
    )  # fmt: skip
    click.echo(say("templates.written", lang, file=str(made.experiment)))
    for path in made.workbooks:
        click.echo(say("templates.fill", lang, file=str(path)))
    click.echo(say("templates.then", lang, file=str(made.experiment)))
