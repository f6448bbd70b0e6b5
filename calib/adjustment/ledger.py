"""The ledger of a calibration: every round, chained by hashes, from which all can be replayed.

A ledger is one JSON file. Entry 0 states the inputs (framework, population, readings, starting
weights, request); each later entry is a round. Every entry carries the SHA-256 of its content
together with the hash of the entry before it, so that a later change anywhere shows.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import calib
from calib._atomic import write_text
from calib._types import FloatArray
from calib.adjustment.spec import AdjustSpec, spec_from_dict
from calib.errors import Faults, InputError
from calib.framework import Framework
from calib.rating import Scored
from calib.weights import WeightSet

__all__ = ["Ledger", "Replay", "local_by_code", "read_ledger", "replay_ledger", "write_ledger"]

SCHEMA = "calib.ledger/1"
_CLOSE = 1e-9


@dataclass(frozen=True)
class Ledger:
    """A chain of entries; entry 0 holds the inputs.

    Parameters
    ----------
    entries : each a mapping with "index", "previous", "content" and "hash"
    """

    entries: tuple[Mapping[str, Any], ...]

    @classmethod
    def start(
        cls,
        weights: WeightSet,
        scored: Scored,
        spec: AdjustSpec,
        steps: tuple[float, ...],
        grid: float | None,
        seed: int,
    ) -> Ledger:
        """Open a ledger with the inputs of a calibration."""
        fw = weights.framework
        content = {
            "schema": SCHEMA,
            "calib": calib.__version__,
            "framework": {"code": fw.code, "version": fw.version, "digest": fw.digest},
            "population": {
                "label": scored.label,
                "digest": scored.digest,
                "enterprises": len(scored),
                "synthetic": scored.synthetic,
            },
            "readings": scored.readings.as_dict(),
            "start": {"name": weights.name, "digest": weights.digest},
            "weights": local_by_code(weights),
            "request": spec.as_dict(),
            "steps": list(steps),
            "grid": grid,
            "seed": seed,
        }
        return cls(()).append(content)

    def append(self, content: Mapping[str, Any]) -> Ledger:
        """Return the ledger with one more entry."""
        previous = self.entries[-1]["hash"] if self.entries else ""
        index = len(self.entries)
        entry = {
            "index": index,
            "previous": previous,
            "content": json.loads(json.dumps(content)),
            "hash": _hash(index, previous, content),
        }
        return Ledger((*self.entries, entry))

    def text(self) -> str:
        """Return the ledger as JSON text, the same for the same entries."""
        return json.dumps(list(self.entries), ensure_ascii=False, indent=1) + "\n"

    def check(self, file: str = "ledger") -> None:
        """Check every link of the chain.

        Raises
        ------
        InputError
            Names each entry that was changed, moved or left out.
        """
        faults = Faults(file)
        previous = ""
        for number, entry in enumerate(self.entries):
            where = f"entry {number}"
            if entry.get("index") != number or entry.get("previous") != previous:
                faults.add(where, "does not follow the entry before it")
            content = entry.get("content", {})
            if entry.get("hash") != _hash(
                entry.get("index", -1), entry.get("previous", ""), content
            ):
                faults.add(where, "was changed after it was written: its hash does not fit")
            previous = str(entry.get("hash"))
        if not self.entries or self.entries[0]["content"].get("schema") != SCHEMA:
            faults.add("entry 0", "is not the head of a calibration ledger", expected=SCHEMA)
        faults.raise_if_any()


@dataclass(frozen=True)
class Replay:
    """What replaying a ledger found.

    Parameters
    ----------
    rounds : rounds replayed
    difference : largest difference of a local weight from the ledger
    same : whether every weight agrees within 1e-9 and every star count exactly
    final : weights after the last round
    """

    rounds: int
    difference: float
    same: bool
    final: WeightSet


def local_by_code(weights: WeightSet) -> dict[str, dict[str, float]]:
    """Return local weights by track and code."""
    return {
        t: dict(zip(track.codes, weights.local[t].tolist(), strict=True))
        for t, track in weights.framework.tracks.items()
    }


def write_ledger(ledger: Ledger, path: str | os.PathLike[str]) -> None:
    """Write a ledger in one step."""
    write_text(Path(path), ledger.text())


def read_ledger(path: str | os.PathLike[str]) -> Ledger:
    """Read a ledger and check its chain.

    Raises
    ------
    InputError
        When it is no ledger, or an entry was changed.
    """
    file = Path(path)
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as exc:
        raise InputError(f"{file}: no such file") from exc
    except (OSError, ValueError) as exc:
        raise InputError(f"{file}: cannot be read as JSON: {exc}") from exc
    if not isinstance(data, list) or not all(isinstance(e, dict) and "content" in e for e in data):
        raise InputError(f"{file}: is not a calibration ledger (a list of entries)")
    ledger = Ledger(tuple(data))
    ledger.check(str(file))
    return ledger


def replay_ledger(ledger: Ledger, scored: Scored) -> Replay:
    """Run a calibration again from its ledger and compare.

    Parameters
    ----------
    ledger : checked ledger
    scored : the population's scores, under the ledger's readings

    Raises
    ------
    InputError
        When framework, population or readings are not those of the ledger.
    """
    from calib.adjustment.rounds import adjust_rounds

    head = ledger.entries[0]["content"]
    _check_inputs(head, scored)
    start = _weights(head["weights"], scored.framework, head["start"]["name"])
    again = adjust_rounds(
        start, scored, spec_from_dict(head["request"]), steps=tuple(head["steps"]),
        grid=head["grid"], seed=int(head["seed"]),
    )  # fmt: skip
    worst, same = 0.0, len(again.ledger.entries) == len(ledger.entries)
    for mine, theirs in zip(again.ledger.entries[1:], ledger.entries[1:], strict=False):
        a, b = mine["content"], theirs["content"]
        worst = max(worst, _difference(a["after"], b["after"]))
        same &= a["stars_after"] == b["stars_after"]
    return Replay(len(again.rounds), worst, bool(same and worst <= _CLOSE), again.final)


def _check_inputs(head: Mapping[str, Any], scored: Scored) -> None:
    faults = Faults("ledger")
    fw = scored.framework
    pairs = (
        ("framework", head["framework"]["digest"], fw.digest),
        ("population", head["population"]["digest"], scored.digest),
        ("readings", head["readings"], scored.readings.as_dict()),
    )
    for what, theirs, mine in pairs:
        if theirs != mine:
            faults.add(
                what, "is not the one that the ledger was made with", value=mine, expected=theirs
            )
    faults.raise_if_any()


def _weights(table: Mapping[str, Mapping[str, float]], fw: Framework, name: str) -> WeightSet:
    local: dict[str, FloatArray] = {
        t: np.array([table[t][c] for c in track.codes]) for t, track in fw.tracks.items()
    }
    return WeightSet.build(fw, name, local, source="ledger", detail="read from a ledger")


def _difference(
    a: Mapping[str, Mapping[str, float]], b: Mapping[str, Mapping[str, float]]
) -> float:
    return max(abs(a[t][c] - b[t].get(c, np.inf)) for t in a for c in a[t])


def _hash(index: int, previous: str, content: Mapping[str, Any]) -> str:
    body = json.dumps([index, previous, content], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(body.encode()).hexdigest()
