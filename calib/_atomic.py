"""Writing aside and renaming, so that nothing half-written is ever found under its final name."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

__all__ = ["atomic_directory", "atomic_file", "write_text"]


@contextlib.contextmanager
def atomic_file(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary path beside ``path``, and rename it to ``path`` if no error occurs."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(
        prefix=f".{target.stem}-", suffix=target.suffix, dir=target.parent
    )
    os.close(handle)
    aside = Path(name)
    try:
        yield aside
        aside.chmod(0o644)
        os.replace(aside, target)
    finally:
        aside.unlink(missing_ok=True)


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write UTF-8 text in one step."""
    with atomic_file(path) as aside:
        aside.write_text(text, encoding="utf-8", newline="\n")


@contextlib.contextmanager
def atomic_directory(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary directory beside ``path``; it takes that name only when all is written.

    A directory that stands there already is replaced. A process that is killed leaves at most a
    directory named ``.unfinished-<process>-…``; the next run beside it clears it away.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    _clear_remains(target.parent)
    aside = Path(tempfile.mkdtemp(prefix=f".unfinished-{os.getpid()}-", dir=target.parent))
    aside.chmod(0o755)
    try:
        yield aside
        if target.exists():
            old = Path(tempfile.mkdtemp(prefix=f".unfinished-{os.getpid()}-", dir=target.parent))
            os.replace(target, old / target.name)
            os.replace(aside, target)
            shutil.rmtree(old, ignore_errors=True)
        else:
            os.replace(aside, target)
    finally:
        if aside.exists():
            shutil.rmtree(aside, ignore_errors=True)


def _clear_remains(folder: Path) -> None:
    """Remove what killed processes left; those of living ones are kept."""
    for path in folder.glob(".unfinished-*"):
        owner = path.name.split("-")[1]
        if not owner.isdigit() or not _alive(int(owner)):
            shutil.rmtree(path, ignore_errors=True)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True  # someone else's process
    return True
