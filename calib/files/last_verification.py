"""The record of the last verification of this installation, which every run's manifest names."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import Any

__all__ = ["last_verification", "note_verification"]


def _place() -> Path:
    """Return the file of the record: under ``CALIB_STATE``, else in the user's state folder."""
    given = os.environ.get("CALIB_STATE")
    home = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(given or Path(home) / "calib") / "verification.json"


def note_verification(record: dict[str, Any]) -> None:
    """Keep a record; a folder that cannot be written to keeps none."""
    path = _place()
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def last_verification() -> dict[str, Any] | None:
    """Return the record of the last verification; None where there is none that can be read."""
    with contextlib.suppress(OSError, ValueError):
        found = json.loads(_place().read_text(encoding="utf-8"))
        return found if isinstance(found, dict) else None
    return None
