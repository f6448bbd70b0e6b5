"""Options that commands share."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

import click

from calib.words import current_language, languages, set_language

if TYPE_CHECKING:
    from calib.requests import Request

__all__ = [
    "FILE",
    "FOLDER",
    "NearestGroup",
    "framework_option",
    "lang_option",
    "listed",
    "option_of",
    "out_option",
    "seed_option",
]

FILE = click.Path(path_type=Path, dir_okay=False)
FOLDER = click.Path(path_type=Path, file_okay=False)

_AS_STATED = object()


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
    from calib.cli.help import speak_click, spoken

    if value is not None:
        set_language(value)
        speak_click()
        spoken(ctx.command, _path(ctx))
    return current_language()


def _path(ctx: click.Context) -> str:
    """Return a command's name with those of its groups."""
    if ctx.parent is None:
        return "calib"
    return f"{_path(ctx.parent)} {ctx.command.name}"


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


def framework_option() -> Callable[[Any], Any]:
    """Return the option ``--framework``: the framework that files are for."""
    return click.option("--framework", default="aii", show_default=True,
                        help="Framework (name or file).")  # fmt: skip


def seed_option() -> Callable[[Any], Any]:
    """Return the option ``--seed`` of everything random."""
    return click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True,
                        help="Seed of everything random.")  # fmt: skip


def out_option(help: str, *, required: bool = False, default: Path | None = None,
               folder: bool = False) -> Callable[[Any], Any]:  # fmt: skip
    """Return the option ``--out``: what is written."""
    return click.option("-o", "--out", type=FOLDER if folder else FILE, help=help,
                        required=required, default=default,
                        show_default=default is not None)  # fmt: skip


def listed(text: str | None) -> tuple[str, ...]:
    """Return the words of a list with commas, of either language."""
    return tuple(w.strip() for w in re.split("[,，、]", text or "") if w.strip())


def option_of(
    request: type[Request],
    field: str,
    *,
    flag: str | None = None,
    type: Any = None,
    default: Any = _AS_STATED,
    help: str = "",
    several: bool | None = None,
) -> Callable[[Any], Any]:
    """Return the option of a field of a method's request: name, help, default and type from it.

    Parameters
    ----------
    request : the method's options
    field : one of them
    flag : in place of ``--<field>``
    type, default, help : in place of what the field states, where the command takes its own form
    several : whether it may be repeated; if None, where the field takes a tuple
    """
    info = request.model_fields[field]
    kind, repeated = _kind(info.annotation, info.metadata)
    several = repeated if several is None else several
    stated = info.get_default(call_default_factory=True) if default is _AS_STATED else default
    if several and isinstance(stated, str):
        stated = (stated,)
    text = help or _sentence(info.description or "")
    name = flag or f"--{field.replace('_', '-')}"
    if kind is bool and type is None:
        # A flag with two sides can also stay unsaid.
        unsaid = stated is None and "/" in name
        default = None if unsaid else bool(stated)
        return click.option(name, field, is_flag=True, default=default, help=text)
    if default is _AS_STATED and info.is_required():
        return click.option(name, field, type=type or kind, required=True, help=text)
    return click.option(
        name, field, type=type or kind, multiple=several, help=text,
        default=stated, show_default=stated not in (None, ()),
    )  # fmt: skip


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}." if text else ""


def _kind(annotation: Any, metadata: Any) -> tuple[Any, bool]:
    """Return the type of an option, and whether it may be repeated."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _kind(inner[0], inner[1:])
    if origin is Literal:
        return click.Choice([str(v) for v in inner]), False
    if origin in (Union, UnionType):
        first = next(a for a in inner if a is not NoneType)
        kind, several = _kind(first, metadata)
        return kind, several or any(get_origin(a) is tuple for a in inner)
    if origin is tuple:
        return _kind(inner[0], metadata)[0], True
    if annotation in (int, float):
        return _range(annotation, metadata), False
    return annotation, False


def _range(number: Any, metadata: Any) -> Any:
    """Return the range of a number, from its limits."""
    limits: dict[str, Any] = {}
    # Limits inside Annotated stand in a field of their own.
    for part in (p for m in metadata for p in getattr(m, "metadata", [m])):
        for own, name, is_open in _LIMITS:
            value = getattr(part, own, None)
            if value is not None:
                limits |= {name: value, f"{name}_open": is_open}
    if not limits:
        return number
    return (click.IntRange if number is int else click.FloatRange)(**limits)


_LIMITS = (
    ("ge", "min", False), ("gt", "min", True), ("le", "max", False), ("lt", "max", True),
)  # fmt: skip
