"""Which shipped notebooks an experiment can fill."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from calib.experiment import Experiment
from calib.experiment.spec import SetEntry
from calib.files.shipped import shipped_notebooks
from calib.publish.filling import chains
from calib.words import Name, Text

__all__ = ["Chosen", "fitting_notebooks", "subject_of"]


@dataclass(frozen=True)
class Chosen:
    """A notebook to be filled, and what of an experiment it is about.

    Attributes
    ----------
    of : a source of weights; ``"chain"``: panel and ballots, blended and adjusted; or ``""``
    entry : the set of that source
    label : tells pages of one notebook apart; None where there is only one
    """

    path: Path
    of: str = ""
    entry: str = ""
    label: Text | None = None


def subject_of(path: str | Path) -> str:
    """Return the source of weights that a notebook is about; ``"chain"``; or nothing."""
    return str(_about(path).get("of", ""))


def _about(path: str | Path) -> dict[str, Any]:
    node = json.loads(Path(path).read_text(encoding="utf-8"))
    about: dict[str, Any] = node.get("metadata", {}).get("calib", {})
    return about


def fitting_notebooks(experiment: Experiment) -> list[Chosen]:
    """Return the shipped notebooks that an experiment can fill, once for each set they are about.

    A notebook says in its metadata what it is about, and which framework where its text is about
    that one.
    """
    out: list[Chosen] = []
    for path in sorted(shipped_notebooks().glob("*.ipynb")):
        about = _about(path)
        if about.get("framework", experiment.framework.code) != experiment.framework.code:
            continue
        of = subject_of(path)
        if not of:
            out.append(Chosen(path))
            continue
        entries = _entries(experiment, of)
        several = len(entries) > 1
        out += [
            Chosen(path, of, e.name, (e.label or Name(e.name, e.name)) if several else None)
            for e in entries
        ]
    return out


def _entries(experiment: Experiment, of: str) -> list[SetEntry]:
    if of == "chain":
        return [chain.adjusted for chain in chains(experiment)]
    return [e for e in experiment.sets if e.source == of and getattr(e.params, "report", True)]
