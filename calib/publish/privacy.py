"""What a published page may show of enterprises: pseudonyms, and counts that are not too small.

A pseudonym is a keyed digest (HMAC-SHA-256) of an enterprise's id and name: with the same key it
is the same in every publication, and without the key nobody can compute it from a list of names.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from calib.errors import InputError
from calib.files.atomic import atomic_file
from calib.files.inputs import read_input
from calib.population import Population, Sample
from calib.words import message

__all__ = ["Privacy", "pseudonymise", "read_key"]

_LARGEST_KEY = 1_000_000


@dataclass(frozen=True, slots=True)
class Privacy:
    """What may be shown.

    Attributes
    ----------
    key : the secret of the pseudonyms; None shows enterprises by their names
    min_count : counts of enterprises from 1 to below this are suppressed, and with them all rows
        and figures about single enterprises; 1 suppresses nothing
    """

    key: bytes | None = None
    min_count: int = 1

    def __post_init__(self) -> None:
        if self.min_count < 1:
            raise InputError(message("publish.least_count", n=self.min_count))
        if self.min_count == 2:
            raise InputError(message("publish.least_count_two"))

    @property
    def rows_allowed(self) -> bool:
        """Whether rows about single enterprises may be shown."""
        return self.min_count == 1

    def prepare(self, population: Population) -> Population:
        """Return the population as it may be shown; for ``run_experiment(prepare=…)``."""
        return population if self.key is None else pseudonymise(population, self.key)


def read_key(path: str | Path) -> bytes:
    """Return the secret of the pseudonyms; one is made where there is no file or an empty one.

    Raises
    ------
    InputError
        When the file holds less than 16 bytes.
    """
    file = Path(path)
    if not file.exists() or file.stat().st_size == 0:
        _write_key(file)
    key = read_input(file, most=_LARGEST_KEY).strip()
    if len(key) < 16:
        raise InputError(message("publish.short_key", file=str(file), n=len(key)))
    return key


def _write_key(file: Path) -> None:
    """Write a new secret for its owner only; one that another process has just made is kept."""
    empty = file.exists()
    if empty:
        file.chmod(0o600)
    with contextlib.suppress(FileExistsError), atomic_file(file, new=not empty) as aside:
        handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as stream:
            stream.write(secrets.token_hex(32) + "\n")


def _pseudonyms(sample: Sample, key: bytes, taken: set[str]) -> list[str]:
    out = []
    for enterprise, name in zip(sample.ids, sample.names, strict=True):
        digest = hmac.new(key, f"{enterprise}\x1f{name}".encode(), hashlib.sha256).digest()
        code = base64.b32encode(digest).decode()
        size = 6
        while f"E-{code[:size]}" in taken:
            size += 1
        taken.add(f"E-{code[:size]}")
        out.append(f"E-{code[:size]}")
    return out


def pseudonymise(population: Population, key: bytes) -> Population:
    """Replace ids and names by pseudonyms, and bring the enterprises into their order.

    The order of the file would tell who is who; attributes stay, as analyses may need them.
    The digest is that of the pseudonymous contents.
    """
    taken: set[str] = set()
    samples = {}
    for t, sample in population.samples.items():
        codes = np.array(_pseudonyms(sample, key, taken), dtype=object)
        order = np.argsort(codes.astype(str), kind="stable")
        moved = sample.take(order)
        samples[t] = replace(moved, ids=codes[order], names=codes[order])
    return replace(population, samples=samples, digest="")
