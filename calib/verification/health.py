"""Whether this installation is what was released, and computes the same on any threads."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

import numpy as np

from calib.words import Text, message

__all__ = ["HealthCheck", "health_checks"]

State = Literal["passed", "failed", "unchecked"]


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """One check of the installation: what it is about, how it went, and what was found."""

    what: Text
    state: State
    found: Text


def health_checks() -> tuple[HealthCheck, ...]:
    """Check the installed files, threads and rounding noise."""
    return (_files(), _threads(), _noise())


def _files() -> HealthCheck:
    what = message("verify.files")
    try:
        installed = metadata.distribution("calib")
    except metadata.PackageNotFoundError:
        return HealthCheck(what, "unchecked", message("verify.no_metadata"))
    package = Path(__file__).resolve().parents[1]
    listed = [f for f in installed.files or () if f.hash is not None and f.parts[0] == "calib"]
    if not listed or Path(str(installed.locate_file("calib"))).resolve() != package:
        return HealthCheck(what, "unchecked", message("verify.editable"))
    changed, own = [], set()
    for file in listed:
        path = Path(str(installed.locate_file(file)))
        own.add(path.resolve())
        recorded = file.hash.value if file.hash else ""
        if (
            not path.is_file()
            or _digest(path, file.hash.mode if file.hash else "sha256") != recorded
        ):
            changed.append(str(file))
    there = (p for p in package.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
    added = [str(p.relative_to(package.parent)) for p in there if p.resolve() not in own]
    if changed or added:
        names = sorted(changed + added)
        return HealthCheck(what, "failed", message("verify.changed", files=names[:10]))
    return HealthCheck(what, "passed", message("verify.unchanged", n=len(listed)))


def _digest(path: Path, mode: str) -> str:
    raw = hashlib.new(mode, path.read_bytes()).digest()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _threads() -> HealthCheck:
    from calib.framework import load_framework
    from calib.population import generate_population
    from calib.rating import score_answers
    from calib.rating.kernel import star_counts

    fw = load_framework("aii")
    scored = score_answers(generate_population(fw, {"discrete": 12_000}, rng=1))
    track, X = fw.tracks["discrete"], scored.samples["discrete"].X
    local = np.repeat(fw.published["discrete"][None], 60, axis=0)
    generator = np.random.default_rng(2)
    for family in track.families:
        local[:, family.members] = generator.dirichlet(np.ones(len(family.members)), 60)
    rule = fw.rule.effective()
    one, two = (star_counts(track, X, local, rule, workers=w) for w in (1, 2))
    same = bool((one.per_set == two.per_set).all())
    same &= bool((one.per_enterprise == two.per_enterprise).all())
    found = message("verify.same" if same else "verify.not_same", n=len(X) * len(local))
    return HealthCheck(message("verify.threads"), "passed" if same else "failed", found)


def _noise() -> HealthCheck:
    from calib.framework import load_framework
    from calib.population import load_population
    from calib.rating import rate, score_answers
    from calib.weights import published_weights

    generator, moved, n = np.random.default_rng(3), 0, 0
    for name, population in (("aii", "trial"), ("au-aged-care", "au-aged-care")):
        fw = load_framework(name)
        scored = score_answers(load_population(population, fw))
        before = rate(published_weights(fw), scored)
        for sample in scored.samples.values():
            sample.X[:] *= 1 + 1e-15 * generator.choice([-1.0, 1.0], sample.X.shape)
        after = rate(published_weights(fw), scored)
        for t, s in before.samples.items():
            moved += int((s.star != after.samples[t].star).sum())
            n += len(s.star)
    found = message("verify.moved" if moved else "verify.not_moved", n=moved or n)
    return HealthCheck(message("verify.noise"), "failed" if moved else "passed", found)
