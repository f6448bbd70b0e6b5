"""Independent random streams by name, all from one seed."""

from __future__ import annotations

import hashlib

import numpy as np

from calib._types import Seed

__all__ = ["stream", "token"]


def token(rng: Seed) -> int:
    """Return the integer that names all the streams of a call.

    Parameters
    ----------
    rng : an integer stands for itself; of a Generator one integer is drawn; None is fresh entropy
    """
    if isinstance(rng, np.random.Generator):
        return int(rng.integers(2**63))
    if isinstance(rng, np.random.SeedSequence):
        return int(rng.generate_state(1, np.uint64)[0])
    return int(np.random.SeedSequence().generate_state(1, np.uint64)[0]) if rng is None else rng


def stream(seed: int, name: str) -> np.random.Generator:
    """Return a generator that depends on ``seed`` and ``name`` only.

    So what is drawn for one set, case or scope does not change when another is added.
    """
    key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
    return np.random.default_rng(np.random.SeedSequence([seed, key]))
