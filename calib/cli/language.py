"""``calib lang``: the language that the command line speaks."""

from __future__ import annotations

import click

from calib.words import current_language, languages, say, set_language

__all__ = ["lang"]


@click.command()
@click.argument("language", required=False, type=click.Choice(languages()))
def lang(language: str | None) -> None:
    """Remember the LANGUAGE of the command line, zh or en; without one, tell which it is.

    --lang and CALIB_LANG come before it.
    """
    from calib.files.preferences import remember_language

    if language is None:
        click.echo(say("cli.lang_is"))
        return
    file = remember_language(language)
    set_language(language)
    click.echo(say("cli.lang_is", current_language()))
    click.echo(say("cli.lang_kept", file=str(file)))
