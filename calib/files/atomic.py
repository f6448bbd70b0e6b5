"""Writing aside and renaming, so that nothing half-written is ever found under its final name.

What is being written lies in a hidden folder ``.unfinished-…`` beside its target, which its
process keeps locked. The operating system frees the lock of a process that ends in whatever way,
so the next one that writes beside it can tell remains from the work of a living process, on a
shared folder too: remains are cleared, and a folder that was being replaced comes back.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from calib.errors import DiskFullError, InputError
from calib.files.folders import check_replaceable
from calib.files.inputs import check_output
from calib.files.locks import release, try_lock
from calib.words import message

__all__ = [
    "atomic_directory",
    "atomic_file",
    "atomic_files",
    "check_directory",
    "clear_remains",
    "is_unfinished",
    "link_to",
    "write_bytes",
    "write_text",
]

_PREFIX = ".unfinished-"
_LOCK, _NEW, _OLD = "lock", "new", "old"
_FULL = (errno.ENOSPC, errno.EDQUOT)


def is_unfinished(path: str | os.PathLike[str]) -> bool:
    """Return whether a path lies in what a process is writing, or left when it was killed."""
    return any(part.startswith(_PREFIX) for part in Path(path).parts)


@contextlib.contextmanager
def atomic_file(path: str | os.PathLike[str], *, new: bool = False) -> Iterator[Path]:
    """Give a path aside, of the same name, and rename it to ``path`` if no error occurs.

    Parameters
    ----------
    new : never replace a file, even one that another process makes at the same moment

    Raises
    ------
    InputError
        When something other than a regular file stands there.
    FileExistsError
        With ``new``, when a file stands there.
    DiskFullError
        When the disk has no room for it; nothing is left then, and an older file stays.
    """
    if is_unfinished(path):  # a part of what is written aside as a whole
        yield Path(path)
        return
    target = Path(os.path.realpath(path))
    _check_file(target)
    with _staging(target, Path(path)) as place:
        aside = place / target.name
        yield aside
        _flush(aside)
        if new:
            _put_new(aside, target)
            return
        if target.exists():
            shutil.copymode(target, aside)
        os.replace(aside, target)


def _put_new(aside: Path, target: Path) -> None:
    try:
        os.link(aside, target)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        if target.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target)) from None
        os.replace(aside, target)


def write_bytes(path: str | os.PathLike[str], data: bytes, *, new: bool = False) -> None:
    """Write a file in one step; ``new`` as in :func:`atomic_file`."""
    with atomic_file(path, new=new) as aside:
        try:
            aside.write_bytes(data)
        except OSError as exc:
            if exc.errno not in _FULL:
                raise
            aside.unlink(missing_ok=True)
            raise DiskFullError(Path(path), len(data), _free(aside.parent), exact=True) from exc


def write_text(path: str | os.PathLike[str], text: str, *, new: bool = False) -> None:
    """Write UTF-8 text in one step; ``new`` as in :func:`atomic_file`."""
    # What is no character stands in names of files that are not UTF-8.
    write_bytes(path, text.encode("utf-8", "backslashreplace"), new=new)


@contextlib.contextmanager
def atomic_files(folder: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a directory aside; its files take their places in ``folder`` when all are written.

    Other files of the folder stay; those of the same names are replaced.
    """
    target = Path(os.path.realpath(folder))
    with _staging(target / "files", Path(folder)) as place:
        aside = place / _NEW
        aside.mkdir()
        yield aside
        for path in sorted(p for p in aside.rglob("*") if p.is_file()):
            final = target / path.relative_to(aside)
            _check_file(final)
            final.parent.mkdir(parents=True, exist_ok=True)
            os.replace(path, final)


@contextlib.contextmanager
def atomic_directory(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a directory aside; it takes the name ``path`` only when all is written.

    A directory that stands there is replaced if calib wrote it and nobody changed it since; see
    :func:`calib.files.folders.check_replaceable`. What the block writes must hold a manifest.

    Raises
    ------
    InputError
        When what stands there is not calib's to replace.
    DiskFullError
        When the disk has no room for it; nothing is left then.
    """
    check_directory(path)
    target = Path(os.path.realpath(path))
    with _staging(target, Path(path)) as place:
        aside = place / _NEW
        aside.mkdir()
        yield aside
        _put_in_place(aside, target, place / _OLD, Path(path))


def check_directory(path: str | os.PathLike[str]) -> None:
    """Refuse a directory that :func:`atomic_directory` would not replace, before any work starts.

    Raises
    ------
    InputError
        Naming what is in it.
    """
    target = Path(os.path.realpath(path))
    clear_remains(target.parent)
    check_replaceable(target, shown=Path(path))


def _put_in_place(aside: Path, target: Path, old: Path, shown: Path) -> None:
    """Rename ``aside`` to ``target``; one that stands there moves to ``old`` first."""
    old.mkdir()
    while True:
        if os.path.lexists(target):
            check_replaceable(target, shown=shown)
            with contextlib.suppress(FileNotFoundError):  # another process took it away
                os.replace(target, old / target.name)
        try:
            os.replace(aside, target)
            return
        except OSError as exc:
            if exc.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise  # else another process put its own there meanwhile
            shutil.rmtree(old / target.name, ignore_errors=True)
        finally:
            _bring_back(old, target.parent)


def _bring_back(old: Path, folder: Path) -> None:
    """Move what was being replaced back under its name, where nothing took it."""
    for path in old.glob("*"):
        if not os.path.lexists(folder / path.name):
            os.replace(path, folder / path.name)


@contextlib.contextmanager
def _staging(target: Path, named: Path) -> Iterator[Path]:
    """Make a locked hidden folder beside ``target``; of it and its parents nothing stays behind.

    A disk that is full becomes an error that names ``named`` and the room that is missing.
    """
    made = _make_parents(target.parent)
    try:
        clear_remains(target.parent)
        with _hidden_folder(target.parent) as place:
            try:
                yield place
            except DiskFullError as exc:
                if not is_unfinished(exc.path):
                    raise
                needed = exc.needed + _size(place)
                raise DiskFullError(named, needed, exc.free, exact=False) from exc
            except OSError as exc:
                if exc.errno not in _FULL:
                    raise
                free = _free(target.parent)
                raise DiskFullError(named, _size(place), free, exact=False) from exc
    except OSError as exc:
        if exc.errno not in _FULL:
            raise
        raise DiskFullError(named, 0, _free(target.parent), exact=False) from exc
    finally:
        for folder in reversed(made):  # only those that nothing was written to go
            with contextlib.suppress(OSError):
                folder.rmdir()


def _make_parents(folder: Path) -> list[Path]:
    """Make a folder and its parents, and return those that were not there."""
    missing: list[Path] = []
    for path in (folder, *folder.parents):
        if path.exists():
            break
        missing.insert(0, path)
    folder.mkdir(parents=True, exist_ok=True)
    return missing


@contextlib.contextmanager
def _hidden_folder(parent: Path) -> Iterator[Path]:
    while True:
        place = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
        lock = None
        # A process that clears up may be quicker than the lock; then there is another folder.
        with contextlib.suppress(FileNotFoundError):
            lock = try_lock(place / _LOCK, create=True)
        if lock is not None:
            break
    try:
        yield place
    finally:
        release(lock)
        shutil.rmtree(place, ignore_errors=True)


def clear_remains(folder: str | os.PathLike[str]) -> None:
    """Clear what killed processes left in a folder; what living ones are writing is kept.

    A folder that was killed while it was being replaced comes back under its name.
    """
    parent = Path(folder)
    with contextlib.suppress(OSError):
        for place in sorted(parent.glob(f"{_PREFIX}*")):
            _clear(place, parent)


def _clear(place: Path, parent: Path) -> None:
    with contextlib.suppress(OSError):
        place.rmdir()  # killed before its lock was made
        return
    lock = None
    # Without a lock it is not of this version of calib, and stays.
    with contextlib.suppress(OSError):
        lock = try_lock(place / _LOCK, create=False)
    if lock is None:
        return
    try:
        _bring_back(place / _OLD, parent)
    finally:
        release(lock)
    shutil.rmtree(place, ignore_errors=True)


def link_to(link: Path, name: str | None) -> bool:
    """Let a link lead to what is called ``name`` beside it, in one step; None takes it away.

    Returns
    -------
    Whether it does now: not where something else than such a link stands, nor on a file system
    without links.
    """
    if link.is_symlink():
        if len(Path(os.readlink(link)).parts) != 1:
            return False
    elif link.exists():
        return False
    try:
        if name is None:
            link.unlink(missing_ok=True)
            return True
        with _staging(link, link) as place:
            (place / _NEW).symlink_to(name, target_is_directory=True)
            os.replace(place / _NEW, link)
    except (OSError, NotImplementedError):
        return False
    return True


def _check_file(target: Path) -> None:
    check_output(target)
    if target.exists() and not stat.S_ISREG(target.stat().st_mode):
        raise InputError(message("faults.is_there_and_is_no", target=target))


def _flush(path: Path) -> None:
    """Bring a file to the disk, so that a loss of power leaves the old one or the new one."""
    handle = os.open(path, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _size(folder: Path) -> int:
    return sum(p.stat().st_size for p in folder.rglob("*") if p.is_file() and p.name != _LOCK)


def _free(folder: Path) -> int:
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return 0
