"""Where the shipped data lies: inside an installed package, or at the top of a checkout."""

from __future__ import annotations

from pathlib import Path

__all__ = ["shipped_data", "shipped_experiments", "shipped_notebooks"]

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
