"""Exactly when an enterprise's star changes along a path of weights."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import numpy as np

from calib._types import BoolArray, FloatArray, IntArray
from calib.errors import InputError
from calib.framework import Thresholds, Track
from calib.rating.gates_and_caps import leaf_caps, movable_gates
from calib.rating.stars import stars
from calib.words import message

__all__ = ["Path", "TippingPoints", "stars_along", "tipping_points"]

GRID = 16
CHUNK = 2048
"""Enterprises looked at together; the grid takes some 10 kB of each while they are."""
NARROWEST = 1e-10
SAME = 1e-12


@runtime_checkable
class Path(Protocol):
    """A path of local weights over time 0 to 1, smooth in between."""

    def local(self, track: str, time: FloatArray) -> FloatArray:
        """Return local weights (q, m) at times (q,)."""
        ...

    def speeds(self, track: str) -> tuple[FloatArray, FloatArray]:
        """Return bounds on ‖w'‖₁ and ‖w''‖₁ of each family of the track."""
        ...


@dataclass(frozen=True, eq=False)
class TippingPoints:
    """Every change of star along a path, in order of enterprise and time.

    Attributes
    ----------
    row : (e,) enterprise
    time : (e,) 0 to 1
    before, after : (e,) stars, from 0
    node : (e,) position of the gated node whose gate is crossed, -1 where the total crosses a band
    start, end : (n,) stars at the two ends
    touching : narrow spans in which a score comes within rounding of a threshold and no crossing
        could be told from a mere touch; no star change is reported there
    """

    row: IntArray
    time: FloatArray
    before: IntArray
    after: IntArray
    node: IntArray
    start: IntArray
    end: IntArray
    touching: int


@dataclass(frozen=True, eq=False)
class _Scene:
    track: Track
    X: FloatArray
    drift: FloatArray | None
    path: Path
    thresholds: Thresholds
    gates: IntArray
    edges: FloatArray

    def scores(self, rows: IntArray, time: FloatArray) -> FloatArray:
        """Return total and gated scores (q, 1 + P) of enterprises at their own times."""
        local = self.path.local(self.track.code, time)
        X = self.X[rows]
        if self.drift is not None:
            X = X + time[:, None] * self.drift[rows]
        track = self.track
        nodes = np.empty((len(rows), len(track.nodes)))
        nodes[:, track.leaves] = X
        for family in reversed(track.families):  # children before their parents
            members = family.members
            score = np.einsum("qc,qc->q", local[:, members], nodes[:, members])
            if family.parent:
                nodes[:, track.index[family.parent]] = score
        return np.concatenate([score[:, None], nodes[:, self.gates]], axis=1)

    def star(self, rows: IntArray, time: FloatArray) -> IntArray:
        found = self.scores(rows, time)
        rated = stars(found[:, 0], found[:, 1:], self.thresholds, self.edges)[0]
        if not self.thresholds.caps:
            return rated
        top = len(self.thresholds.band)
        return np.minimum(rated, leaf_caps(self.track, self.X[rows], self.thresholds.caps, top))

    def curvature(self) -> FloatArray:
        """Return bounds on |second derivative| of total and gated scores, (n, 1 + P).

        For s = Σ w_i s_i with Σ w' = 0 and the s_i within R of a middle:
        |s'| <= R ‖w'‖ + max |s_i'| and |s''| <= R ‖w''‖ + 2 ‖w'‖ max |s_i'| + max |s_i''|.
        The bounds are the enterprise's own: equal answers under a node leave its score still.
        """
        track, n = self.track, len(self.X)
        first, second = np.zeros((n, len(track.nodes))), np.zeros((n, len(track.nodes)))
        reach = self.X[:, :, None]
        if self.drift is not None:
            first[:, track.leaves] = np.abs(self.drift)
            reach = np.stack([self.X, self.X + self.drift], axis=2)
        speed, turn = self.path.speeds(track.code)
        one = two = np.zeros(n)
        for f in range(len(track.families) - 1, -1, -1):
            family = track.families[f]
            i = track.index[family.parent] if family.parent else -1
            under = reach if i < 0 else reach[:, track.membership([i])[0]]
            half = (under.max(axis=(1, 2)) - under.min(axis=(1, 2))) / 2
            s1, s2 = first[:, family.members].max(axis=1), second[:, family.members].max(axis=1)
            one = half * speed[f] + s1
            two = half * turn[f] + 2 * speed[f] * s1 + s2
            if i >= 0:
                first[:, i], second[:, i] = one, two
        return np.concatenate([two[:, None], second[:, self.gates]], axis=1)


def tipping_points(
    track: Track,
    X: FloatArray,
    path: Path,
    thresholds: Thresholds,
    *,
    X_end: FloatArray | None = None,
) -> TippingPoints:
    """Find every change of star along a path of weights.

    Parameters
    ----------
    X : (n, L) complete leaf scores at time 0
    path : weights over time
    thresholds : effective thresholds of the rating rule
    X_end : (n, L) scores at time 1, moving on a straight line; as ``X`` if None

    Notes
    -----
    A star can change only where the total crosses a band or a gated score its gate. With a bound
    M on a score's second derivative, a span of length h on which the chord stays further than
    M h²/8 from the threshold has no crossing; one with a chord steeper than M h is monotone and
    has one if its ends say so; any other span is halved. So no crossing is missed between grid
    points. Crossings are then closed in to the last bits (a straight line in one step).
    """
    if thresholds.caps and X_end is not None:
        raise InputError(message("framework.not_followed", parts=[message("framework.part.caps")]))
    gates, edges = _some_gates(track, thresholds)
    parts = []
    for first in range(0, max(len(X), 1), CHUNK):
        scene = _scene(track, X, path, thresholds, gates, edges, X_end, first)
        n = len(scene.X)
        spans, touching = _isolate(scene, n)
        found = _events(scene, n, spans, _close_in(scene, spans), touching)
        parts.append(replace(found, row=found.row + first))
    names = ("row", "time", "before", "after", "node", "start", "end")
    joined = {k: np.concatenate([getattr(p, k) for p in parts]) for k in names}
    return TippingPoints(**joined, touching=sum(p.touching for p in parts))


def _some_gates(track: Track, thresholds: Thresholds) -> tuple[IntArray, FloatArray]:
    """Return the nodes that have gates, and their gates."""
    gates, edges = movable_gates(track, thresholds)
    some = np.isfinite(edges).any(axis=1)
    return gates[some], edges[some]


def _scene(
    track: Track, X: FloatArray, path: Path, thresholds: Thresholds, gates: IntArray,
    edges: FloatArray, X_end: FloatArray | None, first: int,
) -> _Scene:  # fmt: skip
    """Return the scene of the enterprises from ``first`` on, at most ``CHUNK`` of them."""
    rows = slice(first, first + CHUNK)
    start = np.asarray(X[rows], dtype=float)
    drift = None if X_end is None else X_end[rows] - start
    return _Scene(track, start, drift, path, thresholds, gates, edges)


@dataclass
class _Spans:
    """Spans [a, b] of time in which one score passes one threshold."""

    row: IntArray
    line: IntArray
    edge: FloatArray
    a: FloatArray
    b: FloatArray
    fa: FloatArray
    fb: FloatArray

    def take(self, keep: BoolArray) -> _Spans:
        return _Spans(*(getattr(self, k)[keep] for k in self.__dataclass_fields__))

    @staticmethod
    def join(parts: list[_Spans]) -> _Spans:
        keys = _Spans.__dataclass_fields__
        return _Spans(*(np.concatenate([getattr(p, k) for p in parts]) for k in keys))


def _isolate(scene: _Scene, n: int) -> tuple[_Spans, int]:
    """Find spans with exactly one crossing each, and count spans left undecided."""
    grid = np.linspace(0, 1, GRID + 1)
    rows = np.repeat(np.arange(n), GRID + 1)
    values = scene.scores(rows, np.tile(grid, n)).reshape(n, GRID + 1, 1 + len(scene.gates))
    bound = scene.curvature()
    found: list[_Spans] = []
    touching = 0
    work = _first_spans(scene, values, grid, bound)
    while len(work.row):
        h = work.b - work.a
        bend = bound[work.row, work.line]
        crosses = (work.fa > 0) != (work.fb > 0)
        steep = np.abs(work.fb - work.fa) > bend * h * h
        clear = np.minimum(np.abs(work.fa), np.abs(work.fb)) > bend * h * h / 8
        single = crosses & (steep | (bend == 0))
        empty = ~crosses & (clear | steep | (bend == 0))
        narrow = ~single & ~empty & (h < NARROWEST)
        found.append(work.take(single | (narrow & crosses)))
        touching += int((narrow & ~crosses).sum())
        work = _halve(scene, work.take(~single & ~empty & ~narrow))
    return _Spans.join(found) if found else work, touching


def _first_spans(scene: _Scene, values: FloatArray, grid: FloatArray, bound: FloatArray) -> _Spans:
    parts = []
    for line in range(values.shape[2]):
        edges = scene.thresholds.band if line == 0 else scene.edges[line - 1]
        for edge in edges[np.isfinite(edges)]:
            f = values[:, :, line] - edge
            left, right = f[:, :-1], f[:, 1:]
            near = np.minimum(np.abs(left), np.abs(right)) <= bound[:, line, None] / GRID**2 / 8
            row, at = np.nonzero(near | ((left > 0) != (right > 0)))
            parts.append(_Spans(
                row, np.full(len(row), line), np.full(len(row), edge), grid[at], grid[at + 1],
                left[row, at], right[row, at],
            ))  # fmt: skip
    return _Spans.join(parts)


def _halve(scene: _Scene, spans: _Spans) -> _Spans:
    if not len(spans.row):
        return spans
    middle = (spans.a + spans.b) / 2
    f = _value(scene, spans, middle)
    s = spans
    return _Spans.join([
        _Spans(s.row, s.line, s.edge, s.a, middle, s.fa, f),
        _Spans(s.row, s.line, s.edge, middle, s.b, f, s.fb),
    ])  # fmt: skip


def _value(scene: _Scene, spans: _Spans, time: FloatArray) -> FloatArray:
    scores = scene.scores(spans.row, time)
    return np.asarray(scores[np.arange(len(time)), spans.line] - spans.edge, dtype=float)


def _close_in(scene: _Scene, spans: _Spans) -> FloatArray:
    """Return the crossing in each span: regula falsi with halved weights (Illinois)."""
    a, b, fa, fb = (np.array(v) for v in (spans.a, spans.b, spans.fa, spans.fb))
    t = (a + b) / 2
    for step in range(80):
        open_ = (b - a > 1e-15) & (fa != fb)
        if not open_.any():
            break
        with np.errstate(divide="ignore", invalid="ignore"):
            t = np.where(open_, a + (b - a) * fa / (fa - fb), t)
        if step > 40:  # a tangent-like crossing: halve
            t = np.where(open_, (a + b) / 2, t)
        t = np.clip(t, a, b)
        f = _value(scene, spans, t)
        left = (f > 0) == (spans.fa > 0)
        done = np.abs(f) < 1e-13
        fb = np.where(left, np.where(left, fb / 2, fb), f)
        fa = np.where(left, f, fa / 2)
        a, b = np.where(left | done, t, a), np.where(left & ~done, b, t)
    return np.asarray(t, dtype=float)


def _events(scene: _Scene, n: int, spans: _Spans, time: FloatArray, touching: int) -> TippingPoints:
    """Keep the crossings at which the star is another before and after."""
    order = np.lexsort((time, spans.row))
    row, t, line = spans.row[order], time[order], spans.line[order]
    if len(row):
        new = np.r_[True, (row[1:] != row[:-1]) | (np.diff(t) > SAME)]
        row, t, line = row[new], t[new], line[new]
    first = np.r_[True, row[1:] != row[:-1]] if len(row) else np.zeros(0, dtype=bool)
    last = np.r_[row[1:] != row[:-1], True] if len(row) else first
    previous = np.where(first, 0.0, np.r_[0.0, t[:-1]]) if len(row) else t
    following = np.where(last, 1.0, np.r_[t[1:], 1.0]) if len(row) else t
    before = scene.star(row, (previous + t) / 2)
    after = scene.star(row, (t + following) / 2)
    keep = before != after
    node = np.where(line == 0, -1, 0)
    if len(scene.gates):
        node = np.where(line == 0, -1, scene.gates[np.maximum(line - 1, 0)])
    everyone = np.arange(n)
    return TippingPoints(
        row[keep], t[keep], before[keep], after[keep], node[keep].astype(np.int64),
        scene.star(everyone, np.zeros(n)), scene.star(everyone, np.ones(n)), touching,
    )  # fmt: skip


def stars_along(
    track: Track,
    X: FloatArray,
    path: Path,
    thresholds: Thresholds,
    times: FloatArray,
    *,
    X_end: FloatArray | None = None,
) -> IntArray:
    """Return the star of every enterprise at times along a path, (len(times), n)."""
    gates, edges = _some_gates(track, thresholds)
    out = np.empty((len(times), len(X)), dtype=np.int64)
    for first in range(0, len(X), CHUNK):
        scene = _scene(track, X, path, thresholds, gates, edges, X_end, first)
        rows = np.arange(len(scene.X))
        for k, t in enumerate(times):
            out[k, first : first + CHUNK] = scene.star(rows, np.full(len(rows), float(t)))
    return out
