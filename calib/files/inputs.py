"""Files that a user gives to be read: only regular ones, and never overwritten by the command."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import tomllib
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from calib.errors import InputError
from calib.words import Message, message

__all__ = [
    "check_output",
    "file_digest",
    "keep_inputs",
    "note_digest",
    "note_input",
    "parse_toml",
    "read_input",
    "read_toml",
    "release_input",
]

MOST_TOML_BYTES = 20_000_000
MOST_NESTING = 60
"""Tables and lists within each other that a TOML file may have."""

_KEPT: ContextVar[dict[str, Message] | None] = ContextVar("files of this command", default=None)


@contextlib.contextmanager
def keep_inputs() -> Iterator[None]:
    """Refuse, inside the block, to write over a file that was read or written in it.

    The command line runs every command inside; in Python, a file may be read and written again.
    """
    token = _KEPT.set({})
    try:
        yield
    finally:
        _KEPT.reset(token)


def _key(path: str | os.PathLike[str]) -> str:
    return os.path.normcase(os.path.realpath(path))


def note_input(path: str | os.PathLike[str]) -> None:
    """Note a file that is read, and refuse what is none.

    Raises
    ------
    InputError
        When there is no such file, or it is a folder, pipe or device.
    """
    try:
        kind = os.stat(path).st_mode
    except FileNotFoundError as exc:
        raise InputError(message("faults.no_such_file_2", path=os.fspath(path))) from exc
    except ValueError as exc:  # a NUL in the name
        raise InputError(
            message("faults.no_name_of_a_file", path=repr(os.fspath(path)), exc=exc)
        ) from exc
    except OSError as exc:
        raise InputError(
            message("faults.cannot_be_read", path=os.fspath(path), strerror=exc.strerror)
        ) from exc
    if not stat.S_ISREG(kind):
        what = message("faults.a_folder" if stat.S_ISDIR(kind) else "faults.a_pipe_or_device")
        raise InputError(
            message("faults.is_expected_a_regular_file", path=os.fspath(path), what=what)
        )
    kept = _KEPT.get()
    if kept is not None:
        kept[_key(path)] = message("faults.is_read")


def check_output(path: str | os.PathLike[str]) -> None:
    """Refuse, inside :func:`keep_inputs`, a file that was read or written before; note it else.

    Raises
    ------
    InputError
        Naming the file and why.
    """
    kept = _KEPT.get()
    if kept is None:
        return
    key = _key(path)
    if key in kept:
        raise InputError(
            message("faults.and_is_not_overwritten_choose", path=os.fspath(path), kept=kept[key])
        )
    kept[key] = message("faults.is_output")


def release_input(path: str | os.PathLike[str]) -> None:
    """Let a file that was read be written anew: a record that the command keeps up to date."""
    kept = _KEPT.get()
    if kept is not None:
        kept.pop(_key(path), None)


def read_input(path: str | os.PathLike[str], *, most: int | None = None) -> bytes:
    """Return the bytes of a regular file.

    Parameters
    ----------
    most : refuse a larger file

    Raises
    ------
    InputError
        When it is missing, is no regular file, cannot be read or is too large.
    """
    note_input(path)
    try:
        if most is not None and os.stat(path).st_size > most:
            raise InputError(
                message("faults.is_larger_than_bytes", path=os.fspath(path), most=f"{most:,}")
            )
        return Path(path).read_bytes()
    except OSError as exc:
        raise InputError(
            message("faults.cannot_be_read", path=os.fspath(path), strerror=exc.strerror)
        ) from exc


def file_digest(path: str | os.PathLike[str]) -> str:
    """Return the SHA-256 of a file."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def note_digest(digests: dict[str, str], name: str, path: Path) -> None:
    """Note the SHA-256 of a file under a name; another file of the same name stands beside it."""
    digest = file_digest(path)
    if digests.setdefault(name, digest) != digest:
        digests[f"{name} ({digest[:8]})"] = digest


def read_toml(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return the contents of a TOML file in UTF-8.

    Raises
    ------
    InputError
        When it cannot be read, is no TOML, or is nested too deeply.
    """
    return parse_toml(read_input(path, most=MOST_TOML_BYTES), os.fspath(path))


def parse_toml(raw: bytes, file: str) -> dict[str, Any]:
    """Return the contents of a TOML file from its bytes; see :func:`read_toml`."""
    try:
        document = tomllib.loads(raw.decode("utf-8"))
    except ValueError as exc:  # no UTF-8, no TOML, or a number of too many digits
        raise InputError(message("faults.cannot_be_read_as_toml", file=file, exc=exc)) from exc
    except RecursionError:
        document = None
    if document is None or _too_deep(document):
        raise InputError(
            message("faults.is_nested_too_deeply_expected", file=file, most_nesting=MOST_NESTING)
        )
    return document


def _too_deep(document: Any) -> bool:
    level: list[Any] = [document]
    for _ in range(MOST_NESTING):
        below = [v for x in level for v in (x.values() if isinstance(x, dict) else x)]
        level = [v for v in below if isinstance(v, dict | list)]
        if not level:
            return False
    return True
