"""Locks of files that the operating system frees when their process ends, in whatever way."""

from __future__ import annotations

import os
import sys
from pathlib import Path

__all__ = ["release", "try_lock"]

if sys.platform == "win32":
    import msvcrt

    def _lock(handle: int) -> None:
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def try_lock(path: Path, *, create: bool) -> int | None:
    """Lock a file, and return its handle; None if another process holds it or took it away.

    Raises
    ------
    FileNotFoundError
        When the file, or with ``create`` its folder, is not there.
    """
    handle = os.open(path, os.O_RDWR | (os.O_CREAT if create else 0), 0o600)
    try:
        _lock(handle)
        mine = os.path.samestat(os.stat(path), os.fstat(handle))
    except (BlockingIOError, PermissionError, FileNotFoundError):
        mine = False
    except OSError:  # a file system without locks: nothing there can be told to be abandoned
        mine = create
    if mine:
        return handle
    os.close(handle)
    return None


def release(handle: int) -> None:
    """Free a lock."""
    os.close(handle)
