"""Options that commands share."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import click

from calib.words import current_language, languages, set_language

__all__ = ["lang_option"]


def lang_option(of: str = "output", *, otherwise: str | None = None) -> Callable[[Any], Any]:
    """Return the option ``--lang``: the language of output, progress and errors.

    Without it the command speaks the language of ``CALIB_LANG``, English if that is not set.

    Parameters
    ----------
    of : what is in this language, for the help
    otherwise : the language of the output where neither the option nor ``CALIB_LANG`` is given,
        for what is mostly handed to others
    """

    def speak(ctx: click.Context, option: click.Parameter, value: str | None) -> str:
        if value is not None:
            # Everything that follows, errors among it, is said in this language.
            set_language(value)
        elif otherwise is not None and not os.environ.get("CALIB_LANG"):
            return otherwise
        return current_language()

    last = {None: "English", "en": "English", "zh": "Chinese"}[otherwise]
    return click.option(
        "--lang", type=click.Choice(languages()), callback=speak, is_eager=True,
        help=f"Language of the {of} and of messages. Default: CALIB_LANG, else {last}.",
    )  # fmt: skip
