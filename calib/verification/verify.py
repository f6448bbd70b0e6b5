"""Checking that calib computes what has been published, on this machine and offline."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib import metadata
from typing import TYPE_CHECKING

from calib._dates import now
from calib.files.last_verification import note_verification
from calib.report import Column, Note, Result, Role, Table
from calib.verification.closed_forms import closed_forms
from calib.verification.health import HealthCheck, health_checks
from calib.verification.official import official_values
from calib.verification.paper import paper_values
from calib.verification.software import software_values
from calib.verification.values import TIERS, Compared
from calib.words import Text, message

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Verification", "verify"]

_PACKAGES = ("numpy", "scipy", "pandas", "statsmodels", "pydantic", "matplotlib", "numba")


@dataclass(frozen=True, eq=False, repr=False)
class Verification(Result):
    """What was compared, and what was found.

    Attributes
    ----------
    compared : published values beside calib's
    controls : a match that must be seen as one, and a difference that must be seen as one
    health : checks of the installed files, of threads, and of rounding noise
    versions : of Python and the packages that calib computes with
    finished : date and time, UTC
    """

    compared: tuple[Compared, ...]
    controls: tuple[HealthCheck, ...]
    health: tuple[HealthCheck, ...]
    versions: tuple[tuple[str, str], ...]
    finished: str

    @property
    def differ(self) -> tuple[Compared, ...]:
        """The values that do not agree."""
        return tuple(c for c in self.compared if not c.agrees)

    @property
    def passed(self) -> bool:
        """Whether all values agree, and no check has failed."""
        checks = (*self.controls, *self.health)
        return not self.differ and all(c.state != "failed" for c in checks)

    @property
    def identifier(self) -> str:
        """A short name of what was found: the same values and versions give the same one."""
        values = [(_plain(c.what), c.reference, c.ours) for c in self.compared]
        text = repr(values) + repr(self.versions)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def headline(self) -> Text:
        """Return whether it passed, and how many values agree."""
        key = "verify.passed" if self.passed else "verify.failed"
        return message(key, agree=len(self.compared) - len(self.differ), n=len(self.compared))

    @property
    def notes(self) -> tuple[Note, ...]:  # type: ignore[override]
        """What failed or could not be checked."""
        out = [Note(message("verify.differs", what=c.what, source=c.source), True)
               for c in self.differ[:10]]  # fmt: skip
        for check in (*self.controls, *self.health):
            if check.state != "passed":
                text = message("verify.check", what=check.what, found=check.found)
                out.append(Note(text, check.state == "failed"))
        return tuple(out)

    @cached_property
    def tables(self) -> tuple[Table, ...]:  # type: ignore[override]
        """A summary by tier, every value, the checks, and the versions."""
        return (self._tiers(), self._values(), self._versions())

    def _tiers(self) -> Table:
        import pandas as pd

        rows = []
        for tier in TIERS:
            own = [c for c in self.compared if c.tier == tier]
            digits = int(min((c.digits for c in own), default=0.0))
            rows.append((tier, len(own), sum(c.agrees for c in own), digits))
        columns = (
            Column("verify.tier", Role.GROUP, label=message("verify.tier"), coded="word"),
            _number("verify.values"), _number("verify.agree"),
            _number("verify.fewest"),
        )  # fmt: skip
        frame = pd.DataFrame(rows, columns=[c.key for c in columns])
        return Table("tiers", frame, message("verify.tiers"), len(rows), declared=columns)

    def _values(self) -> Table:
        columns = (
            Column("verify.tier", Role.GROUP, label=message("verify.tier"), coded="word"),
            Column("verify.method", Role.GROUP, label=message("verify.method"), coded="word"),
            Column("verify.what", Role.TEXT, label=message("verify.what")),
            Column("verify.source", Role.TEXT, label=message("verify.source")),
            Column("verify.reference", Role.STATISTIC, label=message("verify.reference")),
            Column("verify.ours", Role.STATISTIC, label=message("verify.ours")),
            _number("verify.digits"),
            Column("verify.agrees", Role.FLAG, label=message("verify.agrees")),
        )
        return Table("values", self._frame([c.key for c in columns]), message("verify.all"),
                     len(self.compared), declared=columns)  # fmt: skip

    def _frame(self, columns: list[str]) -> pd.DataFrame:
        import pandas as pd

        rows = [
            (c.tier, c.method, c.what, c.source, c.reference, c.ours, int(c.digits), c.agrees)
            for c in self.compared
        ]
        return pd.DataFrame(rows, columns=columns)

    def _versions(self) -> Table:
        import pandas as pd

        columns = (
            Column("verify.package", Role.TEXT, label=message("verify.package")),
            Column("verify.version", Role.TEXT, label=message("verify.version")),
        )
        frame = pd.DataFrame(self.versions, columns=[c.key for c in columns])
        return Table("versions", frame, message("verify.versions"), len(frame), declared=columns)


def _plain(what: str | Text) -> str:
    return what if isinstance(what, str) else what.get("en")


def _number(key: str) -> Column:
    return Column(key, Role.NUMBER, label=message(key))


def _controls() -> tuple[HealthCheck, ...]:
    """Compare a known match, and known differences just beyond the tolerance."""
    same = Compared("closed_form", "control", "1/3", "", 1 / 3, 0.1 + 0.7 / 3, 1e-12)
    off = Compared("closed_form", "control", "1/3", "", 1 / 3, 1 / 3 + 1.01e-12, 1e-12)
    lost = Compared("closed_form", "control", "1/3", "", 1 / 3, float("nan"), 1e-12)
    out = []
    for key, right in (("match", same.agrees), ("difference", not (off.agrees or lost.agrees))):
        found = message("verify.control_right" if right else "verify.control_wrong")
        what = message(f"verify.control.{key}")
        out.append(HealthCheck(what, "passed" if right else "failed", found))
    return tuple(out)


def verify(*, progress: Callable[[str], object] = lambda text: None) -> Verification:
    """Compare calib with published values, and check the installation; offline, in a minute.

    Parameters
    ----------
    progress : called with the tier that begins

    Returns
    -------
    A result with ``passed``; the manifest of every later run names it

    Notes
    -----
    Tiers: closed forms in exact fractions; figures that the white paper prints; values of other
    software and worked examples; official stars and scores. A method that raises counts as a
    value that does not agree.
    """
    found: list[Compared] = []
    tiers: dict[str, Callable[[], Iterator[Compared]]] = {
        "closed_form": closed_forms,
        "paper": paper_values,
        "software": software_values,
        "official": official_values,
    }
    for tier, values in tiers.items():
        progress(tier)
        found += _all_of(tier, values)
    progress("health")
    versions = (
        ("calib", _version("calib")),
        ("python", platform.python_version()),
        *((p, _version(p)) for p in _PACKAGES),
        ("platform", platform.platform()),
    )
    when = now().isoformat(timespec="seconds")
    done = Verification(tuple(found), _controls(), health_checks(), versions, when)
    note_verification({
        "id": done.identifier, "finished": done.finished, "passed": done.passed,
        "values": len(done.compared), "agree": len(done.compared) - len(done.differ),
        "calib": _version("calib"),
    })  # fmt: skip
    return done


def _all_of(tier: str, values: Callable[[], Iterator[Compared]]) -> list[Compared]:
    """Return all comparisons of a tier; one that breaks off ends with one that does not agree."""
    out: list[Compared] = []
    try:
        out.extend(values())
    except Exception as exc:  # an altered file can break anything; that must be seen, not raised
        what = f"{type(exc).__name__}: {exc}".splitlines()[0][:200]
        out.append(Compared(tier, "control", what, "", float("nan"), float("nan"), 0.0))
    return out


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "–"
