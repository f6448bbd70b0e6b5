"""The help of the command line in the reader's language, and what click itself says.

The English stands in the commands, as docstrings and descriptions of requests; another language in
``calib/locale/help.<language>.toml``. What click says is translated by gettext, as click wants it.
"""

from __future__ import annotations

import gettext
import os
import tomllib
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from weakref import WeakKeyDictionary

import click

from calib.words import current_language

__all__ = ["SpokenContext", "click_speaks", "line", "speak_click", "spoken"]

_English = dict[str, str | None]
_english: WeakKeyDictionary[click.Command, _English] = WeakKeyDictionary()
"""What commands and their options say as they are written; "" is the command's own help."""


@cache
def texts(lang: str) -> Mapping[str, Mapping[str, str]]:
    """Return the help of a language by command, the empty table for English."""
    place = files("calib") / "locale" / f"help.{lang}.toml"
    return tomllib.loads(place.read_text(encoding="utf-8")) if place.is_file() else {}


def line(path: str, english: str) -> str:
    """Return a command's line in the list of its group, in the current language."""
    return texts(current_language()).get(path, {}).get("line", english)


def spoken(command: click.Command, path: str) -> click.Command:
    """Let the help of a command, and of those under it, speak the current language.

    Parameters
    ----------
    path : the command's name with those of its groups, ``"calib runs label"``
    """
    named = [p for p in command.params if isinstance(p, click.Option) and p.name]
    known = _english.setdefault(command, {"": command.help, **{str(p.name): p.help for p in named}})
    lang = current_language()
    own, shared = texts(lang).get(path, {}), texts(lang).get("options", {})
    command.help = own.get("text", known[""])
    command.context_class = SpokenContext
    for option in named:
        name = str(option.name)
        option.help = own.get(name) or shared.get(name) or known.get(name)
    if isinstance(command, click.Group):
        for name, child in command.commands.items():
            spoken(child, f"{path} {name}")
    return command


def speak_click() -> None:
    """Let click speak the current language from here on."""
    gettext.bindtextdomain("messages", str(files("calib") / "locale"))
    os.environ["LANGUAGE"] = current_language()


@contextmanager
def click_speaks() -> Iterator[None]:
    """Let click speak the current language within a block; the environment is left as it was."""
    before = os.environ.get("LANGUAGE")
    try:
        speak_click()
        yield
    finally:
        if before is None:
            os.environ.pop("LANGUAGE", None)
        else:
            os.environ["LANGUAGE"] = before


class SpokenContext(click.Context):
    """A context whose help is wrapped by the width that its characters take."""

    def make_formatter(self) -> click.HelpFormatter:
        """Return what lays out the help."""
        option = self.command.get_help_option(self)
        if option is not None:  # click makes it once, in the language of that moment
            option.help = gettext.gettext("Show this message and exit.")
        if current_language() == "en":
            return super().make_formatter()
        return _WideFormatter(width=self.terminal_width, max_width=self.max_content_width)


class _WideFormatter(click.HelpFormatter):
    def write_text(self, text: str) -> None:
        indent = " " * self.current_indent
        parts = [_wrapped(p, self.width - self.current_indent) for p in text.split("\n\n")]
        self.write("\n\n".join("\n".join(indent + one for one in lines) for lines in parts) + "\n")

    def write_dl(
        self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2
    ) -> None:
        listed = list(rows)
        first = min(max((_width(a) for a, _ in listed), default=0), col_max) + col_spacing
        indent = " " * self.current_indent
        for term, text in listed:
            lines = _wrapped(text, max(self.width - first - self.current_indent, 20)) or [""]
            if _width(term) > first - col_spacing:
                self.write(f"{indent}{term}\n")
                term = ""
            for one in lines:
                gap = " " * (first - _width(term))
                self.write(f"{indent}{term}{gap}{one}".rstrip() + "\n")
                term = ""


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _wrapped(text: str, width: int) -> list[str]:
    """Break text between words and between Chinese characters, not before a closing mark."""
    lines, now = [], ""
    for piece in _pieces(" ".join(text.split())):
        if now and _width(now + piece.rstrip()) > width:
            lines.append(now.rstrip())
            now = piece.lstrip()
        else:
            now += piece
    return [*lines, now.rstrip()] if now.strip() else lines


def _pieces(text: str) -> Iterator[str]:
    word = ""
    for c in text:
        wide = unicodedata.east_asian_width(c) in "WF"
        closing = wide and unicodedata.category(c) in ("Po", "Pe", "Pf")
        after = word and unicodedata.east_asian_width(word[-1]) in "WF"
        opening = word and unicodedata.category(word[-1]) in ("Ps", "Pi")
        if word and not closing and not opening and (wide or after or word[-1] == " "):
            yield word
            word = ""
        word += c
    if word:
        yield word
