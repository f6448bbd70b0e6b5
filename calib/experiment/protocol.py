"""The protocol of an experiment: what was declared before the data, and what is different now.

A protocol is a file beside the experiment, ``<experiment>.protocol.json``: every option of every
set and analysis (caps, margins, shares, pooling, stopping and adoption rules), when it was locked,
which data files were there already, and a hash over all of it. Whoever notes down the hash can
prove later that nothing of it was changed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import calib
from calib._dates import now
from calib.errors import InputError
from calib.experiment.option_words import said_option, said_value
from calib.experiment.spec import DECISION, Experiment
from calib.files.atomic import write_text
from calib.files.inputs import file_digest
from calib.words import Text, message

__all__ = ["Deviation", "Followed", "Protocol", "lock_protocol", "protocol_path", "read_protocol"]

SCHEMA = "calib.protocol/1"
_FILE_KEYS = ("file", "files", "seeds", "parts", "mapping")
"""Keys of an experiment that name data."""


@dataclass(frozen=True)
class Deviation:
    """One thing that is declared otherwise than in the protocol.

    Attributes
    ----------
    key : dotted, as the file writes it; of a whole set or analysis where it is new or gone
    locked, now : what was and what is declared, None where it is not declared
    what : what the key names
    """

    key: str
    locked: Any
    now: Any
    what: Text

    @property
    def text(self) -> Text:
        """The deviation in words."""
        said = {"added": self.locked is None and isinstance(self.now, Mapping),
                "dropped": self.now is None and isinstance(self.locked, Mapping)}  # fmt: skip
        form = next((name for name, true in said.items() if true), "deviation")
        return message(f"experiment.protocol.{form}", what=self.what, key=self.key,
                       locked=said_value(self.key, self.locked),
                       now=said_value(self.key, self.now))  # fmt: skip


@dataclass(frozen=True)
class Protocol:
    """A locked protocol.

    Attributes
    ----------
    experiment : name of the experiment
    locked : when, in UTC
    version : of calib
    declared : every option by its dotted key
    present : data files that were there when it was locked, with their SHA-256
    hash : SHA-256 over all of the above
    """

    experiment: str
    locked: str
    version: str
    declared: Mapping[str, Any]
    present: Mapping[str, str]
    hash: str

    @property
    def intact(self) -> bool:
        """Whether the file is as it was locked."""
        return self.hash == _hash(self._body())

    def deviations(self, experiment: Experiment, seed: int | None = None) -> list[Deviation]:
        """Return what an experiment declares otherwise.

        Parameters
        ----------
        seed : the seed of the run, in place of the file's
        """
        current = dict(_declared(experiment))
        if seed is not None:
            current["seed"] = seed
        before, after = _by_place(self.declared), _by_place(current)
        out: list[tuple[str, Any, Any]] = []
        for place in dict.fromkeys([*before, *after]):
            then, now = before.get(place), after.get(place)
            if then is None or now is None:  # a set or an analysis as a whole
                out.append((place, then, now))
                continue
            keys = dict.fromkeys([*then, *now])
            out += [(k, then.get(k), now.get(k)) for k in keys if then.get(k) != now.get(k)]
        return [Deviation(k, then, now, said_option(k, experiment)) for k, then, now in out]

    def sentence(self, deviations: Sequence[Deviation]) -> Text:
        """Return what a reader has to know of it: when it was locked, and what deviates."""
        key = "kept" if not deviations else "deviates"
        if not self.intact:
            key = "changed"
        return message(f"experiment.protocol.{key}", locked=self.locked, hash=self.hash[:16],
                       n=len(deviations), present=self.data_present())  # fmt: skip

    def record(self, deviations: Sequence[Deviation]) -> dict[str, Any]:
        """Return it as a manifest keeps it."""
        return {
            "locked": self.locked, "hash": self.hash, "intact": self.intact,
            "data_present_when_locked": dict(self.present),
            "deviations": [{"key": d.key, "locked": d.locked, "now": d.now} for d in deviations],
        }  # fmt: skip

    def data_present(self) -> Text:
        """Return which data were there when it was locked."""
        if not self.present:
            return message("experiment.protocol.before_data")
        return message("experiment.protocol.with_data", files=list(self.present))

    def _body(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA, "experiment": self.experiment, "locked": self.locked,
            "calib": self.version, "declared": dict(self.declared), "present": dict(self.present),
        }  # fmt: skip

    def text(self) -> str:
        """Return the contents of its file."""
        body = {**self._body(), "hash": self.hash}
        return json.dumps(body, ensure_ascii=False, indent=2) + "\n"


@dataclass(frozen=True)
class Followed:
    """A protocol, and how far a run followed it."""

    protocol: Protocol
    deviations: tuple[Deviation, ...]

    def sentence(self) -> Text:
        """Return when it was locked, and how much deviates."""
        return self.protocol.sentence(self.deviations)

    def record(self) -> dict[str, Any]:
        """Return it as a manifest keeps it."""
        return self.protocol.record(self.deviations)


def protocol_path(experiment: Experiment) -> Path:
    """Return where the protocol of an experiment stands: beside its file."""
    file = Path(experiment.file)
    return file.with_name(f"{file.stem}.protocol.json")


def lock_protocol(experiment: Experiment, path: Path | None = None) -> Path:
    """Write the protocol of an experiment.

    Raises
    ------
    InputError
        Where one is locked already: a protocol is not replaced.
    """
    target = protocol_path(experiment) if path is None else path
    if target.exists():
        raise InputError(message("experiment.protocol.locked_already", file=str(target)))
    plain = Protocol(
        experiment.name, now().isoformat(timespec="seconds"), calib.__version__,
        dict(_declared(experiment)), dict(_data(experiment)), "",
    )  # fmt: skip
    whole = Protocol(**{**plain.__dict__, "hash": _hash(plain._body())})
    write_text(target, whole.text())
    return target


def read_protocol(path: Path) -> Protocol:
    """Read a protocol.

    Raises
    ------
    InputError
        When the file is no protocol.
    """
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
        if body["schema"] != SCHEMA:
            raise ValueError(body["schema"])
        return Protocol(body["experiment"], body["locked"], body["calib"], body["declared"],
                        body["present"], body["hash"])  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise InputError(message("experiment.protocol.unreadable", file=str(path))) from exc


def _declared(experiment: Experiment) -> Iterator[tuple[str, Any]]:
    """Yield every option by its dotted key, those that keep their default among them."""
    yield "framework", f"{experiment.framework.code} {experiment.framework.version}"
    yield "framework_digest", experiment.framework.digest
    yield "baseline", experiment.baseline
    yield "seed", experiment.seed
    yield from _flat("rule_options", experiment.framework.rule.read(
        experiment.rule_options).as_dict())  # fmt: skip
    yield from _flat("population", experiment.population.model_dump(mode="json"))
    for entry in experiment.sets:
        yield f"sets.{entry.name}.source", entry.source
        yield from _flat(f"sets.{entry.name}", entry.params.record())
    for name, params in experiment.outcomes.items():
        yield from _flat(name if name == "decision" else f"outcomes.{name}", params.record())


def _flat(key: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        for name, inner in value.items():
            yield from _flat(f"{key}.{name}", inner)
    elif value is not None:
        yield key, value


def _data(experiment: Experiment) -> Iterator[tuple[str, str]]:
    """Yield the data files that are there, with their hashes."""
    for key, value in _declared(experiment):
        if key.rpartition(".")[2] not in _FILE_KEYS:
            continue
        for pattern in [value] if isinstance(value, str) else value:
            found = sorted(experiment.folder.glob(pattern)) if "*" in pattern else [
                experiment.folder / pattern]  # fmt: skip
            for path in found:
                if path.is_file():
                    yield path.name, file_digest(path)


def _hash(body: Mapping[str, Any]) -> str:
    canonical = json.dumps(body, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _by_place(declared: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return options by the set or analysis that they belong to, the others under no name."""
    sets = [k.removesuffix(".source") for k in declared
            if k.startswith("sets.") and k.endswith(".source")]  # fmt: skip
    out: dict[str, dict[str, Any]] = {"": {}}
    for key, value in declared.items():
        room = key.split(".")[0]
        place = room if room == DECISION else ""
        if room == "outcomes":
            place = ".".join(key.split(".")[:2])
        if room == "sets":
            place = max((s for s in sets if key.startswith(f"{s}.")), key=len, default="")
        out.setdefault(place, {})[key] = value
    return out
