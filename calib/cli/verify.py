"""``calib verify``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from calib.cli.options import FOLDER, lang_option

__all__ = ["verify"]


@click.command()
@click.option("-o", "--output", "folder", default="verification", show_default=True,
              type=FOLDER,
              help="Folder for the pages to file, verification-zh.html and -en.html.")  # fmt: skip
@lang_option("result")
def verify(folder: Path, lang: str) -> None:
    """Compare calib with published values, and check this installation; offline, in a minute.

    Ends with exit code 1 if a value does not agree or a check fails.
    """
    from calib.files.atomic import write_text
    from calib.report import print_table
    from calib.verification import verification_page
    from calib.verification import verify as check
    from calib.words import say

    done = check(progress=lambda tier: click.echo(say(f"verify.begins.{tier}", lang), err=True))
    print_table(done.tables[0], lang)
    click.echo(done.summary(lang))
    folder.mkdir(parents=True, exist_ok=True)
    for language in ("zh", "en"):
        write_text(folder / f"verification-{language}.html", verification_page(done, language))
    click.echo(str(folder / f"verification-{lang}.html"))
    if not done.passed:
        sys.exit(1)
