"""Folders that calib writes as a whole: marked by a manifest with the hash of every file.

A folder without such a mark, or changed since it was written, is somebody's own work.
"""

from __future__ import annotations

import json
import os
from itertools import islice
from pathlib import Path
from typing import Any

from calib.errors import InputError
from calib.files.inputs import file_digest
from calib.words import Label, message, resolve_language, say

__all__ = ["MANIFEST", "changes", "check_replaceable", "file_hashes", "own_work", "read_manifest"]

MANIFEST = "manifest.json"
_SCHEMAS = ("calib.manifest/1", "calib.site/1")
_GROUPS = ("outputs", "inputs", "versions", "rule_options", "experiment")
_SHOWN = 6
_SYSTEM = {".DS_Store", "Thumbs.db", "desktop.ini", ".directory"}
"""What file managers leave in every folder that somebody looks into."""


def file_hashes(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file below a folder but its manifest, by its relative path."""
    return {
        p.relative_to(folder).as_posix(): file_digest(p)
        for p in sorted(folder.rglob("*"))
        if p.is_file() and p.relative_to(folder).as_posix() != MANIFEST
    }


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """Return the manifest of a folder that calib wrote, None where there is none."""
    file = folder / MANIFEST
    if not file.is_file():
        return None
    try:
        manifest = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(manifest, dict) or manifest.get("schema") not in _SCHEMAS:
        return None
    whole = all(isinstance(manifest.get(k, {}), dict) for k in _GROUPS) and "outputs" in manifest
    return manifest if whole and all(map(_is_text, manifest["outputs"].values())) else None


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def changes(folder: Path, manifest: dict[str, Any]) -> list[Label]:
    """Return what is not as the manifest says: files that were edited, added or removed."""
    known: dict[str, str] = manifest["outputs"]
    places = {p.as_posix() for name in known for p in Path(name).parents}
    out = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if name == MANIFEST or path.name in _SYSTEM:
            continue
        if path.is_symlink() or name not in known:
            if path.is_symlink() or not path.is_dir() or name not in places:
                out.append(_change(name, "added"))
        elif not path.is_file() or file_digest(path) != known[name]:
            out.append(_change(name, "edited"))
    gone = [name for name in known if not (folder / name).exists()]
    return out + [_change(name, "removed") for name in gone]


def _change(name: str, what: str) -> Label:
    return Label.of(message(f"faults.file_{what}", file=name))


def own_work(folder: Path) -> str:
    """Say what in a folder would be lost if it were replaced; "" if nothing would.

    Nothing is lost of a folder that is not there or empty, or that calib wrote and that is as it
    was written; of its files some may have been removed.
    """
    if not os.path.lexists(folder):
        return ""
    if not folder.is_dir():
        return say("faults.no_folder")
    with os.scandir(folder) as entries:
        names = [e.name + ("/" if e.is_dir() else "") for e in islice(entries, _SHOWN + 1)]
    if not names:
        return ""
    manifest = read_manifest(folder)
    if manifest is None:
        return say("faults.not_by_calib", files=_listed(sorted(names)))
    found = [text for text in changes(folder, manifest) if not text.endswith("(removed)")]
    shown = [text.get(resolve_language(None)) for text in found]
    return say("faults.changed_since", files=_listed(shown)) if found else ""


def _listed(names: list[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (" …" if len(names) > _SHOWN else "")


def check_replaceable(folder: Path, *, shown: Path | None = None) -> None:
    """Refuse a folder that is not calib's to replace.

    Raises
    ------
    InputError
        Naming what is in it; also for the current folder and those above it.
    """
    name = shown or folder
    here = Path.cwd()
    if folder.resolve() in (here, *here.parents):
        raise InputError(message("faults.is_the_current_folder_or", name=name))
    kept = own_work(folder)
    if kept:
        raise InputError(message("faults.is_there_already_and_is", name=name, kept=kept))
