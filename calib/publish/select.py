"""Which shipped notebooks an experiment can fill."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from calib.experiment import Experiment
from calib.files.shipped import shipped_notebooks

__all__ = ["fitting_notebooks", "needs_of"]


def needs_of(path: str | Path) -> tuple[str, ...]:
    """Return the sources of weights that a notebook needs in its experiment."""
    return tuple(_about(path).get("needs", ()))


def _about(path: str | Path) -> dict[str, Any]:
    node = json.loads(Path(path).read_text(encoding="utf-8"))
    about: dict[str, Any] = node.get("metadata", {}).get("calib", {})
    return about


def fitting_notebooks(experiment: Experiment) -> list[Path]:
    """Return the shipped notebooks that an experiment can fill, by name.

    A notebook says in its metadata which sources of weights it needs, and which framework where
    its text is about that one.
    """
    sources = {entry.source for entry in experiment.sets} | set(experiment.outcomes)
    out = []
    for path in sorted(shipped_notebooks().glob("*.ipynb")):
        own = _about(path).get("framework", experiment.framework.code)
        if set(needs_of(path)) <= sources and own == experiment.framework.code:
            out.append(path)
    return out
