"""Paths of weight sets over years: linear, log-ratio and logistic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from calib._types import FloatArray
from calib.errors import Faults, InputError
from calib.framework import Track
from calib.weights import Local, WeightSet, derive
from calib.words import message

__all__ = ["PATH_KINDS", "PathKind", "WeightPath", "weight_path"]

PathKind = Literal["linear", "log-ratio", "logistic"]
PATH_KINDS: tuple[PathKind, ...] = ("linear", "log-ratio", "logistic")


@dataclass(frozen=True, eq=False)
class WeightPath:
    """A path of local weights, from ``start`` at time 0 to ``end`` at time 1.

    Attributes
    ----------
    kind : ``linear``: weights move in a straight line; ``log-ratio``: ratios of siblings change
        by the same factor every year; ``logistic``: the straight line is gone along slowly at
        first and at last, as a new practice is adopted
    years : first and last year, times 0 and 1
    steepness : of the logistic curve; the rate at its middle is about ``steepness / 4`` times
        that of a straight line
    """

    start: WeightSet
    end: WeightSet
    kind: PathKind
    years: tuple[float, float]
    steepness: float = 10.0

    def time(self, year: float) -> float:
        """Return the time (0 to 1) of a year."""
        return (year - self.years[0]) / (self.years[1] - self.years[0])

    def year(self, time: FloatArray) -> FloatArray:
        """Return the (fractional) years of times."""
        return np.asarray(self.years[0] + (self.years[1] - self.years[0]) * time, dtype=float)

    def progress(self, time: FloatArray) -> FloatArray:
        """Return how much of the way is done at times (q,), 0 to 1.

        Notes
        -----
        Logistic: (σ(k(t - ½)) - σ(-k/2)) / (σ(k/2) - σ(-k/2)), so that the ends are met exactly.
        """
        t = np.asarray(time, dtype=float)
        if self.kind != "logistic":
            return t
        k = self.steepness
        # σ(x) = (1 + tanh(x/2)) / 2, which gives this symmetric form.
        return np.asarray(0.5 + 0.5 * np.tanh(k * (t - 0.5) / 2) / np.tanh(k / 4), dtype=float)

    def local(self, track: str, time: FloatArray) -> FloatArray:
        """Return local weights (q, m) of a track at times (q,)."""
        s = self.progress(np.atleast_1d(time))[:, None]
        tree = self.start.framework.tracks[track]
        return _between(tree, self.start.local[track], self.end.local[track], s, self.kind)

    def speeds(self, track: str) -> tuple[FloatArray, FloatArray]:
        """Return bounds on ‖w'‖₁ and ‖w''‖₁ of each family over the path (families of the track).

        Notes
        -----
        With d the change of log weights, w_i' = w_i (d_i - d̄) and w_i'' = w_i ((d_i - d̄)² - V),
        so for a range r of d: ‖w'‖₁ <= r/2 and ‖w''‖₁ <= 2V <= r²/2. Logistic progress has
        |s'| <= k / (4 tanh(k/4)) and |s''| <= k² / (6 √3 tanh(k/4)).
        """
        a, b = self.start.local[track], self.end.local[track]
        first, second = [], []
        for family in self.start.framework.tracks[track].families:
            x, y = a[family.members], b[family.members]
            size = float(np.abs(y - x).sum())
            if self.kind == "linear":
                first.append(size)
                second.append(0.0)
            elif self.kind == "logistic":
                k, top = self.steepness, float(np.tanh(self.steepness / 4))
                first.append(size * k / (4 * top))
                second.append(size * k * k / (6 * np.sqrt(3.0) * top))
            else:
                some = x > 0
                d = np.log(y[some]) - np.log(x[some])
                r = float(np.ptp(d)) if len(d) else 0.0
                first.append(r / 2)
                second.append(r * r / 2)
        return np.array(first), np.array(second)

    def at(self, year: float, name: str | None = None) -> WeightSet:
        """Return the weight set of a year, with draws where an end of the path has them.

        Raises
        ------
        InputError
            For a year outside the path.
        """
        first, last = self.years
        if not first <= year <= last:
            raise InputError(message("shift.outside", year=f"{year:g}", first=f"{first:g}",
                                     last=f"{last:g}"))  # fmt: skip
        framework = self.start.framework
        s = self.progress(np.array([self.time(year)]))

        def moved(ends: Sequence[Local], plan: object = None) -> Local:
            del plan
            a, b = ends
            return {t: _between(tree, a[t], b[t], s, self.kind)
                    for t, tree in framework.tracks.items()}  # fmt: skip

        return WeightSet.build(
            framework, name or f"{self.end.name}/{year:g}",
            moved([self.start.local, self.end.local]), source="shift",
            detail=message(
                "provenance.shift", kind=message(f"provenance.path.{self.kind}"),
                start=self.start.called, first=f"{first:g}",
                end=self.end.called, last=f"{last:g}", year=f"{year:g}",
            ),
            inputs={self.start.name: self.start.digest, self.end.name: self.end.digest},
            uncertainty=derive([self.start, self.end], moved),
            synthetic=self.start.provenance.synthetic or self.end.provenance.synthetic,
        )  # fmt: skip


def _between(
    track: Track, a: FloatArray, b: FloatArray, s: FloatArray, kind: PathKind
) -> FloatArray:
    """Return local weights (..., m) when the share ``s`` of the way from ``a`` to ``b`` is done."""
    if kind != "log-ratio":
        return np.asarray((1 - s) * a + s * b, dtype=float)
    some = (a > 0) & (b > 0)
    logs = (1 - s) * np.log(np.where(some, a, 1.0)) + s * np.log(np.where(some, b, 1.0))
    out = np.where(some, np.exp(logs), 0.0)
    for family in track.families:
        whole = out[..., family.members].sum(axis=-1, keepdims=True)
        if not (whole > 0).all():
            raise InputError(message("shift.nothing_left", place=family.place(track.name)))
        out[..., family.members] /= whole
    return np.asarray(out, dtype=float)


def weight_path(
    start: WeightSet,
    end: WeightSet,
    kind: PathKind,
    years: tuple[float, float],
    *,
    steepness: float = 10.0,
) -> WeightPath:
    """Make a path between two weight sets of one framework.

    Raises
    ------
    InputError
        When the frameworks differ, the years do not rise, the steepness is not positive, or a
        log-ratio path meets a weight that is 0 at one end only.
    """
    faults = Faults()
    if start.framework.digest != end.framework.digest:
        faults.add("to", message("shift.other_framework"), value=end.name)
    if kind not in PATH_KINDS:
        faults.add("path", message("shift.no_path"), value=kind, expected=" | ".join(PATH_KINDS))
    if not years[0] < years[1]:
        faults.add("years", message("shift.must_rise"), value=list(years),
                   expected=message("shift.years"))  # fmt: skip
    if not 0 < steepness <= 200:
        faults.add("steepness", message("shift.out_of_range"), value=steepness,
                   expected=message("shift.steepness"))  # fmt: skip
    faults.raise_if_any()
    if kind == "log-ratio":
        for t, tree in start.framework.tracks.items():
            for i in np.flatnonzero((start.local[t] > 0) != (end.local[t] > 0)):
                faults.add(
                    f"{tree.codes[i]} ({t})",
                    message("shift.zero_at_one_end"),
                    value=[float(start.local[t][i]), float(end.local[t][i])],
                    expected=message("shift.no_zero"),
                )
        faults.raise_if_any()
    return WeightPath(start, end, kind, years, steepness)
