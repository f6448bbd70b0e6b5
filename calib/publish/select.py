"""Which shipped notebooks an experiment can fill."""

from __future__ import annotations

import json
from pathlib import Path

from calib._shipped_files import shipped_notebooks
from calib.experiment import Experiment

__all__ = ["fitting_notebooks", "needs_of"]


def needs_of(path: str | Path) -> tuple[str, ...]:
    """Return the sources of weights that a notebook needs in its experiment."""
    node = json.loads(Path(path).read_text(encoding="utf-8"))
    return tuple(node.get("metadata", {}).get("calib", {}).get("needs", ()))


def fitting_notebooks(experiment: Experiment) -> list[Path]:
    """Return the shipped notebooks whose sources of weights the experiment has, by name."""
    sources = {entry.source for entry in experiment.sets} | set(experiment.outcomes)
    return [p for p in sorted(shipped_notebooks().glob("*.ipynb")) if set(needs_of(p)) <= sources]
