"""Options that commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from calib.words import current_language, languages, set_language

__all__ = ["NearestGroup", "lang_option"]


class NearestGroup(click.Group):
    """A group that answers a mistyped command with the nearest one, in the current language."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that the first word means."""
        from calib.errors import unknown

        known = self.list_commands(ctx)
        if args and args[0] not in known and not args[0].startswith("-"):
            ctx.fail(str(unknown("cli.no_command", args[0], known)))
        return super().resolve_command(ctx, args)


def _speak(ctx: click.Context, option: click.Parameter, value: str | None) -> str:
    """Let everything that follows, errors among it, be said in the chosen language."""
    if value is not None:
        set_language(value)
    return current_language()


def lang_option(of: str = "output") -> Callable[[Any], Any]:
    """Return the option ``--lang``: the language of output, progress and errors.

    Without it the command speaks the language of ``CALIB_LANG``; else the one that ``calib lang``
    remembers; else English.

    Parameters
    ----------
    of : what is in this language, for the help
    """
    return click.option(
        "--lang", type=click.Choice(languages()), callback=_speak, is_eager=True,
        help=f"Language of the {of} and of messages. Default: CALIB_LANG, calib lang, en.",
    )  # fmt: skip
