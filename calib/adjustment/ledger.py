"""The ledger of a calibration: every round, chained by hashes, from which all can be replayed.

A ledger is one JSON file. Entry 0 states the inputs (framework, population, rule options, starting
weights, request); each later entry is a round; the last one closes the ledger and says how many
rounds there are. Every entry carries the SHA-256 of its content together with the hash of the
entry before it, so that a later change anywhere shows. Whoever rewrites a whole file can hash it
anew: what tells then is the hash of the last entry, kept elsewhere, and replaying.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import calib
from calib._types import FloatArray
from calib.adjustment.adjust_request import AdjustRequest
from calib.errors import Faults, InputError
from calib.files.atomic import write_text
from calib.files.inputs import read_input
from calib.framework import Framework
from calib.rating import Scored
from calib.weights import WeightSet
from calib.words import Message, Text, languages, message

__all__ = [
    "Ledger",
    "Replay",
    "in_both",
    "local_by_code",
    "read_ledger",
    "replay_ledger",
    "write_ledger",
]

SCHEMA = "calib.ledger/3"
_EARLIER = ("calib.ledger/1", "calib.ledger/2")
_CLOSE = 1e-9
_UNTOLD = (("calib",), ("start", "name"))  # a replay has nothing to compare these with


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
        request: AdjustRequest,
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
            "rule_options": scored.rule_options.as_dict(),
            "start": {"name": weights.name, "digest": weights.digest},
            "weights": local_by_code(weights),
            "request": request.record(),
            "seed": seed,
        }
        return cls(()).append(content)

    def append(self, content: Mapping[str, Any]) -> Ledger:
        """Return the ledger with one more entry."""
        if self.closed:
            raise InputError(message("adjustment.fault.closed"))
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

    def close(self, *, holds: bool, stopped: Text, final: WeightSet) -> Ledger:
        """Return the ledger with the entry that ends it."""
        return self.append(
            {
                "closed": True,
                "rounds": len(self.entries) - 1,
                "holds": holds,
                "stopped": in_both(stopped),
                "final": local_by_code(final),
            }
        )

    @property
    def closed(self) -> bool:
        """Whether the entry that ends a ledger is there."""
        return len(self.entries) > 1 and "closed" in self.entries[-1]["content"]

    @property
    def rounds(self) -> tuple[Mapping[str, Any], ...]:
        """The contents of the rounds."""
        return tuple(e["content"] for e in self.entries[1:] if "closed" not in e["content"])

    @property
    def seal(self) -> str:
        """Hash of the last entry: noted elsewhere, it tells a ledger from any other."""
        return str(self.entries[-1]["hash"]) if self.entries else ""

    def check(self, file: str = "ledger", *, seal: str | None = None) -> None:
        """Check types, every link of the chain, its length and its end.

        Parameters
        ----------
        file : name for messages
        seal : hash of the last entry as noted elsewhere (at least its first 8 digits)

        Raises
        ------
        InputError
            Names each value of a wrong type, and each entry that was changed, moved or left out.
        """
        from calib.adjustment.ledger_schema import check_types

        faults = Faults(file)
        _check_form(self.entries, faults)
        if not self.entries:
            faults.add(_entry(0), message("adjustment.fault.no_head"), expected=SCHEMA)
        check_types(self.entries, faults)
        faults.raise_if_any()
        previous = ""
        for number, entry in enumerate(self.entries):
            where = _entry(number)
            if entry["index"] != number or entry["previous"] != previous:
                faults.add(where, message("adjustment.fault.no_follow"))
            if entry["hash"] != _hash(entry["index"], entry["previous"], entry["content"]):
                faults.add(where, message("adjustment.fault.changed"))
            previous = entry["hash"]
        self._check_end(faults)
        if seal is not None and (len(seal) < 8 or not self.seal.startswith(seal.lower())):
            faults.add(
                "seal", message("adjustment.fault.other_seal"), value=seal, expected=self.seal
            )
        faults.raise_if_any()

    def _check_end(self, faults: Faults) -> None:
        last = _entry(len(self.entries) - 1)
        if not self.closed:
            faults.add(last, message("adjustment.fault.not_closed"))
            return
        rounds, end = self.rounds, self.entries[-1]["content"]
        if end["rounds"] != len(rounds) or len(rounds) != len(self.entries) - 2:
            said = message("adjustment.fault.number_of_rounds", n=end["rounds"])
            faults.add(last, message("adjustment.fault.other_length"), value=len(self.entries) - 2,
                       expected=said)  # fmt: skip
        before = self.entries[0]["content"]["weights"]
        for number, content in enumerate(rounds, start=1):
            if content["round"] != number or content["before"] != before:
                faults.add(_entry(number), message("adjustment.fault.other_start"))
            before = content["after"]
        if end["final"] != before:
            faults.add(last, message("adjustment.fault.other_end"))


def _entry(number: int) -> Message:
    return message("adjustment.fault.entry", n=number)


@dataclass(frozen=True)
class Replay:
    """What replaying a ledger found.

    Parameters
    ----------
    rounds : rounds replayed
    difference : largest difference of a local weight from the ledger
    same : whether everything agrees, numbers within 1e-9
    final : weights after the last round
    differences : what does not agree: where, in the ledger, replayed
    """

    rounds: int
    difference: float
    same: bool
    final: WeightSet
    differences: tuple[tuple[str, object, object], ...] = ()


def _check_form(entries: Sequence[Mapping[str, Any]], faults: Faults) -> None:
    """Refuse a ledger of an earlier form at once, and say what reads it."""
    content = entries[0].get("content") if entries else None
    if not isinstance(content, Mapping) or content.get("schema") not in _EARLIER:
        return
    version = content.get("calib")
    faults.add("entry 0 schema", message("adjustment.fault.ledger_form", version=str(version)[:20]),
               value=content["schema"], expected=SCHEMA)  # fmt: skip
    faults.raise_if_any()


def in_both(text: Text) -> dict[str, str]:
    """Return a text in every language, as a ledger keeps it."""
    return {lang: text.get(lang) for lang in languages()}


def local_by_code(weights: WeightSet) -> dict[str, dict[str, float]]:
    """Return local weights by track and code."""
    return {
        t: dict(zip(track.codes, weights.local[t].tolist(), strict=True))
        for t, track in weights.framework.tracks.items()
    }


def write_ledger(ledger: Ledger, path: str | os.PathLike[str]) -> None:
    """Write a ledger in one step; only a ledger of the same calibration is replaced.

    Raises
    ------
    InputError
        When another file stands there, such as the ledger of another calibration.
    """
    if not os.path.lexists(path):
        # Another process may write one at the same moment: it is looked at before it is replaced.
        with contextlib.suppress(FileExistsError):
            write_text(path, ledger.text(), new=True)
            return
    _check_old(Path(path), ledger)
    write_text(Path(path), ledger.text())


def _check_old(path: Path, ledger: Ledger) -> None:
    """Refuse a file that is not the ledger of the same start, request, data and seed."""
    try:
        head = json.loads(path.read_bytes())[0]["content"]
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        head = None
    if head != json.loads(ledger.text())[0]["content"]:
        if head is None:
            raise InputError(message("adjustment.no_ledger_there", file=str(path)))
        raise InputError(message("adjustment.other_ledger_there", file=str(path)))


def read_ledger(path: str | os.PathLike[str], *, seal: str | None = None) -> Ledger:
    """Read a ledger and check its types, its chain, its length and its end.

    Parameters
    ----------
    path : the file
    seal : hash of the last entry as noted elsewhere, or its first digits (8 at least)

    Raises
    ------
    InputError
        When it is no ledger, when an entry was changed or is missing, or the seal is another.
    """
    file = Path(path)
    try:
        data = json.loads(read_input(file))
    except (ValueError, RecursionError) as exc:
        raise InputError(
            message("adjustment.fault.no_json", file=str(file), cause=str(exc))
        ) from exc
    if not isinstance(data, list) or not all(isinstance(e, dict) for e in data):
        raise InputError(message("adjustment.fault.no_ledger", file=str(file)))
    ledger = Ledger(tuple(data))
    ledger.check(str(file), seal=seal)
    return ledger


def replay_ledger(ledger: Ledger, scored: Scored) -> Replay:
    """Run a calibration again from its ledger and compare.

    Parameters
    ----------
    ledger : checked ledger
    scored : the population's scores, under the ledger's rule options

    Raises
    ------
    InputError
        When framework, population or rule options are not those of the ledger.
    """
    from calib.adjustment.rounds import run_rounds

    head = ledger.entries[0]["content"]
    _check_inputs(head, scored)
    request = AdjustRequest.make(head["request"], "ledger", "request")
    spec = request.resolve(scored.framework)
    start = _weights(head["weights"], scored.framework, head["start"]["name"])
    again = run_rounds(start, scored, spec, int(head["seed"]))
    found: list[tuple[str, object, object]] = []
    if len(again.ledger.entries) != len(ledger.entries):
        found.append(("entries", len(ledger.entries), len(again.ledger.entries)))
    for number, (mine, theirs) in enumerate(
        zip(again.ledger.entries, ledger.entries, strict=False)
    ):
        found += _differences(theirs["content"], mine["content"], (f"entry {number}",))
    worst = max((_largest(a, b) for where, a, b in found if ".after." in where), default=0.0)
    return Replay(len(again.rounds), worst, not found, again.final, tuple(found))


def _differences(
    theirs: object, mine: object, path: tuple[str, ...]
) -> list[tuple[str, object, object]]:
    """List where two contents disagree; numbers agree within 1e-9."""
    if path[1:] in _UNTOLD:
        return []
    if isinstance(theirs, Mapping) and isinstance(mine, Mapping):
        return [
            row
            for key in dict.fromkeys([*theirs, *mine])
            for row in _differences(theirs.get(key), mine.get(key), (*path, str(key)))
        ]
    if isinstance(theirs, list) and isinstance(mine, list) and len(theirs) == len(mine):
        return [
            row
            for i, (a, b) in enumerate(zip(theirs, mine, strict=True))
            for row in _differences(a, b, (*path, str(i)))
        ]
    if theirs == mine or _largest(theirs, mine) <= _CLOSE:
        return []
    return [(".".join(path), theirs, mine)]


def _largest(a: object, b: object) -> float:
    """Return the difference of two numbers; infinite for anything else."""
    numbers = isinstance(a, int | float) and isinstance(b, int | float)
    if not numbers or isinstance(a, bool) or isinstance(b, bool):
        return float("inf")
    if a != a and b != b:
        return 0.0
    return abs(float(a) - float(b))  # type: ignore[arg-type]


def _check_inputs(head: Mapping[str, Any], scored: Scored) -> None:
    faults = Faults("ledger")
    fw = scored.framework
    pairs = (
        ("framework", head["framework"]["digest"], fw.digest),
        ("population", head["population"]["digest"], scored.digest),
        ("rule_options", head["rule_options"], scored.rule_options.as_dict()),
    )
    for what, theirs, mine in pairs:
        if theirs != mine:
            said = message("adjustment.fault.other_input")
            faults.add(what, said, value=mine, expected=theirs)
    faults.raise_if_any()


def _weights(table: Mapping[str, Mapping[str, float]], fw: Framework, name: str) -> WeightSet:
    faults = Faults("ledger")
    for t, track in fw.tracks.items():
        for code in sorted(set(track.codes) ^ set(table.get(t, {}))):
            key = "node_missing" if code in track.codes else "node_unknown"
            faults.add(f"entry 0 weights.{t}.{code}", message(f"adjustment.fault.{key}"))
    faults.raise_if_any()
    local: dict[str, FloatArray] = {
        t: np.array([table[t][c] for c in track.codes], dtype=float)
        for t, track in fw.tracks.items()
    }
    return WeightSet.build(fw, name, local, source="ledger", detail="read from a ledger")


def _hash(index: int, previous: str, content: Mapping[str, Any]) -> str:
    body = json.dumps([index, previous, content], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(body.encode()).hexdigest()
