"""Where the shipped data lies: inside an installed package, or at the top of a checkout."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from calib.errors import InputError, unknown

__all__ = ["shipped_data", "shipped_experiments", "shipped_file", "shipped_notebooks"]

_PACKAGE = Path(__file__).resolve().parent.parent


def _folder(name: str) -> Path:
    packed = _PACKAGE / "_shipped" / name
    return packed if packed.is_dir() else _PACKAGE.parent / name


def shipped_data() -> Path:
    """Return the folder of shipped data."""
    return _folder("data")


def shipped_experiments() -> Path:
    """Return the folder of shipped experiment files."""
    return _folder("experiments")


def shipped_notebooks() -> Path:
    """Return the folder of shipped notebooks."""
    return _folder("notebooks")


def shipped_file(
    path: str | os.PathLike[str],
    shipped: Mapping[str, Path],
    key: str,
    *,
    folder: Path = Path(),
    more: Iterable[str] = (),
) -> Path | None:
    """Return the file of something shipped that goes by its name, None for any other path.

    Parameters
    ----------
    path : a name; or a path: what has an ending, or is there
    shipped : files by name
    key : of the message that says that ``path`` is neither; see :func:`calib.errors.unknown`
    folder : where a relative path starts
    more : names that mean something else, to be listed too

    Raises
    ------
    InputError
        For what is neither a file nor a name.
    """
    if Path(path).suffix or (folder / path).exists():
        return None
    name = str(path)
    if name not in shipped:
        raise InputError(unknown(key, name, [*more, *shipped]))
    return shipped[name]
